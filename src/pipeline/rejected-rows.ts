import type { Session } from '../engine/engine.ts'
import { id, type Sql, sql, unnested } from '../engine/sql.ts'
import type { SortedFile } from '../formats/format.ts'
import { countsOf, type FileCounts, sumOf } from './file-counts.ts'

/**
 * Relation of the rows of a batch that are not loaded: path VARCHAR; "row" BIGINT, the `__row` of a record that was kept, null of one that
 * never was; number BIGINT, counted from 0 in its file, and line BIGINT, counted from 1, null where they cannot be told; column_name
 * VARCHAR or null; rule VARCHAR (`type`, `ragged`, `quote`, `encoding`, `json`, `key`, `sequence`, `tie`, `constraint`, or the name of an
 * expectation); reason VARCHAR; raw VARCHAR, the record as its file has it (as Latin-1 where it is not in its encoding), null of files that are
 * no text and of tables with masked columns. There until the batch has ended.
 */
export interface RejectedRows {
  readonly rows: Sql
  readonly count: bigint
}

/** The rejected rows of a batch while it is planned, through all of its attempts; closing it drops them. */
export class RejectTable implements AsyncDisposable {
  /** As `RejectedRows` has them; none before `make`. */
  readonly rows: Sql
  /** Files that were sorted out, by path. */
  readonly sorted = new Map<string, SortedFile>()
  readonly #session: Session
  #isMade = false

  constructor(session: Session) {
    this.#session = session
    this.rows = id(session.temporaryName('rejected'))
  }

  get isMade(): boolean {
    return this.#isMade
  }

  async make(): Promise<void> {
    if (this.#isMade) return
    await this.#session.run(sql`create temp table ${this.rows} (path varchar, "row" bigint, number bigint, line bigint, column_name varchar,
      rule varchar, reason varchar, raw varchar)`)
    this.#isMade = true
  }

  /** Forgets the rows that were rejected after they were kept: another attempt keeps them anew. */
  async begin(): Promise<void> {
    if (this.#isMade) await this.#session.run(sql`delete from ${this.rows} where "row" is not null`)
  }

  /** Forgets the rows of files that left the batch. */
  async leave(paths: Iterable<string>): Promise<void> {
    const gone = [...paths]
    for (const path of gone) this.sorted.delete(path)
    if (this.#isMade && gone.length > 0) await this.#session.run(sql`delete from ${this.rows} where path in (select ${unnested(gone)})`)
  }

  /** Rejected rows of each file. */
  async byFile(): Promise<FileCounts> {
    if (!this.#isMade) return new Map()
    return countsOf(sql`select path, count(*) as rows from ${this.rows} group by path order by path`, this.#session)
  }

  /** Rows that were rejected after they were kept, which have no text yet. */
  async hasLate(): Promise<boolean> {
    return this.#isMade && (await this.#session.rows(sql`select 1 from ${this.rows} where "row" is not null limit 1`)).length > 0
  }

  /** What the batch rejects in the end; null where there is none. */
  async all(): Promise<RejectedRows | null> {
    const count = sumOf(await this.byFile())
    return count === 0n ? null : { rows: this.rows, count }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isMade) await this.#session.run(sql`drop table if exists ${this.rows}`)
    this.#isMade = false
  }
}

/**
 * By how much rejected rows shift the numbers of the rows behind them in their file: (path, at, shift), for a row whose number
 * among the rest, from 0, is at least `at`.
 */
export function shiftsOf(rejects: Sql): Sql {
  const numbered = sql`select path, number, row_number() over (partition by path order by number) as nth from ${rejects}
    where "row" is null and number is not null`
  return sql`select path, number - nth + 1 as at, max(nth) as shift from (${numbered}) group by all`
}
