import type { Session } from '../engine/engine.ts'
import { dropped, id, inlined, join, literal, raw, type Sql, sql, unnested } from '../engine/sql.ts'
import type { BatchFile } from '../model/file.ts'
import type { TableConfig } from '../model/table.ts'
import { countsOf, type FileCounts } from './file-counts.ts'
import { type RejectTable, shiftsOf } from './rejected-rows.ts'

/** The rows of a batch in temporary tables, for strategies that read them more than once; closing it drops them. */
export interface KeptRecords extends AsyncDisposable {
  /** Relation of the rows, as a plan takes them. */
  readonly name: Sql
  /** The same before any was taken out, without what orders them. */
  readonly rows: Sql
  /** Relation (path, ordinal, sequence, modified) of the files. */
  readonly files: Sql
  /** Rows that the readers of the files gave. */
  readonly scanned: bigint
  /** Where rows may be taken out. */
  readonly rejects: KeptRejects | undefined
  /** How many of them each file has. */
  byFile(): Promise<FileCounts>
}

/** Rows that the plan shall not see. */
export interface KeptRejects {
  /** Relation of all rejected rows of the batch, as `RejectedRows` has them. */
  readonly rows: Sql
  /** Relation (path, rows, first) of the kept rows of each file: their number, and the `__row` of the first. */
  readonly read: Sql
  /**
   * Takes further rows out of the records: a query of ("row" as `__row`, column_name, rule, reason). What is out already is passed over,
   * and of several reasons for one row the first by rule stays.
   */
  reject(rows: Sql): Promise<void>
}

interface Keeping {
  /** What a plan takes of them: the columns of a kept row `r`, given what orders it where that is known. */
  readonly columns: (sequence: Sql | undefined) => readonly Sql[]

  readonly session: Session
  /** A table whose rows have keys: those whose key or sequence is null are rejected. */
  readonly keyed: TableConfig | undefined
  /** Where rejected rows go; undefined where none can be rejected. */
  readonly rejects: RejectTable | undefined
  /** Whether rows that were rejected before are missing among the rows of their file, and nothing else. */
  readonly isAligned: boolean
  /** Where rows stand in their landing files, of a batch that reads them from others: a relation (path, position, number). */
  readonly places?: Sql | undefined
}

/** Keeps the rows of a query, in the order in which it gives them, without what is the same in all of them or follows from their place. */
export async function keepRecords(
  query: Sql,
  files: readonly BatchFile[],
  { columns, session, keyed, rejects, places, isAligned }: Keeping,
): Promise<KeptRecords> {
  const kept = new Kept(columns, session, places)
  try {
    await kept.fill(query, files, keyed === undefined ? '' : landingFolder(keyed))
    await kept.show({ keyed, rejects, isAligned })
    return kept
  } catch (error) {
    await kept[Symbol.asyncDispose]()
    throw error
  }
}

const PLACE = raw('f.ordinal as __ordinal, r.rowid as __row, f.sequence as __sequence')

class Kept implements KeptRecords {
  readonly name: Sql
  readonly files: Sql
  readonly rows: Sql
  scanned = 0n
  rejects: KeptRejects | undefined
  readonly #columns: Keeping['columns']
  readonly #session: Session
  readonly #numbers: Sql
  readonly #shifts: Sql
  #isShifted = false
  /** Whether rows were taken out. */
  #isLess = false
  readonly #places: Sql | undefined

  constructor(columns: Keeping['columns'], session: Session, places: Sql | undefined) {
    const named = (prefix: string) => id(session.temporaryName(prefix))
    this.#columns = columns
    this.#session = session
    this.#places = places
    this.name = named('records')
    this.files = named('files')
    this.rows = named('rows')
    this.#numbers = named('row_numbers')
    this.#shifts = named('row_shifts')
  }

  async fill(query: Sql, files: readonly BatchFile[], folder: string): Promise<void> {
    await this.#session.run(sql`create temp table ${this.files} as select ${unnested(files.map(({ path }) => path))} as path,
      unnest([${raw(files.map(({ ordinal }) => ordinal).join(', '))}]::integer[]) as ordinal, ${unnested(sequencesOf(files, folder))} as sequence,
      make_timestamptz(unnest([${raw(files.map(({ modifiedNs }) => modifiedNs / 1000n).join(', '))}]::bigint[])) as modified,
      ${unnested(files.map((file) => sequenceOf(file, folder)))} as own_sequence`)
    const { scanned } = await this.#session.counting(() => this.#session.run(inlined(sql`create temp table ${this.rows} as ${query}`)))
    this.scanned = scanned
  }

  async show({ keyed, rejects, isAligned }: Pick<Keeping, 'keyed' | 'rejects' | 'isAligned'>): Promise<void> {
    if (rejects === undefined)
      return this.#show(
        sql`select ${join(this.#columns(undefined))}, ${PLACE} from ${this.rows} as r join ${this.files} as f on f.path = r.__path`,
      )
    await rejects.make()
    // Rows were kept in the order of their files, so that a row's number in its file is the same in whatever batch it comes.
    await this.#session.run(
      sql`create temp table ${this.#numbers} as select __path as path, min(rowid) as first, count(*) as rows from ${this.rows} group by __path`,
    )
    if (isAligned) await this.#shift(rejects)
    const isKeyed = keyed !== undefined
    this.rejects = {
      rows: rejects.rows,
      read: this.#numbers,
      reject: async (rows) => {
        await this.#reject(rows, rejects)
        await this.#showAccepted(rejects, isKeyed)
      },
    }
    if (isKeyed) await this.#reject(this.#lackingKeys(keyed), rejects)
    await this.#showAccepted(rejects, isKeyed)
  }

