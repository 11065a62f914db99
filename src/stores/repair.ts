import { commitEntry } from '../delta/commit.ts'
import type { CommitContent } from '../delta/commit-content.ts'
import { UncertainCommitError } from '../delta/log-entry.ts'
import { type RemovedFiles, removedFiles } from '../delta/removal.ts'
import { sql } from '../engine/sql.ts'
import { BugError, ConflictError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { partitionColumnsOf } from './current.ts'
import type { StagedPositions } from './positions.ts'
import { checkNotCancelled, type RewriteNote, removeRewriteNote, writeRewriteNote } from './rewrite-notes.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { filesOf, mergeOperation, stagedActions } from './staged-actions.ts'
import { discardFiles, type StagedFiles } from './staging.ts'

/** A repair whose files are written. */
export interface StagedRepair {
  readonly id: string
  /** The rows that come. */
  readonly added: StagedFiles
  readonly removal: StagedPositions
}

/** Takes broken rows out and puts mended ones in their place, in one commit that no load of ours stands behind. */
export async function commitRepair(target: RewriteTarget, repair: StagedRepair): Promise<bigint> {
  const { log, deps } = target
  const { snapshot } = log
  if (snapshot === undefined) throw new BugError(`${log.name} was to be repaired before it exists`)
  const staged = [repair.added, ...repair.removal.staged]
  const removes = { kind: 'files', files: repair.removal.touched } as const
  let note: RewriteNote | undefined
  const publishing = { target, repair, staged }
  try {
    const result = await commitEntry(
      log,
      {
        intent: {
          reads: { kind: 'everything' },
          removes,
          changesRows: true,
          changesMetadata: false,
          changesProtocol: false,
          partitionColumns: partitionColumnsOf(snapshot.state),
        },
        contentOn: async (_state: unknown, { timestampMs }) => {
          const io = { session: log.session, nowMs: timestampMs }
          const removed = await removedFiles(await snapshot.files(), removes, partitionColumnsOf(snapshot.state), io)
          return contentOf(publishing, removed, timestampMs)
        },
        publish: async () => {
          if (note === undefined) note = await publish(publishing)
          else await checkNotCancelled(log.name, repair.id, log.blobs)
        },
      },
      deps,
    )
    if (result.kind === 'conflict') {
      throw new ConflictError('ING-TABLE-CONFLICT', `${log.name}: ${result.reason}`, { hint: 'nothing was changed; validate it again' })
    }
    failpoint('repair-after-commit')
    for (const one of staged) one.place = 'committed'
    await tidy(publishing, note)
    return result.version
  } catch (error) {
    if (!(error instanceof UncertainCommitError)) await discard(publishing).catch(() => undefined) // The first error tells more.
    throw error
  }
}

interface Publishing {
  readonly target: RewriteTarget
  readonly repair: StagedRepair
  readonly staged: readonly StagedFiles[]
}

/** The files in their place, after a note of those that nothing else would tell of. */
async function publish({ target, repair, staged }: Publishing): Promise<RewriteNote> {
  const { log, keeps } = target
  const superseded =
    keeps === 'current files only' ? await log.session.rows(sql`select url_decode(path) as path from ${repair.removal.touched}`) : []
  const note = {
    id: repair.id,
    added: filesOf(staged, 'rows').map(({ path }) => path),
    removed: superseded.map((row) => String(row['path'])),
    cancelled: false,
    cancelledAt: null,
  }
  await writeRewriteNote(log.blobs, note)
  for (const one of staged) one.place = 'published'
  await log.blobs.publish(staged.flatMap(({ files }) => files).map((file) => ({ from: file.from, to: file.path })))
  failpoint('repair-after-publish')
  return note
}

/** It is committed: what fails here is told, and done again by `clean`. */
async function tidy({ target, staged }: Publishing, note: RewriteNote | undefined): Promise<void> {
  const { log, cleaning, deps } = target
  try {
    for (const one of staged) await log.blobs.removeFolder(one.folder)
    if (note !== undefined) await cleaning.finishRewrite(note)
  } catch (error) {
    deps.warn(`${log.name}: what the repair left behind could not be removed`, error)
  }
}

async function discard({ target, repair, staged }: Publishing): Promise<void> {
  const { blobs } = target.log
  for (const one of staged) await discardFiles(one, blobs)
  await removeRewriteNote(blobs, repair.id)
}

function contentOf({ repair, staged }: Publishing, removed: RemovedFiles, timestampMs: number): CommitContent {
  const actions = stagedActions(staged, removed, repair.removal, timestampMs)
  return { operation: mergeOperation(repair.removal, 'repair', actions), adds: actions.adds, lines: actions.lines }
}
