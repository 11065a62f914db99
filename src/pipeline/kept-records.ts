import type { Session } from '../engine/engine.ts'
import { id, inlined, join, literal, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import type { BatchFile } from '../model/file.ts'
import type { TableConfig } from '../model/table.ts'

/** The rows of a batch in temporary tables, for strategies that read them more than once; closing it drops them. */
export interface KeptRecords extends AsyncDisposable {
  /** Relation of the rows, as a plan takes them. */
  readonly name: Sql
  /** Relation (path, ordinal, sequence, modified) of the files. */
  readonly files: Sql
  /** Rows that the readers of the files gave. */
  readonly scanned: bigint
  /** Of a batch whose rows have keys. */
  readonly rejects: KeptRejects | undefined
}

/** Rows that the plan shall not see. */
export interface KeptRejects {
  /** Relation (path, "row" BIGINT as `__row`, number BIGINT in its file from 0, reason VARCHAR). */
  readonly rows: Sql
  /** Relation (path, rows) of all rows of each file. */
  readonly read: Sql
  /** Takes further rows out of the records: a query of ("row", reason). */
  reject(rows: Sql): Promise<void>
}

/** Keeps the rows of a query; given a table with keys, those whose key or sequence is null are rejected. */
export async function keepRecords(
  query: Sql,
  files: readonly BatchFile[],
  { session, keyed }: { readonly session: Session; readonly keyed: TableConfig | undefined },
): Promise<KeptRecords> {
  const kept = new Kept(session)
  try {
    await kept.fill(query, files, keyed === undefined ? '' : landingFolder(keyed))
    if (keyed === undefined) await kept.show(sql`select r.*, ${PLACE} from ${kept.rows} as r join ${kept.files} as f on f.path = r.__path`)
    else await kept.showKeyed(keyed)
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
  readonly #session: Session
  readonly #numbers: Sql
  readonly #rejected: Sql

  constructor(session: Session) {
    const named = (prefix: string) => id(session.temporaryName(prefix))
    this.#session = session
    this.name = named('records')
    this.files = named('files')
    this.rows = named('rows')
    this.#numbers = named('row_numbers')
    this.#rejected = named('rejected')
  }

  async fill(query: Sql, files: readonly BatchFile[], folder: string): Promise<void> {
    const texts = (values: readonly string[]) => sql`unnest(${literalList(values)}::varchar[])`
    await this.#session.run(sql`create temp table ${this.files} as select ${texts(files.map(({ path }) => path))} as path,
      unnest([${raw(files.map(({ ordinal }) => ordinal).join(', '))}]::integer[]) as ordinal, ${texts(sequencesOf(files, folder))} as sequence,
      make_timestamptz(unnest([${raw(files.map(({ modifiedNs }) => modifiedNs / 1000n).join(', '))}]::bigint[])) as modified,
      ${texts(files.map((file) => sequenceOf(file, folder)))} as own_sequence`)
    const { scanned } = await this.#session.counting(() => this.#session.run(inlined(sql`create temp table ${this.rows} as ${query}`)))
    this.scanned = scanned
  }

  async show(query: Sql): Promise<void> {
    await this.#session.run(sql`create or replace temp view ${this.name} as ${query}`)
  }

  async showKeyed(table: TableConfig): Promise<void> {
    const session = this.#session
    // Rows were kept in the order of their files, so that a row's number in its file is the same in whatever batch it comes.
    await session.run(
      sql`create temp table ${this.#numbers} as select __path as path, min(rowid) as first, count(*) as rows from ${this.rows} group by __path`,
    )
    const numbered = sql`${this.rows} as r join ${this.#numbers} as n on n.path = r.__path`
    const lacking = [
      ...table.primaryKeys.map((name) => [name, `the key ${name} is null`] as const),
      ...table.sequenceBy.map((name) => [name, `${name}, which orders the versions of a key, is null`] as const),
    ]
    const reason = sql`case ${join(
      lacking.map(([name, why]) => sql`when r.${id(name)} is null then ${literal(why)}`),
      ' ',
    )} end`
    await session.run(sql`create temp table ${this.#rejected} as select r.__path as path, r.rowid as "row", r.rowid - n.first as number, ${reason} as reason
      from ${numbered} where ${join(
        lacking.map(([name]) => sql`r.${id(name)} is null`),
        ' or ',
      )}`)
    this.rejects = {
      rows: this.#rejected,
      read: this.#numbers,
      reject: async (rows) => {
        await session.run(sql`insert into ${this.#rejected} select r.__path, g."row", g."row" - n.first, g.reason
          from (${rows}) as g join ${this.rows} as r on r.rowid = g."row" join ${this.#numbers} as n on n.path = r.__path`)
        await this.#showAccepted()
      },
    }
    await this.#showAccepted()
  }

  async #showAccepted(): Promise<void> {
    const [counted] = await this.#session.rows(sql`select count(*) as rows from ${this.#rejected}`)
    const left = counted?.['rows'] === 0n ? sql`` : sql`where r.rowid not in (select "row" from ${this.#rejected})`
    await this.show(sql`select r.* replace (f.own_sequence || ' ' || lpad((r.rowid - n.first)::varchar, 12, '0') as _sequence), ${PLACE}
      from ${this.rows} as r join ${this.files} as f on f.path = r.__path join ${this.#numbers} as n on n.path = r.__path ${left}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.run(sql`drop view if exists ${this.name}`)
    for (const table of [this.rows, this.files, this.#numbers, this.#rejected]) await this.#session.run(sql`drop table if exists ${table}`)
  }
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
