import { id, join, literalList, raw, type Sql, sql } from '../../engine/sql.ts'
import type { Bundle, BundlePart } from '../../model/bundle.ts'
import type { Column } from '../../model/schema.ts'
import type { FileGroup, FormatContext, ScratchFile, SourceFile } from '../format.ts'
import { type Layout, type Reading, readCsv } from './reading.ts'

/**
 * Small files with one header are put together while they are looked at: to open a file costs the engine more than to read its few rows.
 * Their bytes are copied as they are, with the number of the file as a last field of each line. Only files are taken whose line ends are
 * all ends of records, and what they give is compared with the line ends that were counted. Where that fails, or a row does not fit, the
 * files are read one by one.
 */
export class Bundler {
  readonly #reading: Reading
  readonly #scratch: () => ScratchFile
  readonly #open = new Map<readonly string[], Map<LineEnd, OpenPart>>()
  readonly #free: Buffer[] = []
  #parts = 0
  #writing = Promise.resolve()
  #isBroken = false

  /** Undefined where nothing is to be gained, or records are told by more than their bytes. */
  static of(files: readonly SourceFile[], reading: Reading, { io }: FormatContext): Bundler | undefined {
    return files.length < FEWEST || !isPlain(reading) ? undefined : new Bundler(reading, () => io.scratch())
  }

  private constructor(reading: Reading, scratch: () => ScratchFile) {
    this.#reading = reading
    this.#scratch = scratch
  }

