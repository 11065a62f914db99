import { isDeepStrictEqual } from 'node:util'
import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { openCheckpoint } from './checkpoint-read.ts'
import { integerOf, parsedRecord, textOf } from './decode.ts'
import type { Checkpoint, CommitFile } from './listing.ts'
import { commitPath } from './log-names.ts'
import { checkpointAction, commitRows, deletionVectorId } from './log-sql.ts'
import { type LogState, readState } from './log-state.ts'
import type { TableLog } from './table-log.ts'

type LogIo = Pick<TableLog, 'blobs' | 'session'>

/**
 * What a checkpoint says otherwise than the one before it and the commits between them do, as texts. Where `commits` is null
 * there is nothing to compare with, and it is only read.
 */
export async function checkpointDifferences(
  base: Checkpoint | null,
  checkpoint: Checkpoint,
  commits: readonly CommitFile[] | null,
  io: LogIo,
): Promise<readonly string[]> {
  const { version } = checkpoint
  const state = await readState({ version, checkpoint, commits: [], compactions: [] }, io.blobs, io.session)
  const files = await filesIn(checkpoint, io)
  if (commits === null) {
    await io.session.rows(sql`select count(*) as files, sum(size) as bytes from (${files})`)
    return []
  }
  const replayed = await readState({ version, checkpoint: base, commits, compactions: [] }, io.blobs, io.session)
  return [...stateDifferences(state, replayed), ...(await fileDifferences(files, await replay(base, commits, io), io))]
}

const NO_FILES = sql`select null::varchar as path, null::varchar as dv, null::bigint as size where false`

/** Query of path, dv and size of the active files that a checkpoint names. */
async function filesIn(checkpoint: Checkpoint, { blobs, session }: LogIo): Promise<Sql> {
  const parts = (await openCheckpoint(checkpoint, blobs, session)).files.filter(({ shape }) => shape.has('add'))
  if (parts.length === 0) return NO_FILES
  const queries = parts.map(({ rows, shape }) => {
    const actions = sql`select ${checkpointAction('add', shape)} as a from ${rows} where "add".path is not null`
    return sql`select a.path as path, ${deletionVectorId(raw('a'))} as dv, a.size as size from (${actions})`
  })
  return join(queries, ' union all ')
}

/** The same by the commits: the newest action of each file wins. */
async function replay(base: Checkpoint | null, commits: readonly CommitFile[], io: LogIo): Promise<Sql> {
  const before = base === null ? NO_FILES : await filesIn(base, io)
  if (commits.length === 0) return before
  const paths = await io.blobs.fetch(commits.map(({ version }) => commitPath(version)))
  const dv = sql`case when "add" is null then ${deletionVectorId(id('remove'))} else ${deletionVectorId(id('add'))} end`
  const newest = sql`select coalesce("add".path, "remove".path) as path, ${dv} as dv, "add" is not null as there, "add".size as size
    from ${commitRows(paths, ['add', 'remove'])} where "add".path is not null or "remove".path is not null
    qualify row_number() over (partition by coalesce("add".path, "remove".path), ${dv} order by version desc, "add" is null) = 1`
  return sql`with newest as materialized (${newest})
    select b.path, b.dv, b.size from (${before}) as b anti join newest as n on n.path = b.path and n.dv = b.dv
    union all select path, dv, size from newest where there`
}

async function fileDifferences(files: Sql, replayed: Sql, { session }: LogIo): Promise<readonly string[]> {
  const rows = await session.rows(sql`select kind, count(*) as files, min(path) as path from (
    select case when c.path is null then 'lacks' when r.path is null then 'has' else 'size' end as kind, coalesce(c.path, r.path) as path
    from (${files}) as c full join (${replayed}) as r on c.path = r.path and c.dv = r.dv
    where c.path is null or r.path is null or c.size is distinct from r.size) group by kind order by kind`)
  return rows.map((row) => {
    const count = integerOf(row['files']) ?? 0n
    const which = `${count === 1n ? 'the file' : `${count} files, the first is`} ${textOf(row['path']) ?? ''}`
    if (row['kind'] === 'lacks') return `it lacks ${which}, which the commits have`
    if (row['kind'] === 'has') return `it has ${which}, which the commits do not have`
    return `it has another size for ${which} than the commits`
  })
}

function stateDifferences(checkpoint: LogState, replayed: LogState): readonly string[] {
  const [a, b] = [checkpoint.metadata, replayed.metadata]
  const isSameMetadata =
    a.id === b.id &&
    isDeepStrictEqual(a.partitionColumns, b.partitionColumns) &&
    isDeepStrictEqual(a.configuration, b.configuration) &&
    isDeepStrictEqual(parsedRecord(a.schemaString), parsedRecord(b.schemaString))
  const txns = [...replayed.txns.values()].filter(({ appId, version }) => {
    // Transactions of others may have expired.
    const told = checkpoint.txns.get(appId)?.version
    return told !== version && (told !== undefined || appId.startsWith('ingestd/'))
  })
  return [
    ...(isSameMetadata ? [] : ['it has other metadata than the commits']),
    ...(isDeepStrictEqual(protocolOf(checkpoint), protocolOf(replayed)) ? [] : ['it has another protocol than the commits']),
    ...txns.map(({ appId, version }) => `it does not hold batch ${version} of ${appId}, which the commits have`),
  ]
}

function protocolOf({ protocol }: LogState) {
  const { minReaderVersion, minWriterVersion, readerFeatures, writerFeatures } = protocol
  return [minReaderVersion, minWriterVersion, (readerFeatures ?? []).toSorted(), (writerFeatures ?? []).toSorted()]
}
