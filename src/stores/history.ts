import { reading } from '../delta/damage.ts'
import { integerOf, isRecord, parsedRecord, textOf } from '../delta/decode.ts'
import { listWhole } from '../delta/listing.ts'
import { commitPath } from '../delta/log-names.ts'
import { commitRows } from '../delta/log-sql.ts'
import type { LogState } from '../delta/snapshot.ts'
import type { TableLog } from '../delta/table-log.ts'
import { commitTimes } from '../delta/version-at.ts'
import { sql } from '../engine/sql.ts'
import type { HistoryEntry } from './store.ts'

/** The newest versions that the log still tells of, newest first: commits, and checkpoints that outlived their commit. */
export async function historyOf(
  { metadata }: LogState,
  io: Pick<TableLog, 'blobs' | 'session'>,
  limit: number,
): Promise<readonly HistoryEntry[]> {
  const { commits, checkpoints } = await listWhole(io.blobs)
  const known = new Set(commits.map(({ version }) => version))
  const lone = new Set(checkpoints.map(({ version }) => version).filter((version) => !known.has(version)))
  const versions = [...known, ...lone].sort((a, b) => (a < b ? 1 : -1)).slice(0, limit)
  const told = await commitEntries(
    versions.filter((version) => known.has(version)),
    metadata,
    io,
  )
  return versions.flatMap((version) => (lone.has(version) ? [onlyInCheckpoint(version)] : (told.get(version) ?? [])))
}

async function commitEntries(
  versions: readonly bigint[],
  metadata: LogState['metadata'],
  io: Pick<TableLog, 'blobs' | 'session'>,
): Promise<ReadonlyMap<bigint, HistoryEntry>> {
  if (versions.length === 0) return new Map()
  const paths = await io.blobs.fetch(versions.map(commitPath))
  const records = sql`case when coalesce("add"."dataChange", true) then try_cast(json_extract_string("add".stats, '$.numRecords') as bigint) end`
  const rows = await reading(io.blobs, () =>
    io.session.rows(sql`select version, first("commitInfo"::varchar) filter ("commitInfo" is not null) as info,
      count("add".path) as added, count("remove".path) as removed, sum(${records})::bigint as records
      from ${commitRows(paths, ['add', 'remove', 'commitInfo'])} group by version`),
  )
  const times = new Map((await commitTimes(metadata, io, versions)).map(({ version, atMs }) => [version, atMs]))
  return new Map(rows.map((row) => entryOf(row, times)).map((entry) => [entry.version, entry]))
}

function entryOf(row: Readonly<Record<string, unknown>>, times: ReadonlyMap<bigint, number>): HistoryEntry {
  const version = integerOf(row['version']) ?? 0n
  // Writers may leave the commitInfo out: what is known then is the files.
  const info = parsedRecord(textOf(row['info']) ?? '') ?? {}
  const own = isRecord(info['ingestd']) ? info['ingestd'] : {}
  const metrics = textsOfRecord(info['operationMetrics'])
  return {
    version,
    timestampMs: times.get(version) ?? null,
    operation: textOf(info['operation']),
    parameters: textsOfRecord(info['operationParameters']),
    metrics,
    onlyInCheckpoint: false,
    batch: integerOf(own['batch']),
    batchId: textOf(own['batchId']),
    landingFiles: integerOf(own['files']),
    files: { added: Number(integerOf(row['added']) ?? 0n), removed: Number(integerOf(row['removed']) ?? 0n) },
    rows: integerOf(metrics['numOutputRows']) ?? integerOf(row['records']),
    engine: textOf(info['engineInfo']),
    userMetadata: textOf(info['userMetadata']),
  }
}

/** The content of the version can be had, but what made it is not told any more. */
function onlyInCheckpoint(version: bigint): HistoryEntry {
  return {
    version,
    timestampMs: null,
    operation: null,
    parameters: {},
    metrics: {},
    onlyInCheckpoint: true,
    batch: null,
    batchId: null,
    landingFiles: null,
    files: null,
    rows: null,
    engine: null,
    userMetadata: null,
  }
}

/** Values as texts, which most writers make of them anyway; a nested one as its JSON. */
function textsOfRecord(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) return {}
  const told = Object.entries(value).filter(([, one]) => one !== null)
  return Object.fromEntries(told.map(([name, one]) => [name, typeof one === 'string' ? one : JSON.stringify(one)]))
}
