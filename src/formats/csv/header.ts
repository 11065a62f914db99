import { wrongEncoding } from '../file-problems.ts'
import type { SourceFile } from '../format.ts'
import type { TextEnds } from '../text-ends.ts'
import type { Reading } from './reading.ts'
import { afterLineEnd, parseRecord } from './record.ts'

/** The first record of a file. */
export type Header =
  | { readonly kind: 'found'; readonly fields: readonly string[]; readonly skip: number; readonly empty: boolean }
  /** The file has no record at all. */
  | { readonly kind: 'none' }
  /** The record goes on behind the bytes at hand. */
  | { readonly kind: 'long' }
  /** The file ends within quotes. */
  | { readonly kind: 'open' }

const BOM_UTF8 = '\u00ef\u00bb\u00bf'

/** Fields of headers that were already taken apart, by their bytes: thousands of files share one. */
export type HeaderCache = Map<string, readonly string[]>

/** Bytes that hold nearly every header; what follows them is not looked at when they do. */
const FIRST_LOOK = 1024

/** Finds the first record: skipped lines, comments and blank lines are left out. Throws FileError for a wrong encoding. */
export function findHeader(file: SourceFile, ends: TextEnds, reading: Reading, cache: HeaderCache): Header {
  if (ends.head.length > 2 * FIRST_LOOK) {
    const first = headerIn(file, { ...ends, head: ends.head.subarray(0, FIRST_LOOK), complete: false }, reading, cache)
    if (first.kind === 'found') return first
  }
  return headerIn(file, ends, reading, cache)
}

function headerIn(file: SourceFile, ends: TextEnds, reading: Reading, cache: HeaderCache): Header {
  const text = textOf(file, ends.head, reading)
  const start = recordStart(text, reading)
  if (start === undefined) return ends.complete ? { kind: 'none' } : { kind: 'long' }
  const { at, skip } = start
  const lineEnd = endOfLine(text, at)
  const line = text.slice(at, lineEnd)
  const plain = reading.quote === '' || !line.includes(reading.quote)
  if (plain && lineEnd < text.length) {
    const fields = cached(cache, line, () => fieldsOf(file, text, at, reading) ?? [])
    return { kind: 'found', fields, skip, empty: isEnd(text.slice(afterLineEnd(text, lineEnd)), fields, ends) }
  }
  const record = parseRecord(text, at, marksOf(reading), ends.complete)
  if (record === undefined) return ends.complete ? { kind: 'open' } : { kind: 'long' }
  const key = text.slice(at, record.end)
  const fields = cached(cache, key, () => decoded(file, record.fields, reading))
  return { kind: 'found', fields, skip, empty: isEnd(text.slice(record.end), fields, ends) }
}

function cached(cache: HeaderCache, key: string, make: () => readonly string[]): readonly string[] {
  const known = cache.get(key)
  if (known !== undefined) return known
  const fields = make()
  cache.set(key, fields)
  return fields
}

function fieldsOf(file: SourceFile, text: string, at: number, reading: Reading): readonly string[] | undefined {
  const record = parseRecord(text, at, marksOf(reading), true)
  return record && decoded(file, record.fields, reading)
}

function marksOf(reading: Reading): { readonly delimiter: string; readonly quote: string; readonly escape: string } {
  const delimiter = reading.encoding === 'latin-1' ? reading.delimiter : Buffer.from(reading.delimiter).toString('latin1')
  return { delimiter, quote: reading.quote, escape: reading.escape === '' ? reading.quote : reading.escape }
}

/** The bytes as a text with one character per byte of UTF-8 (or of latin-1), without a byte order mark. */
function textOf(file: SourceFile, head: Buffer, reading: Reading): string {
  if (reading.encoding === 'utf-16') return utf16Text(file, head)
  const [first, second] = head
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw wrongEncoding(file.path, 'the text is UTF-16', 'set format_options: {encoding: utf-16}, or deliver UTF-8')
  }
  const text = head.toString('latin1')
  return text.startsWith(BOM_UTF8) ? text.slice(3) : text
}

function utf16Text(file: SourceFile, head: Buffer): string {
  const [first, second] = head
  if (first === 0xfe && second === 0xff)
    throw wrongEncoding(file.path, 'the text is UTF-16 with the high byte first', 'set format_options: {encoding: utf-16be}')
  const marked = first === 0xff && second === 0xfe
  if (!marked && head.length > 1 && first !== 0 && second !== 0 && (first ?? 0) < 0x80 && (second ?? 0) < 0x80) {
    throw wrongEncoding(file.path, 'the text is not UTF-16', 'leave format_options.encoding out, or deliver UTF-16')
  }
  const even = head.subarray(marked ? 2 : 0, head.length - (head.length % 2))
  return Buffer.from(even.toString('utf16le')).toString('latin1')
}

interface RecordStart {
  readonly at: number
  /** What the engine shall skip: blank lines before a header would be taken for it. */
  readonly skip: number
}

function recordStart(text: string, reading: Reading): RecordStart | undefined {
  let at = 0
  for (let line = 0; line < reading.skip; line += 1) {
    const end = endOfLine(text, at)
    if (end >= text.length) return undefined
    at = afterLineEnd(text, end)
  }
  let skip = reading.skip
  while (at < text.length) {
    const comment = reading.comment !== '' && text.startsWith(reading.comment, at)
    const blank = text[at] === '\n' || text[at] === '\r'
    if (!comment && !blank) return { at, skip }
    // The engine leaves comments out by itself.
    if (blank) skip += 1
    at = afterLineEnd(text, endOfLine(text, at))
  }
  return undefined
}

function endOfLine(text: string, from: number): number {
  const lineFeed = text.indexOf('\n', from)
  const line = lineFeed < 0 ? text.length : lineFeed
  const carriage = text.indexOf('\r', from)
  return carriage >= 0 && carriage < line ? carriage : line
}

/** Whether no record follows; a blank line is one only where a record is a single field. */
function isEnd(rest: string, fields: readonly string[], ends: TextEnds): boolean {
  return ends.complete && (rest === '' || (fields.length > 1 && rest.length < 64 && /^[\r\n]*$/.test(rest)))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function decoded(file: SourceFile, fields: readonly string[], reading: Reading): readonly string[] {
  const names = reading.encoding === 'latin-1' ? fields : fields.map((field) => fromUtf8(file, field))
  if (names.some((name) => name.includes('\0')))
    throw wrongEncoding(file.path, 'the first line has zero bytes: the text is UTF-16, or no text at all')
  return names.map((name) => name.trim())
}

function fromUtf8(file: SourceFile, field: string): string {
  try {
    return utf8.decode(Buffer.from(field, 'latin1'))
  } catch {
    throw wrongEncoding(file.path, 'the first line is not UTF-8')
  }
}
