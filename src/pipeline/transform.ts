import type { Session } from '../engine/engine.ts'
import { engineFailure, firstLine } from '../engine/failure.ts'
import { id, join, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import { BugError, FileError } from '../errors/errors.ts'
import type { FileGroup, Format, FormatContext, Inspection, ReadColumn, Rejecting, SourceFile } from '../formats/format.ts'
import type { Column } from '../model/schema.ts'
import { settledColumns } from '../model/settled-columns.ts'
import { storableType, zonedType } from '../model/storable-type.ts'
import type { TableConfig, TransformConfig } from '../model/table.ts'
import { placeIn } from './parsed-sql.ts'
import { parseTransform, type TransformQuery, transformError } from './transform-query.ts'

/**
 * A format whose rows are those that the table's transform makes of each file, so that all that follows takes its columns for
 * columns of the files. The format itself where there is no transform.
 */
export function withTransform(format: Format, table: TableConfig): Format {
  if (table.transform === null) return format
  const made = new Transformed(format, table, table.transform)
  // Lines of the file are not those of the rows any more.
  const { lineOf: _, ...rest } = format
  return {
    ...rest,
    inspect: (files, context) => made.inspect(files, context),
    infer: async () => made.storable(),
    relation: (group, columns, context) => made.relation(group, columns, context),
    rowsRead: (groups, context) => made.rowsRead(groups, context),
    diagnose: (group, columns, error, context) => made.diagnose(group, columns, error, context),
    ...(format.rejecting === undefined ? {} : { rejecting: made.rejecting(format.rejecting) }),
  }
}

/** What is remembered with the table beside what the format remembers: types of the files' columns, which the table does not tell. */
interface Remembered {
  readonly transform: { readonly columns: readonly Column[] }
  readonly reader: unknown
}

/** What a group was before it was transformed. */
interface Layout {
  readonly columns: FileGroup['columns']
  readonly layout?: unknown
}

class Transformed {
  readonly #format: Format
  readonly #table: TableConfig
  readonly #transform: TransformConfig
  #query: TransformQuery | undefined
  /** Columns of `records`: all that files of the table ever had. */
  #records: readonly Column[] = []
  #output: readonly Column[] = []

  constructor(format: Format, table: TableConfig, transform: TransformConfig) {
    this.#format = format
    this.#table = table
    this.#transform = transform
  }

  async inspect(files: readonly SourceFile[], context: FormatContext): Promise<Inspection> {
    const before = remembered(context.reader)
    const { groups, failed, reader } = await this.#format.inspect(files, { ...context, reader: before.reader })
    const inner = { ...context, reader }
    this.#records = await this.#columnsOf(groups, before.transform.columns, inner)
    if (this.#records.length > 0) {
      this.#query ??= await parseTransform(this.#table, this.#transform, context.session)
      this.#output = await this.#described(context.session)
    }
    const kept: Remembered = { transform: { columns: this.#records }, reader }
    return { groups: groups.map((group) => this.#transformed(group)), failed, reader: kept }
  }

  storable(): readonly Column[] {
    return this.#output.map(({ name, type }) => ({ name, type: storableType(zonedType(type)) }))
  }

  relation(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql {
    const own = new Map(this.#output.map(({ name, type }) => [name, type]))
    const values = columns.map(({ name, type }) => (own.get(name) === type ? id(name) : sql`${id(name)}::${raw(type)} as ${id(name)}`))
    return sql`select ${join([...values, raw('__path, __index')])} from (${this.#rows(group, context)})`
  }

  /** Rows of each file as they were read; undefined where each of them gives one. */
  async rowsRead(groups: readonly FileGroup[], context: FormatContext): Promise<ReadonlyMap<string, bigint> | undefined> {
    if (this.#query === undefined || this.#query.keepsRows) return undefined
    const counts = new Map<string, bigint>()
    for (const group of groups) {
      const rows = await context.session.rows(
        sql`select __path as path, count(*) as rows from (${this.#input(group, context)}) group by __path`,
      )
      for (const { path, rows: count } of rows) counts.set(String(path), BigInt(String(count)))
    }
    return counts
  }

  /** Rows are judged before the query sees them. */
  rejecting(inner: Rejecting): Rejecting {
    return {
      isAligned: () => inner.isAligned() && this.#query?.keepsRows === true,
      sortOut: (group, _columns, to, context) => {
        const source = this.#source(group)
        return inner.sortOut(source, this.#typed(source), to, this.#inner(context))
      },
      place: (group, rows, context) => inner.place(this.#source(group), rows, this.#inner(context)),
    }
  }

  /** A file that cannot be read is to blame itself; one on whose rows the query fails is told with the transform. */
  async diagnose(group: FileGroup, columns: readonly ReadColumn[], error: unknown, context: FormatContext): Promise<readonly FileError[]> {
    const source = this.#source(group)
    const named = await this.#format.diagnose(source, this.#typed(source), error, this.#inner(context))
    if (named.length > 0) return named
    const failed: FileError[] = []
    for (const file of group.files) {
      context.signal.throwIfAborted()
      const alone = { ...group, files: [file] }
      const problem = await this.#problemOf(this.relation(alone, columns, context), context)
      if (problem === undefined) continue
      const message = `${file.path}: ${this.#transform.place}${await this.#blamed(alone, context)}: ${problem}`
      failed.push(new FileError('ING-FILE-TRANSFORM', file.path, message, { hint: 'mend the value or the query, then: ingest retry FILE' }))
    }
    return failed
  }

  /** The place of the expression that fails, where the query looks at one row at a time. */
  async #blamed(group: FileGroup, context: FormatContext): Promise<string> {
    const input = this.#input(group, context)
    for (const { query, place } of await this.#made().parts())
      if ((await this.#problemOf(sql`with records as (${input}) select * from (${query})`, context)) !== undefined) return place
    return ''
  }

  async #problemOf(rows: Sql, context: FormatContext): Promise<string | undefined> {
    try {
      await context.session.rows(sql`select bit_xor(hash(record)) from (${rows}) as record`)
      return undefined
    } catch (error) {
      const foreign = engineFailure(error)
      if (foreign && !(foreign instanceof FileError)) throw foreign
      return firstLine(error instanceof Error ? error.message : String(error))
    }
  }

  /** Columns of `records`, with the types that files are read by: remembered, declared, or inferred once. */
  #columnsOf(groups: readonly FileGroup[], known: readonly Column[], context: FormatContext): Promise<readonly Column[]> {
    const full = groups.filter(({ empty }) => !empty)
    const names = full.flatMap(({ columns }) => columns.map(({ name }) => name))
    return settledColumns(known, names, { declared: this.#table.columnTypes, infer: () => this.#format.infer(full, context) })
  }

  /** Columns of the query, as the engine tells them before any row is read. */
  async #described(session: Session): Promise<readonly Column[]> {
    const nulls = join(this.#records.map(({ name, type }) => sql`null::${raw(type)} as ${id(name)}`))
    try {
      const rows = await session.rows(sql`describe with records as (select ${nulls}) select * from (${this.#made().query})`)
      const columns = rows.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }))
      const own = columns.find(({ name }) => /^__(path|index)$/i.test(name))
      if (own !== undefined) throw transformError(this.#table, this.#transform, `the column name ${own.name} is reserved`, '')
      return columns
    } catch (error) {
      throw engineFailure(error)?.code === 'ING-ENGINE' || !engineFailure(error) ? await this.#placed(error, session) : error
    }
  }

  /** What the engine does not understand, with the place in the query as it was written. */
  async #placed(error: unknown, session: Session): Promise<Error> {
    const reason = (thrown: unknown) => firstLine(thrown instanceof Error ? thrown.message : String(thrown)).replace(/^\w+ Error: /, '')
    const statement = session.temporaryName('transform')
    const nulls = join(this.#records.map(({ name, type }) => sql`null::${raw(type)} as ${id(name)}`))
    await session.run(sql`create or replace temp view records as select ${nulls}`)
    try {
      // It was parsed and looked at: one query over records. Here it stands as written, so that lines count.
      await session.run(raw(`prepare ${statement} as\n${this.#transform.sql.replace(/;\s*$/, '')}`))
      await session.run(raw(`deallocate ${statement}`))
    } catch (again) {
      return transformError(this.#table, this.#transform, reason(again), placeIn(again, this.#transform.sql))
    } finally {
      await session.run(sql`drop view if exists records`)
    }
    return transformError(this.#table, this.#transform, reason(error), '')
  }

  #transformed(group: FileGroup): FileGroup {
    const before: Layout = { columns: group.columns, layout: group.layout }
    return { ...group, columns: this.#output, layout: before }
  }

  #source(group: FileGroup): FileGroup {
    // Decoder: the layout was made above, the only place where groups are transformed.
    const { columns, layout } = group.layout as Layout
    return { ...group, columns, layout }
  }

  #typed(source: FileGroup): readonly ReadColumn[] {
    const types = new Map(this.#records.map(({ name, type }) => [name.toLowerCase(), type]))
    return source.columns.map(({ name, type }) => ({ name, type: types.get(name.toLowerCase()) ?? type ?? 'VARCHAR' }))
  }

  /** `records` of all files of a group, each row with its file. */
  #input(group: FileGroup, context: FormatContext): Sql {
    const source = this.#source(group)
    const own = new Map(source.columns.map(({ name }) => [name.toLowerCase(), name]))
    const values = this.#records.map(({ name, type }) => {
      const written = own.get(name.toLowerCase())
      return written === undefined ? sql`null::${raw(type)} as ${id(name)}` : sql`${id(written)} as ${id(name)}`
    })
    const rows = this.#format.relation(source, this.#typed(source), this.#inner(context))
    return sql`select ${join([...values, raw('__path, __index')])} from (${rows})`
  }

  #rows(group: FileGroup, context: FormatContext): Sql {
    const { query, rowByRow } = this.#made()
    const input = this.#input(group, context)
    if (rowByRow !== null) return sql`with records as (${input}) select * from (${rowByRow})`
    // The query sees one file at a time. Its rows come in no order, so they are given one: numbers of rows must not change.
    const columns = join(this.#output.map(({ name }) => sql`made.${id(name)}`))
    const files = sql`select unnest(${literalList(group.files.map(({ path }) => path))}) as __path, unnest(range(${group.files.length})) as __index`
    return sql`with __input as materialized (${input}), __files as (${files})
      select ${columns}, __files.__path, __files.__index from __files, lateral (
        with records as (select * exclude (__path, __index) from __input where __input.__index = __files.__index)
        select * from (${query})) as made
      order by __files.__index, ${columns}`
  }

  #made(): TransformQuery {
    if (this.#query === undefined) throw new BugError('the transform was not parsed')
    return this.#query
  }

  #inner(context: FormatContext): FormatContext {
    return { ...context, reader: remembered(context.reader).reader }
  }
}

function remembered(reader: unknown): Remembered {
  if (typeof reader !== 'object' || reader === null || !('transform' in reader)) return { transform: { columns: [] }, reader }
  // Decoder: it was written by `inspect` as JSON.
  return reader as Remembered
}
