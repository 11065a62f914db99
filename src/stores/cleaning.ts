import type { TableLog } from '../delta/table-log.ts'
import { join, literal, type Sql, sql } from '../engine/sql.ts'
import { readMoves, removeMoves } from './moves.ts'
import { STAGE_FOLDER } from './staging.ts'

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

  /** Staged files of every batch, and moved files of batches up to `settled`. */
  async clean(settled: bigint | null): Promise<void> {
    const { blobs } = this.#log
    for (const folder of await blobs.folders(STAGE_FOLDER)) await blobs.removeFolder(`${STAGE_FOLDER}/${folder}`)
    if (settled !== null) await this.settleMoves(settled)
  }

  /**
   * Settles notes of moved files by what the log says: a file that it does not have is removed, whether its batch was
   * never committed or another took its place. A batch up to one that is committed cannot be committed any more.
   */
  async settleMoves(upTo: bigint): Promise<void> {
    const { blobs } = this.#log
    for (const moves of (await readMoves(blobs)).filter(({ batch }) => batch <= upTo)) {
      const paths = [...moves.added, ...moves.removed]
      const known = await this.#known(paths)
      for (const path of paths) if (!known.has(path)) await blobs.remove(path)
      await removeMoves(blobs, moves.batch)
    }
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
