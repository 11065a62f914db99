import { type Committed, commitEntry, type PlannedCommit } from '../delta/commit.ts'
import type { Conflict } from '../delta/conflict.ts'
import { UncertainCommitError } from '../delta/log-entry.ts'
import { type Sql, sql } from '../engine/sql.ts'
import { type Failpoint, failpoint } from '../lib/failpoint.ts'
import { checkNotCancelled, type RewriteNote, removeRewriteNote, writeRewriteNote } from './rewrite-notes.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { filesOf } from './staged-actions.ts'
import { discardFiles, type StagedFiles } from './staging.ts'

/** Files that a commit which is no batch brings in the place of others. */
export interface Exchange {
  readonly id: string
  readonly target: RewriteTarget
  readonly staged: readonly StagedFiles[]
  /** Relation of path, as logged, of the files that go. */
  readonly superseded: Sql
  readonly failpoints: { readonly note?: Failpoint; readonly publish: Failpoint; readonly commit: Failpoint }
}

/** Does what ends with the commit of an exchange: unless it is committed, or may be, nothing of it stays. */
export async function exchanging<T extends { readonly kind: string }>(exchange: Exchange, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work()
    if (result.kind === 'conflict') await discard(exchange)
    return result
  } catch (error) {
    // The entry may be in the log: then its files must stay, and the note tells clean of them.
    if (!(error instanceof UncertainCommitError)) await discard(exchange).catch(() => undefined) // The first error tells more.
    throw error
  }
}

export async function commitExchange(exchange: Exchange, planned: Omit<PlannedCommit, 'publish'>): Promise<Committed | Conflict> {
  const { id, target, staged, failpoints } = exchange
  const { log, deps } = target
  let note: RewriteNote | undefined
  const publishing = async () => {
    if (note === undefined) note = await publish(exchange)
    else await checkNotCancelled(log.name, id, log.blobs)
  }
  const result = await commitEntry(log, { ...planned, publish: publishing }, deps)
  if (result.kind === 'conflict') return result
  failpoint(failpoints.commit)
  for (const one of staged) one.place = 'committed'
  await tidy(exchange, note)
  return result
}

/** The files in their place, after a note of those that nothing else would tell of. */
async function publish({ id, target, staged, superseded, failpoints }: Exchange): Promise<RewriteNote> {
  const { log, keeps } = target
  const removed = keeps === 'current files only' ? await log.session.rows(sql`select url_decode(path) as path from ${superseded}`) : []
  const note = {
    id,
    added: filesOf(staged, 'rows').map(({ path }) => path),
    removed: removed.map((row) => String(row['path'])),
    cancelled: false,
    cancelledAt: null,
  }
  await writeRewriteNote(log.blobs, note)
  if (failpoints.note !== undefined) failpoint(failpoints.note)
  for (const one of staged) one.place = 'published'
  await log.blobs.publish(staged.flatMap(({ files }) => files).map((file) => ({ from: file.from, to: file.path })))
  failpoint(failpoints.publish)
  return note
}

/** It is committed: what fails here is told, and done again by `clean`. */
async function tidy({ id, target, staged }: Exchange, note: RewriteNote | undefined): Promise<void> {
  const { log, cleaning, deps } = target
  try {
    for (const one of staged) await log.blobs.removeFolder(one.folder)
    if (note !== undefined) await cleaning.finishRewrite(note)
  } catch (error) {
    deps.warn(`${log.name}: what ${id} left behind could not be removed`, error)
  }
}

async function discard({ id, target, staged }: Exchange): Promise<void> {
  const { blobs } = target.log
  for (const one of staged) await discardFiles(one, blobs)
  await removeRewriteNote(blobs, id)
}
