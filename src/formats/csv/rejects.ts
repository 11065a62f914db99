import { id, join, literal, literalList, raw, type Sql, sql } from '../../engine/sql.ts'
import type { FileError } from '../../errors/errors.ts'
import { plainBytes } from '../compression.ts'
import { withPath } from '../file-list.ts'
import { truncated, wrongFormat } from '../file-problems.ts'
import type { FileGroup, FormatContext, JudgedColumn, Rejecting, RejectTarget, SortedFile, SortedOut, SourceFile } from '../format.ts'
import { type RecordLayout, readable, type TextRecord, walkRecords } from '../record-walk.ts'
import {
  fillIn,
  integers,
  isMasked,
  Misfits,
  numbersOf,
  Places,
  placeNumbers,
  sortedByHalves,
  type TextFile,
  textJudgements,
} from '../sort-out.ts'
import { unreadable } from './diagnose.ts'
import { layoutOf, lookedAt, type Reading, readCsv, readingOf } from './reading.ts'
import { parseRecord } from './record.ts'
import { rejectProblem } from './reject.ts'

/** Rows of delimited text: the engine tells which of them it cannot read, and a walk over the file where they stand. */
export const csvRejecting: Rejecting = { sortOut: sortOutCsv, place: placeCsv, isAligned: () => true }

function sortOutCsv(group: FileGroup, columns: readonly JudgedColumn[], to: RejectTarget, context: FormatContext): Promise<SortedOut> {
  const sortOut = (part: FileGroup) => new CsvSorting(part, context).sortOut(columns, to)
  return sortedByHalves(group, { signal: context.signal, sortOut, failure: unreadable })
}

async function placeCsv(group: FileGroup, rows: Sql, context: FormatContext): Promise<void> {
  const sorting = new CsvSorting(group, context)
  for (const [index, file] of group.files.entries()) {
    const numbers = await numbersOf(rows, file, context.session)
    if (numbers.length === 0) continue
    await using places = await Places.open(context.session)
    await placeNumbers(sorting.textOf(file, index), numbers, places, { isShown: !isMasked(context.table) })
    await fillIn(rows, { file, index }, places, context.session)
  }
}

/** Kinds of ill-formed rows that are rejected; any other fails its file. */
const KINDS = [
  { code: 1, type: 'MISSING COLUMNS', rule: 'ragged' },
  { code: 2, type: 'TOO MANY COLUMNS', rule: 'ragged' },
  { code: 3, type: 'UNQUOTED VALUE', rule: 'quote' },
  { code: 4, type: 'INVALID ENCODING', rule: 'encoding' },
  { code: 4, type: 'INVALID UNICODE', rule: 'encoding' },
] as const
const OTHER = 9

/** Ill-formed rows of a file: where the engine says that each begins, ascending, and of which kind it is. */
interface IllFormed {
  readonly at: BigInt64Array
  readonly codes: BigInt64Array
}

class CsvSorting {
  readonly #group: FileGroup
  readonly #context: FormatContext
  readonly #reading: Reading
  readonly #ill: Sql

  constructor(group: FileGroup, context: FormatContext) {
    this.#group = group
    this.#context = context
    this.#reading = readingOf(context)
    this.#ill = id(context.session.temporaryName('ill_formed'))
  }

