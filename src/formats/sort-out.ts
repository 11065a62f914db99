import type { Session } from '../engine/engine.ts'
import { id, inlined, join, literal, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import type { FileError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import { messageOf, throwForeign } from './engine-message.ts'
import type { FileGroup, JudgedColumn, ReadColumn, SortedOut, SourceFile } from './format.ts'
import { type RecordLayout, readable, type TextRecord, walkRecords } from './record-walk.ts'
import { fromText, triedText, type ValueRules } from './values.ts'

/** Why a row is rejected. */
export interface Judgement {
  readonly bad: Sql
  readonly column: string | null
  readonly rule: string
  /** What the value is not: `a BIGINT`; or, without a column, the whole reason. */
  readonly reason: string
}

/** A column has a value that, converted to its type, is none. */
export function typeJudgement({ name, type }: ReadColumn, converted: Sql): Judgement {
  return {
    bad: sql`(${id(name)} is not null and ${converted} is null)`,
    column: name,
    rule: 'type',
    reason: `not ${/^[AEIOU]/i.test(type) ? 'an' : 'a'} ${type}`,
  }
}

/** Columns whose text does not fit their type. */
export function textJudgements(columns: readonly JudgedColumn[], rules: ValueRules): readonly Judgement[] {
  const converted = ({ name, type, fields }: JudgedColumn) =>
    fields === true ? sql`try(${fromText(type, id(name), rules, { fields })})` : triedText(type, id(name), rules)
  return columns.filter(({ type }) => type !== 'VARCHAR').map((column) => typeJudgement(column, converted(column)))
}

interface Sorting {
  readonly signal: AbortSignal
  sortOut(part: FileGroup): Promise<SortedOut>
  /** The error of a file that the engine cannot read. */
  failure(file: SourceFile, message: string): FileError | Promise<FileError>
}

/** Sorts a group out; where the engine cannot read it, the files that it cannot read are found by halves, and fail. */
export async function sortedByHalves(group: FileGroup, how: Sorting): Promise<SortedOut> {
  how.signal.throwIfAborted()
  try {
    return await how.sortOut(group)
  } catch (error) {
    throwForeign(error)
    const [only] = group.files
    if (only !== undefined && group.files.length === 1) return { files: new Map(), failed: [await how.failure(only, messageOf(error))] }
    const middle = Math.ceil(group.files.length / 2)
    const sorted: SortedOut[] = []
    for (const files of [group.files.slice(0, middle), group.files.slice(middle)])
      sorted.push(await sortedByHalves({ ...group, files }, how))
    return { files: new Map(sorted.flatMap(({ files }) => [...files])), failed: sorted.flatMap(({ failed }) => failed) }
  }
}

/** Whether nothing of a record may be shown as it is. */
export function isMasked({ mask }: TableConfig): boolean {
  return Object.keys(mask).length > 0
}

/** The columns of rows that are texts, with their types; rows of which some do not fit are left out. */
export function fitting(texts: Sql, columns: readonly ReadColumn[], tried: (type: string, text: Sql, name: string) => Sql): Sql {
  const typed = columns.filter(({ type }) => type !== 'VARCHAR')
  const names = join([...columns.map(({ name }) => id(name)), raw('__path, __index')])
  if (typed.length === 0) return sql`select ${names} from (${texts})`
  const values = join([
    ...columns.map(({ name, type }) => (type === 'VARCHAR' ? id(name) : sql`${tried(type, id(name), name)} as ${id(name)}`)),
    raw('__path, __index'),
    ...typed.map(({ name }, index) => sql`${id(name)} is null as ${id(`__null${index}`)}`),
  ])
  const fits = join(
    typed.map(({ name }, index) => sql`(${id(`__null${index}`)} or ${id(name)} is not null)`),
    ' and ',
  )
  return sql`select ${names} from (select ${values} from (${texts})) where ${fits}`
}

interface Judged {
  readonly session: Session
  readonly table: TableConfig
  readonly judgements: readonly Judgement[]
  /** Text of a record, where the rows have it. */
  readonly raw?: Sql
}

export interface JudgedFile {
  /** Rows that the reader gave. */
  readonly rows: bigint
  readonly misfits: bigint
}

/**
 * The rows of a group that do not fit, in a temporary table: given BIGINT, their number among the rows that the reader gave of
 * their file, and what is wrong with them. The rows are read once, in order, and stream by.
 */
export class Misfits implements AsyncDisposable {
  readonly #table: Sql
  readonly #judged: Judged
  /** By position in the group. */
  files: ReadonlyMap<number, JudgedFile> = new Map()

  private constructor(judged: Judged) {
    this.#judged = judged
    this.#table = id(judged.session.temporaryName('misfits'))
  }

  /** `rows` has `__index` and the columns that the judgements are of. */
  static async of(rows: Sql, judged: Judged): Promise<Misfits> {
    const misfits = new Misfits(judged)
    try {
      await misfits.#fill(rows)
      return misfits
    } catch (error) {
      await misfits[Symbol.asyncDispose]()
      throw error
    }
  }

  async #fill(rows: Sql): Promise<void> {
    const { session, judgements: all, raw: text = raw('null::varchar') } = this.#judged
    const cases = (of: (one: Judgement, index: number) => Sql) => join(all.map(of), ' ')
    const which =
      all.length === 0 ? raw('null::integer') : sql`case ${cases(({ bad }, index) => sql`when ${bad} then ${raw(String(index))}`)} end`
    const value = sql`case __which ${cases(({ column }, index) => sql`when ${raw(String(index))} then ${column === null ? raw('null') : sql`${id(column)}::varchar`}`)} end::varchar`
    const found = sql`select __index, __which, ${all.length === 0 ? raw('null::varchar') : value} as value,
      case when __which is not null then ${text} end as raw from (select *, ${which} as __which from (${rows}))`
    await session.run(
      inlined(sql`create temp table ${this.#table} as
        select __index as index, g, is_start, is_end, __which as which, value, raw from (
          select *, row_number() over () as g, lag(__index) over () is distinct from __index as is_start,
            lead(__index) over () is distinct from __index as is_end from (${found}))
        where __which is not null or is_start or is_end`),
    )
    const counted = await session.rows(sql`select index, max(g) filter (is_end) - min(g) filter (is_start) + 1 as rows,
      count(*) filter (which is not null) as misfits from ${this.#table} group by index`)
    this.files = new Map(
      counted.map((row) => [Number(row['index']), { rows: BigInt(String(row['rows'])), misfits: BigInt(String(row['misfits'])) }]),
    )
  }

  /** Relation (index, given, column_name, rule, reason, raw). */
  get rows(): Sql {
    const { judgements: all, table } = this.#judged
    const told = (of: (one: Judgement) => string | null) =>
      all.length === 0
        ? raw('null::varchar')
        : sql`case which ${join(
            all.map((one, index) => sql`when ${raw(String(index))} then ${of(one) === null ? raw('null') : literal(of(one) ?? '')}`),
            ' ',
          )} end`
    const line = sql`regexp_replace(value, '\\s+', ' ', 'g')`
    const excerpt = sql`case when length(${line}) <= 80 then ${line} else left(${line}, 77) || '...' end`
    const reason = told(({ reason: what }) => what)
    const quoted = isMasked(table)
      ? reason
      : sql`case when value is null then ${reason} else '''' || ${excerpt} || ''' is ' || ${reason} end`
    return sql`(select m.index, m.g - f.first as given, ${told(({ column }) => column)} as column_name, ${told(({ rule }) => rule)} as rule,
      ${quoted} as reason, ${isMasked(table) ? raw('null::varchar') : raw('m.raw')} as raw
      from ${this.#table} as m join (select index, min(g) as first from ${this.#table} where is_start group by index) as f using (index)
      where which is not null)`
  }

  /** The same with path, of files of the group up to a number among the given rows of each: relation (path, index, given, …). */
  upTo(last: ReadonlyMap<number, bigint>, files: readonly SourceFile[]): Sql {
    const limits = join([raw('(-1, -1)'), ...[...last].map(([index, given]) => raw(`(${index}, ${given})`))])
    return sql`(select (${literalList(files.map(({ path }) => path))})[m.index + 1] as path, m.* from ${this.rows} as m
      join (values ${limits}) as l(index, last) on l.index = m.index and m.given <= l.last)`
  }

  /** The first of a file's misfits by their number among the given rows. */
  async given(index: number, limit: bigint): Promise<BigInt64Array> {
    return integers(
      sql`select given from ${this.rows} where index = ${raw(String(index))} order by given limit ${raw(String(limit))}`,
      this.#judged.session,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#judged.session.run(sql`drop table if exists ${this.#table}`)
  }
}

/** A column of integers, in the order of the query. */
export async function integers(query: Sql, session: Session): Promise<BigInt64Array> {
  const parts: BigInt64Array[] = []
  let length = 0
  for await (const [column] of session.integers(inlined(query))) {
    if (column === undefined) continue
    parts.push(column.slice())
    length += column.length
  }
  const all = new BigInt64Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** A record that was looked for. */
export interface Placed {
  readonly index: number
  /** What it was looked for by. */
  readonly key: number
  readonly number: number
  readonly line: number
  readonly raw: string | null
  readonly utf8: boolean
  readonly rule: string | null
  readonly reason: string | null
}

/** Rows at once: their texts pass through here, since the engine does not tell where in its file a record stands. */
const BATCH = 5000
const SHAPE =
  '[{"index":"BIGINT","key":"BIGINT","number":"BIGINT","line":"BIGINT","raw":"VARCHAR","utf8":"BOOLEAN","rule":"VARCHAR","reason":"VARCHAR"}]'

/** Records with their places, in a temporary table with the columns of `Placed`. */
export class Places implements AsyncDisposable {
  readonly rows: Sql
  readonly #session: Session
  #found: Placed[] = []
  #characters = 0

  private constructor(session: Session) {
    this.#session = session
    this.rows = id(session.temporaryName('places'))
  }

  static async open(session: Session): Promise<Places> {
    const places = new Places(session)
    await session.run(
      sql`create temp table ${places.rows} as select unnest(from_json('[]', ${literal(SHAPE)}), recursive := true) as place`,
    )
    return places
  }

  add(placed: Placed): void {
    this.#found.push(placed)
    this.#characters += placed.raw?.length ?? 0
  }

  async flush(isLast: boolean): Promise<void> {
    if (this.#found.length === 0 || (!isLast && this.#found.length < BATCH && this.#characters < 2 ** 22)) return
    const batch = this.#found
    this.#found = []
    this.#characters = 0
    await this.#session.run(
      sql`insert into ${this.rows} by name select unnest(from_json(${JSON.stringify(batch)}, ${literal(SHAPE)}), recursive := true)`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.run(sql`drop table if exists ${this.rows}`)
  }
}

/** A text file as its records are looked for. */
export interface TextFile {
  readonly file: SourceFile
  readonly index: number
  readonly layout: RecordLayout
  readonly chunks: AsyncIterable<Buffer>
}

interface Placing {
  readonly isShown: boolean
  /** Is shown each record that was found. */
  readonly look?: (record: TextRecord, text: string) => void
}

/** Finds records of a file by their number, from 0, ascending; how many records the file has. */
export async function placeNumbers(text: TextFile, numbers: BigInt64Array, places: Places, { isShown, look }: Placing): Promise<number> {
  let number = 0
  let at = 0
  await walkRecords(text.chunks, text.layout, text.file.path, {
    visit: (record) => {
      if (at < numbers.length && Number(numbers[at]) === number) {
        const { text: shown, isUtf8: utf8 } = readable(record.bytes())
        look?.(record, shown)
        places.add({
          index: text.index,
          key: number,
          number,
          line: record.line,
          raw: isShown ? shown : null,
          utf8,
          rule: null,
          reason: null,
        })
        at += 1
      }
      number += 1
    },
    pause: () => places.flush(false),
  })
  await places.flush(true)
  return number
}

/** Fills in line and text of rows of one file, by their number. */
export async function fillIn(
  rows: Sql,
  { file, index }: Pick<TextFile, 'file' | 'index'>,
  places: Places,
  session: Session,
): Promise<void> {
  await session.run(sql`update ${rows} as r set line = p.line, raw = p.raw from ${places.rows} as p
    where r.path = ${file.path} and r.number = p.number and r.line is null and p.index = ${raw(String(index))}`)
}

/** Numbers of a file's rows whose place is not known yet. */
export function numbersOf(rows: Sql, { path }: SourceFile, session: Session): Promise<BigInt64Array> {
  return integers(
    sql`select distinct number from ${rows} where path = ${path} and number is not null and line is null and raw is null order by number`,
    session,
  )
}