  /** Adds a file by all of its bytes, if it is one that can be added; `names` are the same array for the same header. */
  async add(file: SourceFile, names: readonly string[], bytes: Buffer): Promise<void> {
    if (this.#isBroken || names.length < 2 || names.includes(NUMBER)) return
    const { header, delimiter } = this.#reading
    const start = header ? bytes.indexOf(LF) + 1 : 0
    const lineEnd = lineEndOf(bytes, start)
    // A byte order mark belongs to no value.
    if (lineEnd === undefined || (!header && bytes[0] === BOM) || !isTold(bytes, start, this.#reading)) return
    const part = this.#partOf(names, lineEnd)
    if (part === undefined) return
    const text = bytes.toString('latin1', start) + (bytes.at(-1) === LF ? '' : lineEnd)
    const number = `${delimiter}${part.files.length}`
    const numbered = text.replace(lineEnd === '\n' ? /\n/g : /\r\n/g, number + lineEnd)
    part.files.push(file.path)
    part.rows.push((numbered.length - text.length) / number.length)
    part.has.add(file.path)
    // Others fill it meanwhile.
    while (part.length + numbered.length > part.buffer.length) await this.#write([part])
    part.length += part.buffer.write(numbered, part.length, 'latin1')
  }

  /** Ends when all is written. */
  async end(): Promise<void> {
    await this.#write([...this.#open.values()].flatMap((parts) => [...parts.values()]))
    await this.#writing
  }

  /** Whether the file is in a bundle that is worth its while. */
  has(file: SourceFile, names: readonly string[]): boolean {
    const parts = this.#partsOf(names)
    return parts.reduce((sum, { files }) => sum + files.length, 0) >= FEWEST && parts.some(({ has }) => has.has(file.path))
  }

  /** The bundle of the files with these names, when all is written. */
  of(names: readonly string[]): Bundle {
    return { parts: this.#partsOf(names) }
  }

  #partsOf(names: readonly string[]): readonly OpenPart[] {
    return [...(this.#open.get(names)?.values() ?? [])]
  }

  /** The engine takes one kind of line end in a file. */
  #partOf(names: readonly string[], lineEnd: LineEnd): OpenPart | undefined {
    const parts = this.#open.get(names) ?? new Map<LineEnd, OpenPart>()
    const known = parts.get(lineEnd)
    if (known !== undefined || this.#parts === MOST_PARTS) return known
    const file = this.#scratch()
    const part = {
      file,
      path: file.path,
      files: [],
      rows: [],
      has: new Set<string>(),
      buffer: Buffer.allocUnsafeSlow(PART_BUFFER),
      length: 0,
    }
    this.#open.set(names, parts.set(lineEnd, part))
    this.#parts += 1
    return part
  }

  /** Begins to write what waits, when what waited before is written. */
  async #write(parts: readonly OpenPart[]): Promise<void> {
    const contents = parts.map((part) => {
      const { file, buffer, length } = part
      part.buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(PART_BUFFER)
      part.length = 0
      return { file, buffer, length }
    })
    const before = this.#writing
    this.#writing = before.then(() => this.#append(contents))
    await before
  }

  async #append(contents: readonly Pick<OpenPart, 'file' | 'buffer' | 'length'>[]): Promise<void> {
    try {
      for (const { file, buffer, length } of contents) {
        await file.append(buffer.subarray(0, length))
        this.#free.push(buffer)
      }
    } catch {
      // A disk without room, perhaps: the files are read where they lie.
      this.#isBroken = true
      this.#open.clear()
    }
  }
}

interface OpenPart extends BundlePart {
  readonly files: string[]
  readonly rows: number[]
  readonly has: Set<string>
  readonly file: ScratchFile
  /** What is not written yet: its first `length` bytes. */
  buffer: Buffer
  length: number
}

type LineEnd = '\n' | '\r\n'

/** Fewer are opened as fast as they are copied. */
const FEWEST = 64
/** Bytes in the memory before they are written; a file of 64 KB has no more, with all of its numbers. */
const PART_BUFFER = 1024 * 1024
/** So many headers and line ends: a source of ever new ones has no bundles of the others. */
const MOST_PARTS = 8

const LF = 10
const CR = 13
/** The first byte of one in UTF-8. */
const BOM = 0xef

function isPlain({ encoding, comment, nullPadding, strict, parallel, skip, quote, delimiter, ...reading }: Reading): boolean {
  const isByte = (mark: string) => mark.length <= 1 && mark < '\x80'
  const isEscaped = quote !== '' && reading.escape !== '' && reading.escape !== quote
  return (
    encoding === 'utf-8' && comment === '' && !nullPadding && parallel && skip === 0 && !isEscaped && isByte(quote) && isByte(delimiter)
  )
}

/** How the lines end, where all do so alike and none is blank, since blank ones are no records. */
function lineEndOf(bytes: Buffer, start: number): LineEnd | undefined {
  if (bytes.length === start || bytes[start] === LF || bytes[start] === CR) return undefined
  if (!bytes.includes(CR)) return bytes.includes('\n\n', start) ? undefined : '\n'
  let pairs = 0
  for (let at = bytes.indexOf(CR); at !== -1; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] !== LF) return undefined
    pairs += 1
  }
  return pairs === lineEnds(bytes, 0, bytes.length) && !bytes.includes('\r\n\r\n', start) ? '\r\n' : undefined
}

function lineEnds(bytes: Buffer, from: number, to: number): number {
  let count = 0
  for (let at = bytes.indexOf(LF, from); at !== -1 && at < to; at = bytes.indexOf(LF, at + 1)) count += 1
  return count
}

/** Whether each quote stands around a whole field, and every line end outside. */
function isTold(bytes: Buffer, start: number, { quote, delimiter }: Reading): boolean {
  if (quote === '') return true
  const mark = quote.charCodeAt(0)
  const borders = [delimiter.charCodeAt(0), LF, CR, undefined]
  for (let open = bytes.indexOf(mark); open !== -1; ) {
    const close = closingQuote(bytes, open, mark)
    const isWhole = open === start || (open > start && borders.includes(bytes[open - 1]))
    if (close === undefined || !isWhole || !borders.includes(bytes[close + 1]) || lineEnds(bytes, open, close) > 0) return false
    open = bytes.indexOf(mark, close + 1)
  }
  return true
}

/** Behind an opening one, passing over doubled ones. */
function closingQuote(bytes: Buffer, open: number, mark: number): number | undefined {
  let close = bytes.indexOf(mark, open + 1)
  while (close !== -1 && bytes[close + 1] === mark) close = bytes.indexOf(mark, close + 2)
  return close === -1 ? undefined : close
}

export interface BundleRead {
  /** All columns of the files, as they are read. */
  readonly read: readonly Column[]
  /** The columns that are wanted, each with its value. */
  readonly columns: readonly { readonly name: string; readonly value: Sql }[]
  readonly reading: Reading
}

/** The rows of all parts as `relation` gives them. */
export function readBundle({ parts }: Bundle, { files }: FileGroup, { read, columns, reading }: BundleRead): Sql {
  const index = new Map(files.map(({ path }, position) => [path, position]))
  const values = join(columns.map(({ name, value }) => sql`${value} as ${id(name)}`))
  const rows = parts.map((part) => {
    const source = readCsv([{ readPath: part.path, size: 0n }], [...read, { name: NUMBER, type: 'BIGINT' }], {
      reading: { ...reading, header: false },
      layout: PLAIN,
    })
    const positions = raw(`[${part.files.map((path) => index.get(path) ?? -1).join(',')}]`)
    const of = sql`select unnest(range(${raw(String(part.files.length))})) as ${raw(NUMBER)}, unnest(${literalList(part.files)}) as __path,
      unnest(${positions})::bigint as __index`
    return sql`select ${values}, __path, __index from ${source} join (${of}) using (${raw(NUMBER)})`
  })
  return join(rows, ' union all ')
}

const PLAIN: Layout = { compression: 'none', skip: 0 }
/** The column with the position of a row's file in its part. */
const NUMBER = '__number'