  async sortOut(columns: readonly JudgedColumn[], to: RejectTarget): Promise<SortedOut> {
    const { session, table } = this.#context
    const rejects = session.temporaryName('csv_rejects')
    const scans = session.temporaryName('csv_rejected_scans')
    try {
      const asked = textJudgements(columns, this.#reading)
      await using misfits = await Misfits.of(this.#texts({ rejects, scans }), { session, table, judgements: asked })
      await this.#takeIllFormed({ rejects, scans })
      return await this.#placed(misfits, to)
    } finally {
      for (const name of [rejects, scans]) await session.run(sql`drop table if exists ${id(name)}`)
      await session.run(sql`drop table if exists ${this.#ill}`)
    }
  }

  textOf(file: SourceFile, index: number): TextFile {
    const { quote, delimiter, comment, header, encoding } = this.#reading
    const { compression, skip } = layoutOf(this.#group)
    const layout: RecordLayout = {
      delimiter,
      quote,
      escape: this.#reading.escape,
      comment,
      header,
      skip,
      blank: this.#group.columns.length === 1 ? 'records' : 'empty',
      carriage: true,
    }
    return { file, index, layout, chunks: asUtf8(plainBytes(file, compression, this.#context.io), encoding) }
  }

  #texts(into: { readonly rejects: string; readonly scans: string }): Sql {
    const columns = this.#group.columns.map(({ name }) => ({ name, type: 'VARCHAR' }))
    const more = [
      sql`store_rejects = true`,
      sql`rejects_table = ${literal(into.rejects)}`,
      sql`rejects_scan = ${literal(into.scans)}`,
      sql`rejects_limit = 0`,
    ]
    const read = (naming: readonly Sql[]) =>
      readCsv(this.#group.files, columns, {
        reading: this.#reading,
        layout: layoutOf(this.#group),
        more: [...more, ...naming],
      })
    const values = join(columns.map(({ name }) => id(name)))
    return sql`select * from (${withPath(this.#group, values, read)}) where ${lookedAt(columns)}`
  }

  async #takeIllFormed({ rejects, scans }: { readonly rejects: string; readonly scans: string }): Promise<void> {
    const kinds = KINDS.map(({ code, type }) => sql`when ${literal(type)} then ${raw(String(code))}`).reduce(
      (all, one) => sql`${all} ${one}`,
    )
    const paths = literalList(this.#group.files.map(({ readPath }) => readPath))
    await this.#context.session.run(sql`create temp table ${this.#ill} as
      select coalesce(list_position(${paths}, s.file_path), 1)::bigint - 1 as index, r.line_byte_position::bigint as begins,
        max(case r.error_type::varchar ${kinds} else ${raw(String(OTHER))} end)::bigint as code, min(r.line)::bigint as line,
        arg_max(r.error_type::varchar, r.error_type::varchar not in (${join(KINDS.map(({ type }) => literal(type)))})) as type,
        any_value(r.csv_line) as text, any_value(r.error_message) as message
      from ${id(rejects)} as r join ${id(scans)} as s using (scan_id, file_id) group by 1, 2`)
  }

  async #placed(misfits: Misfits, to: RejectTarget): Promise<SortedOut> {
    const { session } = this.#context
    const counted = await session.rows(
      sql`select index, count(*) as ill, bool_or(code = ${raw(String(OTHER))}) as other from ${this.#ill} group by index`,
    )
    const ill = new Map(counted.map((row) => [Number(row['index']), { rows: BigInt(String(row['ill'])), isOther: row['other'] === true }]))
    const files = new Map<string, SortedFile>()
    const failed: FileError[] = []
    await using places = await Places.open(session)
    for (const [index, file] of this.#group.files.entries()) {
      const given = misfits.files.get(index) ?? { rows: 0n, misfits: 0n }
      const unread = ill.get(index)?.rows ?? 0n
      const sorted: SortedFile = { rows: given.rows + unread, rejected: given.misfits + unread, unread }
      if (sorted.rejected === 0n) continue
      const wanted = to.wanted(sorted.rejected, sorted.rows)
      const problem = ill.get(index)?.isOther
        ? await this.#problemOf(index, file)
        : await this.#find(this.textOf(file, index), { misfits, sorted, wanted, places })
      if (problem === undefined) files.set(file.path, sorted)
      else failed.push(problem)
    }
    const paths = literalList(this.#group.files.map(({ path }) => path))
    const gone = literalList(failed.map(({ file }) => file))
    await session.run(sql`insert into ${to.rows} by name
      select (${paths})[p.index + 1] as path, p.number, p.line, m.column_name, coalesce(p.rule, m.rule) as rule,
        coalesce(p.reason, m.reason) as reason, p.raw
      from ${places.rows} as p left join ${misfits.rows} as m on m.index = p.index and m.given = p.key and p.rule is null
      where not list_contains(${gone}::varchar[], (${paths})[p.index + 1])`)
    return { files, failed }
  }

  /** Finds the rejected rows in their file; the error of one whose records cannot be told, or that was cut. */
  async #find(
    text: TextFile,
    {
      misfits,
      sorted,
      wanted,
      places,
    }: { readonly misfits: Misfits; readonly sorted: SortedFile; readonly wanted: bigint; readonly places: Places },
  ): Promise<FileError | undefined> {
    const { session } = this.#context
    const of = (column: 'begins' | 'code') =>
      integers(sql`select ${id(column)} from ${this.#ill} where index = ${raw(String(text.index))} order by begins`, session)
    const ill: IllFormed = { at: await of('begins'), codes: await of('code') }
    const finder = new Finder(
      text,
      { ill, given: await misfits.given(text.index, wanted), wanted: Number(wanted), reading: this.#reading },
      {
        columns: this.#group.columns.length,
        isShown: !isMasked(this.#context.table),
        add: (placed) => places.add(placed),
      },
    )
    await walkRecords(text.chunks, text.layout, text.file.path, {
      visit: (record) => finder.visit(record),
      pause: () => places.flush(false),
    })
    await places.flush(true)
    if (finder.problem !== undefined) return finder.problem
    if (finder.records === sorted.rows && finder.isWhole) return undefined
    return ill.at.length > 0 ? this.#problemOf(text.index, text.file) : wrongFormat(text.file.path, 'its records cannot be told apart')
  }

  /** What fails a file as a whole. */
  async #problemOf(index: number, file: SourceFile): Promise<FileError> {
    const [row] = await this.#context.session.rows(sql`select line, type, text, message from ${this.#ill}
      where index = ${raw(String(index))} order by code = ${raw(String(OTHER))} desc, begins limit 1`)
    const reject = {
      file,
      line: Number(row?.['line'] ?? 1),
      type: String(row?.['type']),
      text: String(row?.['text'] ?? ''),
      message: String(row?.['message'] ?? ''),
    }
    return rejectProblem(reject, {
      columns: this.#group.columns.length,
      reading: this.#reading,
      layout: layoutOf(this.#group),
      context: this.#context,
    })
  }
}

interface Looked {
  readonly ill: IllFormed
  /** Misfits by their number among the rows that are not ill-formed. */
  readonly given: BigInt64Array
  readonly wanted: number
  readonly reading: Reading
}

interface Finding {
  readonly columns: number
  readonly isShown: boolean
  readonly add: Places['add']
}

/** Brings the engine's word on ill-formed rows, and the numbers of misfits, together with the records of a file. */
class Finder {
  problem: FileError | undefined
  #number = 0
  #given = 0
  #illFormed = 0
  #misfit = 0
  readonly #text: TextFile
  readonly #looked: Looked
  readonly #to: Finding

  constructor(text: TextFile, looked: Looked, to: Finding) {
    this.#text = text
    this.#looked = looked
    this.#to = to
  }

  get records(): bigint {
    return BigInt(this.#number)
  }

  /** Whether all that was looked for was found. */
  get isWhole(): boolean {
    return this.#illFormed === this.#looked.ill.at.length && this.#misfit === this.#looked.given.length
  }

  visit(record: TextRecord): void {
    const { ill, given } = this.#looked
    // The engine counts from 1, and where lines end in CR LF from the LF before the row.
    const at = this.#illFormed < ill.at.length ? Number(ill.at[this.#illFormed]) : Number.NaN
    if (record.start <= at && at < record.next) {
      this.#illRow(record, Number(ill.codes[this.#illFormed]))
      this.#illFormed += 1
    } else {
      if (this.#misfit < given.length && Number(given[this.#misfit]) === this.#given) {
        this.#add(record, readable(record.bytes()), { key: this.#given, rule: null, reason: null })
        this.#misfit += 1
      }
      this.#given += 1
    }
    this.#number += 1
  }

  #illRow(record: TextRecord, code: number): void {
    const isCut = record.next === Number.POSITIVE_INFINITY && !record.isEnded
    if (!isCut && this.#illFormed >= this.#looked.wanted) return
    const shown = readable(record.bytes())
    const fields = parseRecord(shown.text, 0, this.#looked.reading, true)?.fields.length ?? 0
    const told = `${fields === 1 ? '1 field' : `${fields} fields`}, the header has ${this.#to.columns}`
    if (isCut && (code === 1 || code === 3)) {
      const { path } = this.#text.file
      const what =
        code === 1
          ? `its last line, ${record.line}, has ${fields} of ${this.#to.columns} fields`
          : `the quote that opens on line ${record.line} is not closed`
      this.problem = truncated(path, what)
      return
    }
    const rule = KINDS.find((kind) => kind.code === code)?.rule ?? 'ragged'
    const reasons = { ragged: told, quote: 'text follows a closing quote', encoding: 'the line is not UTF-8' }
    this.#add(record, shown, { key: -1, rule, reason: reasons[rule] })
  }

  #add(
    record: TextRecord,
    { text, isUtf8 }: ReturnType<typeof readable>,
    what: { readonly key: number; readonly rule: string | null; readonly reason: string | null },
  ): void {
    const { index } = this.#text
    this.#to.add({ ...what, index, number: this.#number, line: record.line, raw: this.#to.isShown ? text : null, utf8: isUtf8 })
  }
}

/** The engine counts the bytes of the text as UTF-8. */
async function* asUtf8(chunks: AsyncIterable<Buffer>, encoding: Reading['encoding']): AsyncGenerator<Buffer> {
  if (encoding === 'utf-8') {
    yield* chunks
    return
  }
  // Latin-1 by this name would be Windows-1252 to the decoder.
  const decoder = new TextDecoder('utf-16le', { ignoreBOM: true })
  for await (const chunk of chunks)
    yield Buffer.from(encoding === 'utf-16' ? decoder.decode(chunk, { stream: true }) : chunk.toString('latin1'))
}
