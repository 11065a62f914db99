import { id, join, literal, raw, type Sql, sql } from '../../engine/sql.ts'
import type { FileError } from '../../errors/errors.ts'
import { plainBytes } from '../compression.ts'
import { withPath } from '../file-list.ts'
import { truncated, wrongFormat } from '../file-problems.ts'
import type {
  FileGroup,
  FormatContext,
  JudgedColumn,
  ReadColumn,
  Rejecting,
  RejectTarget,
  SortedFile,
  SortedOut,
  SourceFile,
} from '../format.ts'
import type { RecordLayout } from '../record-walk.ts'
import {
  fillIn,
  isMasked,
  type Judgement,
  Misfits,
  numbersOf,
  Places,
  placeNumbers,
  sortedByHalves,
  type TextFile,
  textJudgements,
} from '../sort-out.ts'
import { exactDecimals } from './exact.ts'
import { isOpen, jsonProblem } from './problem.ts'
import { decimalsIn, isLines, layoutOf, readLines, rulesOf } from './reading.ts'

/** Records of JSON: those on lines of their own are found in the file, others are told by their number. */
export const jsonRejecting: Rejecting = { sortOut: sortOutJson, place: placeJson, isAligned: () => true }

/** The columns of the records as texts, nested ones as JSON, and each record as `__json`, null where a line is none. */
export function textsOf(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql {
  const shape = JSON.stringify(Object.fromEntries(columns.map(({ name }) => [name, 'VARCHAR'])))
  const rows = withPath({ files: group.files, columns: [] }, raw('json as __json'), (naming) =>
    readLines(group.files, { layout: layoutOf(group), context, more: naming }),
  )
  const values = columns.map(({ name }) => sql`struct_extract(__texts, ${literal(name)}) as ${id(name)}`)
  const decimals = decimalsIn(columns, context)
  const json = decimals === undefined ? raw('__json') : exactDecimals(raw('__json'), decimals)
  const texts = columns.length === 0 ? raw('null') : sql`json_transform(case when ${isRecord} then ${json} end, ${literal(shape)})`
  return sql`select ${join([...values, raw('__path, __index, __json')])} from (select *, ${texts} as __texts from (${rows}))`
}

export const isRecord = raw(`(__json is not null and json_type(__json) in ('OBJECT', 'NULL'))`)

function sortOutJson(group: FileGroup, columns: readonly JudgedColumn[], to: RejectTarget, context: FormatContext): Promise<SortedOut> {
  const { session, table } = context
  const asked: readonly Judgement[] = [
    { bad: raw('__json is null'), column: null, rule: 'json', reason: 'this is not valid JSON' },
    { bad: sql`not ${isRecord}`, column: null, rule: 'json', reason: 'a record must be an object' },
    ...textJudgements(columns, rulesOf(context)),
  ]
  const isText = isLines(layoutOf(group), table)
  const judged = { session, table, judgements: asked, ...(isText ? {} : { raw: raw('__json::varchar') }) }
  const sortOut = async (part: FileGroup) => {
    await using misfits = await Misfits.of(textsOf(part, columns, context), judged)
    return await placed(part, misfits, to, context)
  }
  const failure = (file: SourceFile, message: string) => jsonProblem(file, message, { compression: layoutOf(group).compression, context })
  return sortedByHalves(group, { signal: context.signal, sortOut, failure })
}

async function placed(group: FileGroup, misfits: Misfits, to: RejectTarget, context: FormatContext): Promise<SortedOut> {
  const { session, table } = context
  const files = new Map<string, SortedFile>()
  const failed: FileError[] = []
  const last = new Map<number, bigint>()
  await using places = await Places.open(session)
  for (const [index, file] of group.files.entries()) {
    const { rows, misfits: rejected } = misfits.files.get(index) ?? { rows: 0n, misfits: 0n }
    if (rejected === 0n) continue
    const wanted = to.wanted(rejected, rows)
    const numbers = await misfits.given(index, wanted)
    const problem = isLines(layoutOf(group), table)
      ? await placeLines(textOf(group, file, index, context), { numbers, rows, places, table })
      : undefined
    if (problem === undefined) {
      files.set(file.path, { rows, rejected, unread: 0n })
      last.set(index, numbers.at(-1) ?? -1n)
    } else failed.push(problem)
  }
  await session.run(sql`insert into ${to.rows} by name
    select m.path, m.given as number, p.line, m.column_name, 
      case when m.rule = 'json' and p.utf8 = false then 'encoding' else m.rule end as rule,
      case when m.rule = 'json' and p.utf8 = false then 'the line is not UTF-8' else m.reason end as reason, coalesce(p.raw, m.raw) as raw
    from ${misfits.upTo(last, group.files)} as m left join ${places.rows} as p on p.index = m.index and p.number = m.given`)
  return { files, failed }
}

interface Wanted {
  readonly numbers: BigInt64Array
  readonly rows: bigint
  readonly places: Places
  readonly table: FormatContext['table']
}

/** The error of a file that was cut within its last line, or whose lines are not what the engine takes for them. */
async function placeLines(text: TextFile, { numbers, rows, places, table }: Wanted): Promise<FileError | undefined> {
  let problem: FileError | undefined
  const records = await placeNumbers(text, numbers, places, {
    isShown: !isMasked(table),
    look: ({ isEnded, line }, json) => {
      if (!isEnded && isOpen(json)) problem = truncated(text.file.path, `the record on its last line, ${line}, is not closed`)
    },
  })
  if (problem !== undefined || BigInt(records) === rows) return problem
  return wrongFormat(text.file.path, 'its records cannot be told apart by lines')
}

async function placeJson(group: FileGroup, rows: Sql, context: FormatContext): Promise<void> {
  const { session, table } = context
  const isText = isLines(layoutOf(group), table)
  if (!isText && isMasked(table)) return
  for (const [index, file] of group.files.entries()) {
    const numbers = await numbersOf(rows, file, session)
    if (numbers.length === 0) continue
    if (!isText) {
      const records = sql`select row_number() over () - 1 as number, __json::varchar as json from (${textsOf({ ...group, files: [file] }, [], context)})`
      await session.run(sql`update ${rows} as r set raw = d.json from (${records}) as d
        where r.path = ${file.path} and r.number = d.number and r.raw is null`)
      continue
    }
    await using places = await Places.open(session)
    await placeNumbers(textOf(group, file, index, context), numbers, places, { isShown: !isMasked(table) })
    await fillIn(rows, { file, index }, places, session)
  }
}

const LINES: RecordLayout = {
  delimiter: '\n',
  quote: '',
  escape: '',
  comment: '',
  skip: 0,
  header: false,
  blank: 'spaces',
  carriage: false,
}

function textOf(group: FileGroup, file: SourceFile, index: number, context: FormatContext): TextFile {
  return { file, index, layout: LINES, chunks: plainBytes(file, layoutOf(group).compression, context.io) }
}
