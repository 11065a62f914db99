import { reading } from '../delta/damage.ts'
import { integerOf, isRecord, parsedRecord, textOf } from '../delta/decode.ts'
import { allCommits } from '../delta/listing.ts'
import { commitPath } from '../delta/log-names.ts'
import { commitRows } from '../delta/log-sql.ts'
import type { TableLog } from '../delta/table-log.ts'
import { sql } from '../engine/sql.ts'
import type { HistoryEntry } from './store.ts'

/** The newest commits that are still in the log, newest first. */
export async function historyOf({ blobs, session }: TableLog, limit: number): Promise<readonly HistoryEntry[]> {
  const versions = (await allCommits(blobs)).slice(-limit)
  if (versions.length === 0 || limit <= 0) return []
  const paths = versions.map((version) => blobs.localPath(commitPath(version)))
  const records = sql`try_cast(json_extract_string("add".stats, '$.numRecords') as bigint)`
  const rows = await reading(blobs, () =>
    session.rows(sql`select version, first("commitInfo"::varchar) filter ("commitInfo" is not null) as info,
      count("add".path) as added, count("remove".path) as removed, sum(${records})::bigint as records
      from ${commitRows(paths, ['add', 'remove', 'commitInfo'])} group by version order by version desc`),
  )
  return rows.map(entryOf)
}

function entryOf(row: Readonly<Record<string, unknown>>): HistoryEntry {
  const info = parsedRecord(textOf(row['info']) ?? '') ?? {}
  const own = isRecord(info['ingestd']) ? info['ingestd'] : {}
  const metrics = isRecord(info['operationMetrics']) ? info['operationMetrics'] : {}
  return {
    version: integerOf(row['version']) ?? 0n,
    timestampMs: Number(integerOf(info['timestamp']) ?? 0n),
    operation: textOf(info['operation']) ?? 'unknown',
    batch: integerOf(own['batch']),
    batchId: textOf(own['batchId']),
    files: { added: Number(integerOf(row['added']) ?? 0n), removed: Number(integerOf(row['removed']) ?? 0n) },
    rows: integerOf(metrics['numOutputRows']) ?? integerOf(row['records']),
    engine: textOf(info['engineInfo']),
  }
}
