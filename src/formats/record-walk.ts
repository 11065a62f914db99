import { wrongFormat } from './file-problems.ts'

/** How records stand in a text. */
export interface RecordLayout {
  readonly delimiter: string
  /** Empty where quotes mean nothing. */
  readonly quote: string
  readonly escape: string
  readonly comment: string
  /** Lines before the first record, or before the header. */
  readonly skip: number
  readonly header: boolean
  /** Lines that are no records: none, those without a character, or those with nothing but white space. */
  readonly blank: 'records' | 'empty' | 'spaces'
  /** Whether a carriage return alone ends a line. */
  readonly carriage: boolean
}

/** A record while it is visited; what it says holds until the next. */
export interface TextRecord {
  /** Bytes of the text before it. */
  readonly start: number
  /** The same of the line behind it; infinite for the last. */
  readonly next: number
  /** Counted from 1. */
  readonly line: number
  /** Whether a line end closes it. */
  readonly isEnded: boolean
  /** Its text, without the end of its line. */
  bytes(): Buffer
}

type Visit = (record: TextRecord) => void

export interface Visitor {
  readonly visit: Visit
  /** Called now and then, to take what was seen out of memory. */
  readonly pause?: () => Promise<void>
}

const BLOCK = 1024 * 1024
const LONGEST = 64 * 1024 * 1024
const LF = 10
const CR = 13
const SPACE = 32
const TAB = 9
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Visits the records of a text in order. Most are found by looking for the end of a line; only one that has a quote in it is walked
 * over byte by byte.
 */
export async function walkRecords(
  chunks: AsyncIterable<Buffer>,
  layout: RecordLayout,
  path: string,
  { visit, pause }: Visitor,
): Promise<void> {
  const walk = new Walk(layout, visit)
  let parts: Buffer[] = []
  let length = 0
  let wanted = BLOCK
  for await (const chunk of chunks) {
    parts.push(chunk)
    length += chunk.length
    if (length < wanted) continue
    const rest = walk.push(Buffer.concat(parts), false)
    if (rest.length > LONGEST) throw wrongFormat(path, 'one of its records is longer than 64 MB')
    await pause?.()
    parts = [rest]
    length = rest.length
    // A record that is not over yet is begun anew with twice the text.
    wanted = Math.max(BLOCK, 2 * length)
  }
  walk.push(Buffer.concat(parts), true)
  await pause?.()
}

class Cursor implements TextRecord {
  text: Buffer = Buffer.alloc(0)
  /** Bytes before `text`. */
  offset = 0
  from = 0
  stop = 0
  after = 0
  line = 1
  isLast = false

  get start(): number {
    return this.offset + this.from
  }

  get next(): number {
    return this.isLast && this.after >= this.text.length ? Number.POSITIVE_INFINITY : this.offset + this.after
  }

  get isEnded(): boolean {
    return this.after > this.stop
  }

  bytes(): Buffer {
    return this.text.subarray(this.from, this.stop)
  }
}

type Place = 'field' | 'plain' | 'quoted' | 'closed'

/** Where a record stops, where the next line begins, and over how many lines it goes. */
interface End {
  readonly stop: number
  readonly after: number
  readonly lines: number
}

class Walk {
  readonly #layout: RecordLayout
  readonly #visit: Visit
  readonly #quote: number
  readonly #escape: number
  readonly #comment: number
  readonly #delimiter: Buffer
  readonly #cursor = new Cursor()
  #line = 1
  #toSkip: number
  #isHeaderDue: boolean

  constructor(layout: RecordLayout, visit: Visit) {
    const byte = (text: string) => (text === '' ? -1 : (Buffer.from(text)[0] ?? -1))
    this.#layout = layout
    this.#visit = visit
    this.#quote = byte(layout.quote)
    this.#escape = byte(layout.escape)
    this.#comment = byte(layout.comment)
    this.#delimiter = Buffer.from(layout.delimiter)
    this.#toSkip = layout.skip
    this.#isHeaderDue = layout.header
  }

