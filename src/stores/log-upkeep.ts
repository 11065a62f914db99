import { isCheckpointDue, writeCheckpoint } from '../delta/checkpoint.ts'
import { writeCountedChecksum } from '../delta/checksum.ts'
import type { TableLog } from '../delta/table-log.ts'
import type { TableConfig } from '../model/table.ts'
import type { StoreDeps } from './deps.ts'
import { cleanLog } from './log-cleanup.ts'
import { stageFolder } from './staging.ts'

/** The log whose new version may be one that gets a checkpoint. */
export interface Upkeep {
  readonly table: TableConfig
  readonly log: TableLog
  readonly deps: StoreDeps
}

/**
 * After a commit: at every so many versions a checkpoint, and what it makes superfluous goes. The commit is made, so what
 * fails here is told, and is done again at the next such version. `owner` names the stage folder.
 */
export async function keepLogShort({ table, log, deps }: Upkeep, version: bigint, owner: string): Promise<void> {
  const { blobs, session, snapshot } = log
  if (snapshot === undefined || version === 0n) return
  if (!isCheckpointDue(snapshot, table.delta.checkpointInterval)) return
  const stage = stageFolder(owner, deps.newId())
  try {
    await writeCheckpoint(snapshot, stage, { blobs, session, nowMs: deps.clock.now() })
    await writeCountedChecksum(snapshot, { blobs, session })
    await cleanLog({ state: snapshot.state, blobs, session, nowMs: deps.clock.now(), retentionMs: table.delta.logRetentionMs })
  } catch (error) {
    deps.warn(`${table.name}: the checkpoint could not be written, or old entries of the log not be removed`, error)
  } finally {
    await blobs.removeFolder(stage).catch(() => undefined) // Clean removes it, too.
  }
}
