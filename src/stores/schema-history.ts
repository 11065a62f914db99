import { reading } from '../delta/damage.ts'
import { integerOf, isRecord, parsedRecord, textOf } from '../delta/decode.ts'
import { listWhole } from '../delta/listing.ts'
import { commitPath } from '../delta/log-names.ts'
import { commitRows } from '../delta/log-sql.ts'
import { columnsOf, parseSchema, type SchemaColumn } from '../delta/schema.ts'
import { Snapshot } from '../delta/snapshot.ts'
import type { TableLog } from '../delta/table-log.ts'
import { commitTimes } from '../delta/version-at.ts'
import type { Row } from '../engine/engine.ts'
import { sql } from '../engine/sql.ts'
import type { SchemaChange } from '../model/schema.ts'
import { columnChanges } from '../model/type-difference.ts'
import type { SchemaVersion } from './store.ts'

type HistoryIo = Pick<TableLog, 'name' | 'blobs' | 'session'> & { readonly snapshot: Snapshot }

/** The newest versions that changed the columns, as far back as the log tells, newest first. */
export async function schemaHistoryOf(io: HistoryIo, limit: number): Promise<readonly SchemaVersion[]> {
  const { blobs, session } = io
  const { commits } = await listWhole(blobs)
  if (commits.length === 0) return []
  const paths = await blobs.fetch(commits.map(({ version }) => commitPath(version)))
  const rows = await reading(blobs, () =>
    session.rows(sql`select version, first("metaData"."schemaString") filter ("metaData" is not null) as schema,
      first("commitInfo"::varchar) filter ("commitInfo" is not null) as info
      from ${commitRows(paths, ['metaData', 'commitInfo'])} group by version having schema is not null order by version`),
  )
  const versions: SchemaVersion[] = []
  let columns = await columnsBefore(commits, io)
  for (const row of rows) {
    const now = columnsOf(parseSchema(textOf(row['schema']) ?? ''))
    const changed = versionOf(row, columns, now)
    if (changed.changes.length > 0) versions.push(changed)
    columns = now
  }
  const newest = versions.toReversed().slice(0, limit)
  const times = await commitTimes(
    io.snapshot.state.metadata,
    io,
    newest.map(({ version }) => version).toSorted((a, b) => (a < b ? -1 : 1)),
  )
  const byVersion = new Map(times.map(({ version, atMs }) => [version, atMs]))
  return newest.map((one) => ({ ...one, timestampMs: byVersion.get(one.version) ?? null }))
}

/** The columns before the first commit that is left; where the log was cleaned up, a checkpoint has them. */
async function columnsBefore(commits: readonly { readonly version: bigint }[], io: HistoryIo): Promise<readonly SchemaColumn[]> {
  const { checkpoints } = await listWhole(io.blobs)
  const ascending = (a: bigint, b: bigint) => (a < b ? -1 : 1)
  const first = commits.map(({ version }) => version).toSorted(ascending)[0] ?? 0n
  const at = checkpoints
    .map(({ version }) => version)
    .filter((version) => version <= first)
    .toSorted(ascending)
    .at(-1)
  if (first === 0n || at === undefined) return []
  const snapshot = await Snapshot.open(io.name, io.blobs, io.session, { gate: 'read', at: { version: at } })
  try {
    return snapshot === undefined ? [] : columnsOf(snapshot.state.fields)
  } finally {
    await snapshot?.close()
  }
}

function versionOf(row: Row, before: readonly SchemaColumn[], after: readonly SchemaColumn[]): SchemaVersion {
  const info = parsedRecord(textOf(row['info']) ?? '') ?? {}
  const own = isRecord(info['ingestd']) ? info['ingestd'] : {}
  const files = bringers(own['schema'])
  return {
    version: integerOf(row['version']) ?? 0n,
    timestampMs: null,
    batch: integerOf(own['batch']),
    batchId: textOf(own['batchId']),
    engine: textOf(info['engineInfo']),
    changes: columnChanges(before, after).map(
      ({ path, from, to }): SchemaChange => ({
        kind: from === null ? 'added' : to === null ? 'removed' : 'changed',
        column: path,
        from,
        to,
        file: files.get(path) ?? null,
      }),
    ),
  }
}

/** Landing files by the columns that they brought, as our commits note them. */
function bringers(noted: unknown): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const one of Array.isArray(noted) ? noted : []) {
    if (!isRecord(one) || !Array.isArray(one['columns'])) continue
    for (const column of one['columns']) files.set(String(column), textOf(one['file']) ?? '')
  }
  return files
}