  /** The text from the first record on that does not end in it. */
  push(text: Buffer, isLast: boolean): Buffer {
    const cursor = this.#cursor
    const ahead = { quote: -1, lf: -1, cr: -1 }
    let at = cursor.offset === 0 && text.subarray(0, 3).equals(BOM) ? BOM.length : 0
    cursor.text = text
    cursor.isLast = isLast
    while (at < text.length) {
      const end = this.#endOf(text, at, ahead)
      // The second byte of a line end may be still to come.
      if (!isLast && (end === undefined || end.after === text.length)) break
      const { stop, after, lines } = end ?? { stop: text.length, after: text.length, lines: 1 }
      if (this.#isRecord(text, at, stop)) {
        cursor.from = at
        cursor.stop = stop
        cursor.after = after
        cursor.line = this.#line
        this.#visit(cursor)
      }
      this.#line += lines
      at = after
    }
    cursor.offset += at
    return text.subarray(at)
  }

  #isRecord(text: Buffer, start: number, stop: number): boolean {
    if (this.#toSkip > 0) {
      this.#toSkip -= 1
      return false
    }
    if (this.#layout.blank !== 'records' && start === stop) return false
    if (this.#layout.blank === 'spaces' && isSpace(text, start, stop)) return false
    if (start < stop && text[start] === this.#comment) return false
    const isHeader = this.#isHeaderDue
    this.#isHeaderDue = false
    return !isHeader
  }

  /** Undefined where the text ends before the record does. */
  #endOf(text: Buffer, from: number, next: { quote: number; lf: number; cr: number }): End | undefined {
    next.lf = found(text, LF, from, next.lf)
    if (this.#layout.carriage) next.cr = found(text, CR, from, next.cr)
    if (this.#quote >= 0) next.quote = found(text, this.#quote, from, next.quote)
    const cr = this.#layout.carriage ? next.cr : Number.POSITIVE_INFINITY
    const end = Math.min(next.lf, cr)
    const isPlain = this.#quote < 0 || next.quote >= end || this.#toSkip > 0 || text[from] === this.#comment
    if (isPlain) return end >= text.length ? undefined : lineEnd(text, end, { from, lines: 1 })
    return this.#quotedEnd(text, from)
  }

  #quotedEnd(text: Buffer, from: number): End | undefined {
    let lines = 1
    let at = from
    let place: Place = 'field'
    while (at < text.length) {
      const isLineEnd = text[at] === LF || (text[at] === CR && this.#layout.carriage)
      if (isLineEnd && place !== 'quoted') return lineEnd(text, at, { from, lines })
      if (isLineEnd) {
        lines += 1
        at += text[at] === CR && text[at + 1] === LF ? 2 : 1
      } else {
        const next = this.#after(text, at, place)
        place = next.place
        at = next.at
      }
    }
    return undefined
  }

  #after(text: Buffer, at: number, place: Place): { readonly place: Place; readonly at: number } {
    const byte = text[at]
    if (place === 'quoted') {
      if (byte === this.#escape && this.#escape !== this.#quote) return { place, at: at + 2 }
      return { place: byte === this.#quote ? 'closed' : 'quoted', at: at + 1 }
    }
    // A doubled quote closes and opens again.
    if (byte === this.#quote && place !== 'plain') return { place: 'quoted', at: at + 1 }
    if (this.#isDelimiter(text, at)) return { place: 'field', at: at + this.#delimiter.length }
    return { place: place === 'field' && byte === SPACE ? 'field' : 'plain', at: at + 1 }
  }

  #isDelimiter(text: Buffer, at: number): boolean {
    if (text[at] !== this.#delimiter[0]) return false
    return this.#delimiter.length === 1 || text.subarray(at, at + this.#delimiter.length).equals(this.#delimiter)
  }
}

/** The next place of a byte, where the last one that was found lies before `from`; the length of the text where there is none. */
function found(text: Buffer, byte: number, from: number, last: number): number {
  if (last >= from) return last
  const at = text.indexOf(byte, from)
  return at < 0 ? text.length : at
}

function lineEnd(text: Buffer, end: number, { from, lines }: { readonly from: number; readonly lines: number }) {
  if (text[end] === CR) return { stop: end, after: text[end + 1] === LF ? end + 2 : end + 1, lines }
  return { stop: end > from && text[end - 1] === CR ? end - 1 : end, after: end + 1, lines }
}

function isSpace(text: Buffer, start: number, stop: number): boolean {
  for (let at = start; at < stop; at += 1) if (text[at] !== SPACE && text[at] !== TAB && text[at] !== CR) return false
  return true
}

/** A text as UTF-8, or, where it is none, byte for byte as Latin-1. */
export function readable(bytes: Buffer): { readonly text: string; readonly isUtf8: boolean } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), isUtf8: true }
  } catch {
    return { text: bytes.toString('latin1'), isUtf8: false }
  }
}