  /** Notes by how much the rows that were rejected before shift the numbers of those behind them. */
  async #shift(rejects: RejectTable): Promise<void> {
    await this.#session.run(sql`create temp table ${this.#shifts} as ${shiftsOf(rejects.rows)}`)
    this.#isShifted = (await this.#session.rows(sql`select 1 from ${this.#shifts} limit 1`)).length > 0
  }

  /** Number of a row `r` in its file, from 0, and what it is joined with; `n` is the entry of its file. */
  get #position(): { readonly number: Sql; readonly joined: Sql } {
    const among = sql`r.rowid - n.first`
    if (!this.#isShifted) return { number: among, joined: sql`` }
    return {
      number: sql`${among} + coalesce(s.shift, 0)`,
      joined: sql`asof left join ${this.#shifts} as s on s.path = n.path and ${among} >= s.at`,
    }
  }

  /** Rows whose key or sequence is null, with the first of the columns that is. */
  #lackingKeys(table: TableConfig): Sql {
    const lacking = [
      ...table.primaryKeys.map((name) => ({ name, rule: 'key', why: `the key ${name} is null` })),
      ...table.sequenceBy.map((name) => ({ name, rule: 'sequence', why: `${name}, which orders the versions of a key, is null` })),
    ]
    const first = (of: (one: (typeof lacking)[number]) => string) =>
      sql`case ${join(
        lacking.map((one) => sql`when r.${id(one.name)} is null then ${literal(of(one))}`),
        ' ',
      )} end`
    return sql`select r.rowid as "row", ${first(({ name }) => name)} as column_name, ${first(({ rule }) => rule)} as rule,
      ${first(({ why }) => why)} as reason from ${this.rows} as r where ${join(
        lacking.map(({ name }) => sql`r.${id(name)} is null`),
        ' or ',
      )}`
  }

  async #reject(rows: Sql, rejects: RejectTable): Promise<void> {
    const { number, joined } = this.#position
    await this.#session.run(sql`insert into ${rejects.rows} by name
      select r.__path as path, g."row", ${number} as number, g.column_name, g.rule, g.reason
      from (select * from (${rows}) qualify row_number() over (partition by "row" order by rule, column_name, reason) = 1) as g
        join ${this.rows} as r on r.rowid = g."row" join ${this.#numbers} as n on n.path = r.__path ${joined}
      where g."row" not in (select "row" from ${rejects.rows} where "row" is not null)`)
  }

  async #showAccepted(rejects: RejectTable, isKeyed: boolean): Promise<void> {
    const out = sql`select "row" from ${rejects.rows} where "row" is not null`
    const isWhole = (await this.#session.rows(sql`${out} limit 1`)).length === 0
    this.#isLess = !isWhole
    const left = isWhole ? sql`` : sql`where r.rowid not in (${out})`
    const { number: position, joined } = this.#position
    const number = this.#places === undefined ? position : sql`coalesce(p.number, ${position})`
    const sequence = isKeyed ? sql`f.own_sequence || ' ' || lpad((${number})::varchar, 12, '0')` : undefined
    const places =
      this.#places === undefined ? sql`` : sql`left join ${this.#places} as p on p.path = r.__path and p.position = ${position}`
    await this.#show(sql`select ${join(this.#columns(sequence))}, ${PLACE}
      from ${this.rows} as r join ${this.files} as f on f.path = r.__path join ${this.#numbers} as n on n.path = r.__path ${joined} ${places} ${left}`)
  }

  byFile(): Promise<FileCounts> {
    return countedByFile(this.#isLess ? this.name : this.rows, this.#session)
  }

  async #show(query: Sql): Promise<void> {
    await this.#session.run(sql`create or replace temp view ${this.name} as ${query}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.run(sql`drop view if exists ${this.name}`)
    await this.#session.run(dropped([this.rows, this.files, this.#numbers, this.#shifts]))
  }
}

/** Rows of each file in a relation of records. */
export function countedByFile(records: Sql, session: Session): Promise<FileCounts> {
  return countsOf(sql`select __path as path, count(*) as rows from ${records} group by 1`, session)
}

/** Orders snapshots, also those of other batches: the newest modified time of the unit, then its greatest path. */
function sequencesOf(files: readonly BatchFile[], folder: string): readonly string[] {
  const newest = new Map<string, BatchFile>()
  // Files are in file order, so the last of a unit is its newest.
  for (const file of files) newest.set(file.unit, file)
  return files.map((file) => sequenceOf(newest.get(file.unit) ?? file, folder))
}

/** What all paths of a table begin with is left out: rows bear this text each, and it is written again with them. */
function sequenceOf({ modifiedNs, path }: BatchFile, folder: string): string {
  return `${String(modifiedNs).padStart(20, '0')} ${path.startsWith(folder) ? path.slice(folder.length) : path}`
}

/** The folder of the source pattern before its first wildcard. */
function landingFolder({ sourcePattern }: TableConfig): string {
  const fixed = sourcePattern.split(/[*?[{]/, 1)[0] ?? ''
  return fixed.slice(0, fixed.lastIndexOf('/') + 1)
}
