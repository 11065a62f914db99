import { STAGE_FOLDER } from '../blobs/blobs.ts'
import type { TableLog } from '../delta/table-log.ts'
import { join, literal, type Sql, sql } from '../engine/sql.ts'
import { isInside } from './data-paths.ts'
import { readMoves, removeMoves } from './moves.ts'
import { type RewriteNote, readRewriteNotes, removeRewriteNote, writeRewriteNote } from './rewrite-notes.ts'

/** What becomes of files that a commit supersedes. */
export type Keeps = 'all versions' | 'current files only'

/** Removes what no version of the table has: leftovers of batches that ended before their commit, and superseded files. */
export class Cleaning {
  readonly #log: TableLog
  readonly #keeps: Keeps

  constructor(log: TableLog, keeps: Keeps) {
    this.#log = log
    this.#keeps = keeps
  }

  /** Staged files of everybody, and moved files of batches up to `settled` and of rewrites that cannot be committed any more. */
  async clean(settled: bigint | null): Promise<void> {
    const { blobs } = this.#log
    for (const folder of await blobs.folders(STAGE_FOLDER)) await blobs.removeFolder(`${STAGE_FOLDER}/${folder}`)
    if (settled !== null) await this.settleMoves(settled)
    await this.#settleRewrites()
  }

  /** What a rewrite leaves to be done after its commit. */
  async finishRewrite(note: RewriteNote): Promise<void> {
    await this.#removeUnknown(note.removed)
    await removeRewriteNote(this.#log.blobs, note.id)
  }

  /** One that is committed is finished. Any other is cancelled, and its files go as soon as no entry of it can come any more. */
  async #settleRewrites(): Promise<void> {
    const { blobs } = this.#log
    const notes = await readRewriteNotes(blobs)
    for (const note of notes.filter(({ cancelled }) => !cancelled)) await writeRewriteNote(blobs, { ...note, cancelled: true })
    if (notes.length === 0) return
    // The log as it is after the cancelling.
    await this.#log.advance()
    const version = this.#log.state?.version ?? -1n
    for (const note of notes) {
      if (note.added.length > 0 && (await this.#known(note.added)).size === note.added.length) await this.finishRewrite(note)
      else if (note.cancelledAt === null) await writeRewriteNote(blobs, { ...note, cancelled: true, cancelledAt: version })
      else if (version > note.cancelledAt) {
        await this.#removeUnknown(note.added)
        await removeRewriteNote(blobs, note.id)
      }
    }
  }

  /**
   * Settles notes of moved files by what the log says: a file that it does not have is removed, whether its batch was
   * never committed or another took its place. A batch up to one that is committed cannot be committed any more.
   */
  async settleMoves(upTo: bigint): Promise<void> {
    const { blobs } = this.#log
    for (const moves of (await readMoves(blobs)).filter(({ batch }) => batch <= upTo)) {
      await this.#removeUnknown([...moves.added, ...moves.removed])
      await removeMoves(blobs, moves.batch)
    }
  }

  async #removeUnknown(paths: readonly string[]): Promise<void> {
    const own = paths.filter(isInside)
    const known = await this.#known(own)
    for (const path of own) if (!known.has(path)) await this.#log.blobs.remove(path)
  }

  /** Those among the paths that the table needs. */
  async #known(paths: readonly string[]): Promise<ReadonlySet<string>> {
    const { snapshot, session } = this.#log
    if (snapshot === undefined || paths.length === 0) return new Set()
    const wanted = sql`(values ${join(paths.map((path) => sql`(${literal(path)})`))}) as wanted(path)`
    const needed: Sql[] = [sql`select url_decode(path) as path from ${await snapshot.files()}`]
    if (this.#keeps === 'all versions') needed.push(sql`select url_decode(path) from ${await snapshot.tombstones()}`)
    const rows = await session.rows(sql`select path from ${wanted} semi join (${join(needed, ' union all ')}) as needed using (path)`)
    return new Set(rows.map((row) => String(row['path'])))
  }
}
