import { literal, type Sql, sql } from '../../engine/sql.ts'
import { FileError } from '../../errors/errors.ts'
import { type Compression, compressionOf } from '../compression.ts'
import { RESERVED_NAMES } from '../file-list.ts'
import { badColumnName, duplicateColumn, truncated, wrongEncoding, wrongFormat } from '../file-problems.ts'
import type { FileGroup, FormatContext, Inspection, SourceFile } from '../format.ts'
import { inParallel } from '../parallel.ts'
import { checkPairs, type TextEnds, textEnds } from '../text-ends.ts'
import type { LineLayout } from './reading.ts'
import type { LineRules } from './rules.ts'

const FIRST_BYTES = 64 * 1024
const LAST_BYTES = 64 * 1024
const OPEN_FILES = 32

interface Look {
  readonly file: SourceFile
  readonly names: readonly string[]
  readonly layout: LineLayout
  readonly empty: boolean
  /** The last line, where no line end closes it. */
  readonly open: string | null
}

/** Looks at both ends of each file; a last line without a line end must be a whole record. */
export async function inspectLines(files: readonly SourceFile[], rules: LineRules, context: FormatContext): Promise<Inspection> {
  const looks = await inParallel(files, OPEN_FILES, context.signal, (file) => lookAt(file, rules, context))
  const failed: FileError[] = looks.filter((look) => look instanceof FileError)
  const whole: Look[] = []
  for (const look of looks) {
    if (look instanceof FileError) continue
    if (look.open === null || (await holds(rules.fits(literal(look.open)), context))) whole.push(look)
    else failed.push(truncated(look.file.path, `its last line has no line end: ${rules.problem(look.open)}`))
  }
  return { groups: grouped(whole), failed, reader: null }
}

async function holds(condition: Sql, { session }: FormatContext): Promise<boolean> {
  const [row] = await session.rows(sql`select coalesce(${condition}, false) as holds`)
  return row?.['holds'] === true
}

async function lookAt(file: SourceFile, rules: LineRules, context: FormatContext): Promise<Look | FileError> {
  const compression = compressionOf(file, context.table)
  const names = rules.names ?? []
  if (file.size === 0n) return { file, names, layout: { compression, skip: 0 }, empty: true, open: null }
  try {
    const ends = await textEnds(file, compression, context.io, { head: FIRST_BYTES, tail: LAST_BYTES })
    if (rules.reading.encoding === 'utf-16') checkPairs(file, compression, ends)
    return found(file, { head: headOf(file, ends, rules), tail: decoded(ends.tail, rules) }, { compression, ends, rules, context })
  } catch (error) {
    if (error instanceof FileError) return error
    throw error
  }
}

interface Looking {
  readonly compression: Compression
  readonly ends: TextEnds
  readonly rules: LineRules
  readonly context: FormatContext
}

function found(file: SourceFile, texts: { readonly head: string; readonly tail: string }, looking: Looking): Look {
  const { compression, ends, rules, context } = looking
  const lines = texts.head.split(/\r\n|\n|\r/)
  const before = rules.reading.skip + (rules.names === null ? 1 : 0)
  if (before >= lines.length && !ends.complete) throw wrongFormat(file.path, `its first ${before} lines are longer than 64 KB`)
  const names = rules.names ?? namesOf(file, lines[before - 1] ?? '', rules)
  // The engine passes over blank lines at the top before it counts.
  const blank = lines.findIndex((line) => line !== '')
  const skip = Math.max(0, before - (blank < 0 ? lines.length : blank))
  const last = texts.tail.split(/\r\n|\n|\r/).at(-1) ?? ''
  if (last !== '' && context.table.watch.requireFinalNewline) throw truncated(file.path, 'it has no final newline')
  const empty = ends.complete && lines.slice(before).every((line) => line === '')
  const isComment = rules.reading.comment !== '' && last.startsWith(rules.reading.comment)
  const isWhole = ends.complete || last.length < texts.tail.length
  const isHeader = ends.complete && lines.length <= before
  const open = last !== '' && isWhole && !isHeader && !isComment ? last : null
  return { file, names, layout: { compression, skip }, empty, open }
}

function namesOf(file: SourceFile, header: string, rules: LineRules): readonly string[] {
  const names = rules.namesIn(header)
  const seen = new Map<string, string>()
  for (const name of names) {
    if (name === '') throw badColumnName(file.path, 'a field of the header has no name')
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) throw duplicateColumn(file.path, other, name)
    seen.set(name.toLowerCase(), name)
  }
  const reserved = RESERVED_NAMES.find((name) => seen.has(name))
  if (reserved !== undefined) throw badColumnName(file.path, `the column name ${reserved} is reserved`)
  return names
}

function headOf(file: SourceFile, { head }: TextEnds, rules: LineRules): string {
  const [first, second] = head
  const isLittle = first === 0xff && second === 0xfe
  const isBig = first === 0xfe && second === 0xff
  if (isBig || (isLittle && rules.reading.encoding !== 'utf-16')) {
    const hint = isBig ? 'set format_options: {encoding: utf-16be}' : undefined
    throw wrongEncoding(file.path, isBig ? 'the text is UTF-16 with the high byte first' : 'the text is UTF-16', hint)
  }
  if (rules.reading.encoding !== 'utf-16' && (first === 0 || second === 0))
    throw wrongEncoding(file.path, 'the text begins with zero bytes: it is UTF-16, or no text at all')
  const text = decoded(head, rules)
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

/** Characters that an end cuts in two come out as others, which no line end is. */
function decoded(bytes: Buffer, { reading }: LineRules): string {
  if (reading.encoding === 'utf-16') return bytes.subarray(0, bytes.length - (bytes.length % 2)).toString('utf16le')
  return bytes.toString(reading.encoding === 'latin-1' ? 'latin1' : 'utf8')
}

function grouped(looks: readonly Look[]): readonly FileGroup[] {
  const groups = new Map<string, { readonly files: SourceFile[]; readonly look: Look }>()
  for (const look of looks) {
    const key = JSON.stringify([look.layout, look.empty, look.names])
    const group = groups.get(key)
    if (group) group.files.push(look.file)
    else groups.set(key, { files: [look.file], look })
  }
  return [...groups.values()].map(({ files, look }) => ({
    files,
    columns: look.names.map((name) => ({ name, type: null })),
    empty: look.empty,
    layout: look.layout,
  }))
}
