import { id, join, literal, literalList, raw, type Sql, sql } from '../../engine/sql.ts'
import type { FileError } from '../../errors/errors.ts'
import { plainBytes } from '../compression.ts'
import { messageOf, throwForeign } from '../engine-message.ts'
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
import { type RecordLayout, readable, walkRecords } from '../record-walk.ts'
import { fillIn, isMasked, type Judgement, judgements, Misfits, numbersOf, Places, placeNumbers, type TextFile } from '../sort-out.ts'
import { fromText, triedText } from '../values.ts'
import { isOpen, jsonProblem } from './problem.ts'
import { isLines, layoutOf, readLines, rulesOf } from './reading.ts'

/** Records of JSON: those on lines of their own are found in the file, others are told by their number. */
export const jsonRejecting: Rejecting = { sortOut: sortOutJson, place: placeJson, isAligned: () => true }

/** The columns of the records as texts, nested ones as JSON, and each record as `__json`, null where a line is none. */
export function textsOf(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql {
  const shape = JSON.stringify(Object.fromEntries(columns.map(({ name }) => [name, 'VARCHAR'])))
  const rows = withPath({ files: group.files, columns: [] }, raw('json as __json'), (named) =>
    readLines(group.files, { layout: layoutOf(group), context, more: named ? [sql`filename = '__path'`] : [] }),
  )
  const values = columns.map(({ name }) => sql`struct_extract(__texts, ${literal(name)}) as ${id(name)}`)
  const texts = columns.length === 0 ? raw('null') : sql`json_transform(case when ${isRecord} then __json end, ${literal(shape)})`
  return sql`select ${join([...values, raw('__path, __index, __json')])} from (select *, ${texts} as __texts from (${rows}))`
}

export const isRecord = raw(`(__json is not null and json_type(__json) in ('OBJECT', 'NULL'))`)

async function sortOutJson(
  group: FileGroup,
  columns: readonly JudgedColumn[],
  to: RejectTarget,
  context: FormatContext,
): Promise<SortedOut> {
  context.signal.throwIfAborted()
  const { session, table } = context
  const rules = rulesOf(context)
  const asked: readonly Judgement[] = [
    { bad: raw('__json is null'), column: null, rule: 'json', reason: 'this is not valid JSON' },
    { bad: sql`not ${isRecord}`, column: null, rule: 'json', reason: 'a record must be an object' },
    ...judgements(columns, ({ name, type, fields }) =>
      fields === true ? sql`try(${fromText(type, id(name), rules, { fields })})` : triedText(type, id(name), rules),
    ),
  ]
  const isText = isLines(layoutOf(group), table)
  try {
    const judged = { session, table, judgements: asked, ...(isText ? {} : { raw: raw('__json::varchar') }) }
    await using misfits = await Misfits.of(textsOf(group, columns, context), judged)
    return await placed(group, misfits, to, context)
  } catch (error) {
    throwForeign(error)
    const [only] = group.files
    if (only !== undefined && group.files.length === 1)
      return {
        files: new Map(),
        failed: [await jsonProblem(only, messageOf(error), { compression: layoutOf(group).compression, context })],
      }
    const middle = Math.ceil(group.files.length / 2)
    const first = await sortOutJson({ ...group, files: group.files.slice(0, middle) }, columns, to, context)
    const second = await sortOutJson({ ...group, files: group.files.slice(middle) }, columns, to, context)
    return { files: new Map([...first.files, ...second.files]), failed: [...first.failed, ...second.failed] }
  }
}

async function placed(group: FileGroup, misfits: Misfits, to: RejectTarget, context: FormatContext): Promise<SortedOut> {
  const { session, table } = context
  const files = new Map<string, SortedFile>()
  const failed: FileError[] = []
  const limits: Sql[] = [raw('(-1, 0)')]
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
      limits.push(raw(`(${index}, ${numbers.at(-1) ?? -1n})`))
    } else failed.push(problem)
  }
  const paths = literalList(group.files.map(({ path }) => path))
  await session.run(sql`insert into ${to.rows} by name
    select (${paths})[m.index + 1] as path, m.given as number, p.line, m.column_name, 
      case when m.rule = 'json' and p.utf8 = false then 'encoding' else m.rule end as rule,
      case when m.rule = 'json' and p.utf8 = false then 'the line is not UTF-8' else m.reason end as reason, coalesce(p.raw, m.raw) as raw
    from ${misfits.rows} as m join (values ${join(limits)}) as l(index, last) on l.index = m.index and m.given <= l.last
      left join ${places.rows} as p on p.index = m.index and p.number = m.given`)
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
  const isShown = !isMasked(table)
  let number = 0
  let at = 0
  let problem: FileError | undefined
  await walkRecords(text.chunks, text.layout, text.file.path, {
    visit: (record) => {
      if (at < numbers.length && Number(numbers[at]) === number) {
        const { text: line, isUtf8: utf8 } = readable(record.bytes())
        if (!record.isEnded && isOpen(line))
          problem = truncated(text.file.path, `the record on its last line, ${record.line}, is not closed`)
        places.add({
          index: text.index,
          key: number,
          number,
          line: record.line,
          raw: isShown ? line : null,
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
  if (problem !== undefined || BigInt(number) === rows) return problem
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
    await placeNumbers(textOf(group, file, index, context), numbers, places, !isMasked(table))
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
