import type { TextEnds } from '../text-ends.ts'
import type { Reading } from './reading.ts'

/**
 * Whether the ends of a file prove that its last record is well-formed. Where a read takes more files than it has
 * threads, the engine leaves out a last record with a quote that is not closed, or not followed by a delimiter, without
 * a word; so it is looked for here.
 */
export function isSurelyClosed(ends: TextEnds, reading: Reading, fields: number): boolean {
  if (reading.quote === '') return true
  // Other escapes, comments and wide characters need a walk over the whole text.
  if (reading.escape !== reading.quote || reading.comment !== '' || reading.encoding === 'utf-16') return false
  if (ends.complete && !ends.head.includes(reading.quote)) return true
  if (ends.complete && !isPaired(ends.head, reading.quote)) return false
  const last = ends.complete ? ends.head.subarray(-LAST_RECORDS) : ends.tail
  return isClosedTail(last.toString('latin1'), reading, fields)
}

/** Of a short file, whose quotes were counted as well. */
const LAST_RECORDS = 1024

function isPaired(bytes: Buffer, quote: string): boolean {
  const mark = quote.charCodeAt(0)
  let count = 0
  // By index: this runs over every byte of thousands of files.
  for (let at = bytes.indexOf(mark); at < bytes.length; at += 1) if (bytes[at] === mark) count += 1
  return count % 2 === 0
}

/** The last records, read strictly from a line end on: they have all fields, and every quote its place. */
function isClosedTail(tail: string, reading: Reading, fields: number): boolean {
  const field = fieldPattern(reading)
  const begin = /[\r\n]+/.exec(tail)
  if (!begin) return false
  field.lastIndex = begin.index + begin[0].length
  let seen = 0
  for (let found = field.exec(tail); found; found = field.exec(tail)) {
    const end = found[1] ?? ''
    seen += 1
    if (end === '') return true
    if (end !== '\n' && end !== '\r\n' && end !== '\r') continue
    const blank = seen === 1 && found[0] === end
    if (seen !== fields && !blank) return false
    seen = 0
  }
  return false
}

/** A field, quoted or without any quote, and what ends it: a delimiter, a line end, or the end of the text (empty). */
function fieldPattern({ quote, delimiter }: Reading): RegExp {
  const q = escaped(quote)
  const d = escaped(Buffer.from(delimiter).toString('latin1'))
  return new RegExp(` *(?:${q}[^${q}]*(?:${q}${q}[^${q}]*)*${q} *|(?:(?!${d})[^${q}\\r\\n])*)(${d}|\\r\\n|\\n|\\r|$)`, 'y')
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
