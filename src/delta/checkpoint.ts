import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { failpoint } from '../lib/failpoint.ts'
import { integerOf } from './decode.ts'
import { parseInterval } from './interval.ts'
import { type Json, jsonText } from './json.ts'
import { checkpointPath, LAST_CHECKPOINT } from './log-names.ts'
import { ACTION_TYPES, type ActionName, checkpointed } from './log-sql.ts'
import type { LogState, Snapshot } from './snapshot.ts'

/** Order of the columns, as other writers have it. */
const COLUMNS: readonly ActionName[] = ['txn', 'add', 'remove', 'metaData', 'protocol', 'domainMetadata']
const WEEK_MS = 7 * 24 * 3600 * 1000
const DEFAULT_INTERVAL = 10

/** How many commits lie between two checkpoints, by the table's property or else the config. */
export function checkpointInterval(state: LogState, configured: number): bigint {
  const property = Number(state.metadata.configuration['delta.checkpointInterval'] ?? configured)
  return BigInt(Number.isInteger(property) && property > 0 ? property : DEFAULT_INTERVAL)
}

/**
 * Writes the snapshot as a classic checkpoint and points `_last_checkpoint` to it. `stage` is a folder of ours in which
 * the file is written before it is moved to the log, so that no reader meets half of it.
 */
export async function writeCheckpoint(
  snapshot: Snapshot,
  stage: string,
  io: { readonly blobs: Blobs; readonly session: Session; readonly nowMs: number },
): Promise<void> {
  const { state } = snapshot
  const { blobs, session } = io
  const files = await snapshot.files()
  await snapshot.checkUnchanged()
  const cutoff = io.nowMs - (parseInterval(state.metadata.configuration['delta.deletedFileRetentionDuration']) ?? WEEK_MS)
  const rows = join(
    [
      ...controlRows(state),
      actionRows('add', sql`select ${checkpointed('add')} as a from ${files}`),
      // Removes are kept as long as vacuum must spare their files.
      actionRows(
        'remove',
        sql`select ${checkpointed('remove')} as a from ${await snapshot.tombstones()} where "remove"."deletionTimestamp" > ${raw(String(Math.trunc(cutoff)))}`,
      ),
    ],
    ' union all ',
  )
  await blobs.createFolder(stage)
  const staged = `${stage}/checkpoint.tmp`
  const [written] = await session.rows(
    sql`copy (${rows}) to ${literal(blobs.localPath(staged))} (format parquet, compression zstd, parquet_version v1, return_stats)`,
  )
  const [counted] = await session.rows(sql`select count(*) as files from ${files}`)
  await blobs.publish([{ from: staged, to: checkpointPath(state.version) }])
  failpoint('checkpoint-before-pointer')
  const pointer = {
    version: state.version,
    size: integerOf(written?.['count']) ?? 0n,
    sizeInBytes: integerOf(written?.['file_size_bytes']) ?? 0n,
    numOfAddFiles: integerOf(counted?.['files']) ?? 0n,
  }
  await blobs.put(LAST_CHECKPOINT, new TextEncoder().encode(jsonText(pointer)))
  failpoint('after-checkpoint')
}

/** Rows of the actions that the state holds in JavaScript; handed to the engine as JSON of a given type. */
function controlRows({ protocol, metadata, txns, domains }: LogState): readonly Sql[] {
  const control: readonly (readonly [ActionName, readonly Json[]])[] = [
    ['protocol', [{ ...protocol }]],
    ['metaData', [{ ...metadata }]],
    ['txn', [...txns.values()].map((txn) => ({ ...txn }))],
    ['domainMetadata', [...domains.values()].map((domain) => ({ ...domain }))],
  ]
  return control.flatMap(([name, actions]) =>
    actions.length === 0
      ? []
      : [actionRows(name, sql`select unnest(${literal(jsonText(actions))}::json::${raw(ACTION_TYPES[name])}[]) as a`)],
  )
}

/** One row for each action: the struct in its own column, null in the others. */
function actionRows(name: ActionName, query: Sql): Sql {
  const columns = COLUMNS.map((column) => sql`${column === name ? raw('a') : raw('null')}::${raw(ACTION_TYPES[column])} as ${id(column)}`)
  return sql`select ${join(columns)} from (${query})`
}
