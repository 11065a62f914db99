import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { failpoint } from '../lib/failpoint.ts'
import { integerOf } from './decode.ts'
import { parseRetention } from './interval.ts'
import { type Json, jsonText } from './json.ts'
import { checkpointPath, LAST_CHECKPOINT, LOG_FOLDER, padded } from './log-names.ts'
import { ACTION_TYPES, type ActionName, checkpointed } from './log-sql.ts'
import type { LogState, Snapshot } from './snapshot.ts'

/** Order of the columns, as other writers have it. */
const COLUMNS: readonly ActionName[] = ['txn', 'add', 'remove', 'metaData', 'protocol', 'domainMetadata']
const WEEK_MS = 7 * 24 * 3600 * 1000
const DEFAULT_INTERVAL = 10
/** With each further 20,000 files another interval between two checkpoints, up to ten of them. */
const FILES_A_STEP = 20_000
const MAX_SCALE = 10
/** Rows of a checkpoint are wide, and a reader holds whole groups of them. */
const ROW_GROUP = 20_480

/**
 * Whether the table's newest version should get a checkpoint: by the table's own property to the letter, else at the
 * configured interval, which grows with the table. A checkpoint lists every file, so that one at each tenth commit would
 * cost a large table more than the commits themselves; a reader takes a hundred commits in its stride.
 */
export function isCheckpointDue({ state, checkpoint }: Snapshot, configured: number): boolean {
  const property = Number(state.metadata.configuration['delta.checkpointInterval'] ?? Number.NaN)
  const interval = isInterval(property)
    ? property
    : (isInterval(configured) ? configured : DEFAULT_INTERVAL) * scaleOf(checkpoint.files ?? 0n)
  return state.version - checkpoint.version >= BigInt(interval)
}

function isInterval(value: number): boolean {
  return Number.isInteger(value) && value > 0
}

function scaleOf(files: bigint): number {
  return Math.min(MAX_SCALE, Math.max(1, Math.ceil(Number(files) / FILES_A_STEP)))
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
  // Another writer of the table was faster.
  if ((await blobs.list(LOG_FOLDER, padded(state.version))).some((entry) => entry.path === checkpointPath(state.version))) return
  const files = await snapshot.files()
  // Before it is made for ever: what was read must still be what is there.
  await snapshot.checkUnchanged()
  const cutoff = Math.max(0, io.nowMs - parseRetention(state.metadata.configuration['delta.deletedFileRetentionDuration'], WEEK_MS))
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
    sql`copy (${rows}) to ${literal(blobs.localPath(staged))} (format parquet, compression zstd, parquet_version v1, row_group_size ${raw(String(ROW_GROUP))}, return_stats)`,
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
  snapshot.checkpointed({ version: state.version, files: pointer.numOfAddFiles })
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
