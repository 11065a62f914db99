import { plainBytes } from '../compression.ts'
import type { FormatContext, SourceFile } from '../format.ts'
import type { Layout, Reading } from './reading.ts'

export interface RowPlace {
  /** Counted from 1; the header is no row. */
  readonly row: bigint
  /** Fields of a row: blank lines are rows only where there is a single one. */
  readonly columns: number
}

/** The 1-based line on which a row begins; null when the file has fewer rows. */
export async function lineOfRow(
  file: SourceFile,
  place: RowPlace,
  { reading, layout, context }: { reading: Reading; layout: Layout; context: FormatContext },
): Promise<number | null> {
  const walk = new RecordWalk(reading, layout.skip, {
    record: Number(place.row) + (reading.header ? 1 : 0),
    blankRecords: place.columns === 1,
  })
  const decoder = new TextDecoder(DECODERS[reading.encoding])
  for await (const chunk of plainBytes(file, layout.compression, context.io)) {
    const line = walk.push(decoder.decode(chunk, { stream: true }))
    if (line !== undefined) return line
  }
  return null
}

/** Names by which decoders know what the engine reads. */
const DECODERS = { 'utf-8': 'utf-8', 'utf-16': 'utf-16le', 'latin-1': 'latin1' } as const

/** How the last record of a file ends, and the line that it concerns. */
export interface LastRecord {
  readonly kind: 'wellFormed' | 'open' | 'malformed'
  readonly line: number
}

/** Walks over the whole file to see whether its last record leaves a quote open, or has text behind one. */
export async function lastRecord(
  file: SourceFile,
  { reading, layout, context }: { reading: Reading; layout: Layout; context: FormatContext },
): Promise<LastRecord> {
  const walk = new RecordWalk(reading, layout.skip, { record: Number.POSITIVE_INFINITY, blankRecords: true })
  const decoder = new TextDecoder(DECODERS[reading.encoding])
  for await (const chunk of plainBytes(file, layout.compression, context.io)) walk.push(decoder.decode(chunk, { stream: true }))
  return walk.last
}

type Place = 'recordStart' | 'comment' | 'fieldStart' | 'plain' | 'quoted' | 'escaped' | 'closed'

/** Walks over a text by characters until the wanted record begins. */
class RecordWalk {
  readonly #reading: Reading
  readonly #blankRecords: boolean
  #toSkip: number
  #left: number
  #line = 1
  #place: Place = 'recordStart'
  #carriage = false
  #quoteLine = 0
  /** Line of the first malformed quote of the record at hand; 0 when there is none. */
  #malformed = 0

  constructor(reading: Reading, skip: number, wanted: { readonly record: number; readonly blankRecords: boolean }) {
    this.#reading = reading
    this.#toSkip = skip
    this.#left = wanted.record
    this.#blankRecords = wanted.blankRecords
  }

  get last(): LastRecord {
    if (this.#place === 'quoted' || this.#place === 'escaped') return { kind: 'open', line: this.#quoteLine }
    return { kind: this.#malformed > 0 ? 'malformed' : 'wellFormed', line: this.#malformed }
  }

  push(text: string): number | undefined {
    for (const char of text) {
      const isSecond = char === '\n' && this.#carriage
      this.#carriage = char === '\r'
      if (isSecond) continue
      const line = char === '\n' || char === '\r' ? this.#lineEnd() : this.#character(char)
      if (line !== undefined) return line
    }
    return undefined
  }

  #lineEnd(): number | undefined {
    const line = this.#line
    this.#line += 1
    if (this.#place === 'quoted' || this.#place === 'escaped') return undefined
    const blank = this.#place === 'recordStart' && this.#toSkip === 0
    this.#place = 'recordStart'
    if (this.#toSkip > 0) this.#toSkip -= 1
    return blank && this.#blankRecords ? this.#begin(line) : undefined
  }

  #character(char: string): number | undefined {
    if (this.#toSkip > 0) return undefined
    if (this.#place === 'recordStart') {
      if (char === this.#reading.comment) {
        this.#place = 'comment'
        return undefined
      }
      this.#place = 'fieldStart'
      this.#malformed = 0
      const line = this.#begin(this.#line)
      if (line !== undefined) return line
    }
    const before = this.#place
    this.#place = this.#after(char)
    if (this.#place === 'quoted' && before === 'fieldStart') this.#quoteLine = this.#line
    if (this.#place === 'plain' && before === 'closed' && char !== ' ') this.#malformed = this.#line
    return undefined
  }

  #begin(line: number): number | undefined {
    this.#left -= 1
    return this.#left === 0 ? line : undefined
  }

  #after(char: string): Place {
    const { quote, escape: escaping, delimiter } = this.#reading
    const place = this.#place
    if (place === 'comment') return 'comment'
    if (place === 'escaped') return 'quoted'
    if (place === 'quoted') {
      if (char === escaping && escaping !== quote) return 'escaped'
      return char === quote ? 'closed' : 'quoted'
    }
    // A doubled quote closes and opens again.
    if (char === quote && (place === 'fieldStart' || place === 'closed')) return 'quoted'
    if (delimiter.endsWith(char)) return 'fieldStart'
    return place === 'fieldStart' && char === ' ' ? 'fieldStart' : 'plain'
  }
}
