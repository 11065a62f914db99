import { FileError } from '../../errors/errors.ts'
import type { Bundle } from '../../model/bundle.ts'
import { mayReject } from '../../model/reject.ts'
import { type Compression, compressionOf } from '../compression.ts'
import { RESERVED_NAMES } from '../file-list.ts'
import { badColumnName, duplicateColumn, raggedRow, textBehindQuote, truncated, wrongFormat } from '../file-problems.ts'
import type { FileGroup, FormatContext, Inspection, SourceFile } from '../format.ts'
import { inParallel } from '../parallel.ts'
import { checkPairs, type TextEnds, textEnds } from '../text-ends.ts'
import { Bundler } from './bundle.ts'
import { isSurelyClosed } from './closed.ts'
import { learnDialect } from './dialect.ts'
import { findHeader, type Header, type HeaderCache } from './header.ts'
import { lastRecord } from './lines.ts'
import { DEFAULT_DIALECT, dialectOf, type Layout, type Reading, readingOf } from './reading.ts'

/** The whole of a small file, and enough for nearly every header. */
const FIRST_BYTES = 64 * 1024
const LAST_BYTES = 16 * 1024
/** Larger ones are walked over character by character only by the engine. */
const WALKED = 8n * 1024n * 1024n
const SMALL_ZSTD = 4n * 1024n * 1024n
const LONGEST_HEADER = 16 * 1024 * 1024
const OPEN_FILES = 32

/** Groups files by their header, read as bytes: no file is sniffed but those that the dialect is learned from. */
export async function inspectCsv(files: readonly SourceFile[], context: FormatContext): Promise<Inspection> {
  const learned = dialectOf(context.reader) ?? (await learnDialect(files, context))
  const reading = readingOf(context, learned ?? DEFAULT_DIALECT)
  const bundler = Bundler.of(files, reading, context)
  const inspector = new CsvInspector(reading, context, bundler)
  const looks = await inParallel(files, OPEN_FILES, context.signal, (file) => inspector.look(file))
  await bundler?.end()
  const groups = grouped(looks, bundler)
  const rows = groups.some((group) => !group.empty)
  return {
    groups,
    failed: looks.filter((look) => look instanceof FileError),
    // Headers alone do not show how dates are written: the next files decide.
    reader: learned && rows ? { dialect: learned } : (context.reader ?? null),
  }
}

interface Look {
  readonly file: SourceFile
  readonly names: readonly string[]
  readonly layout: Layout
  readonly empty: boolean
}

class CsvInspector {
  readonly #reading: Reading
  readonly #context: FormatContext
  readonly #bundler: Bundler | undefined
  readonly #cache: HeaderCache = new Map()
  /** Names by the header's fields, checked once for all files that share them. */
  readonly #names = new Map<readonly string[], Names>()

  constructor(reading: Reading, context: FormatContext, bundler: Bundler | undefined) {
    this.#reading = reading
    this.#context = context
    this.#bundler = bundler
  }

  async look(file: SourceFile): Promise<Look | FileError> {
    const compression = compressionOf(file, this.#context.table)
    if (file.size === 0n) return { file, names: [], layout: { compression, skip: 0 }, empty: true }
    try {
      return await this.#header(file, compression)
    } catch (error) {
      if (error instanceof FileError) return error
      throw error
    }
  }

  async #header(file: SourceFile, compression: Compression): Promise<Look> {
    const strict = this.#context.table.watch.requireFinalNewline
    const tail = compression === 'zstd' && !strict && file.size > SMALL_ZSTD ? 0 : LAST_BYTES
    for (let head = FIRST_BYTES; head <= LONGEST_HEADER; head *= 16) {
      const ends = await textEnds(file, compression, this.#context.io, { head, tail })
      const header = findHeader(file, ends, this.#reading, this.#cache)
      if (header.kind === 'long') continue
      if (this.#reading.encoding === 'utf-16') checkPairs(file, compression, ends)
      if (strict && !/[\n\r]\0?$/.test(ends.tail.toString('latin1'))) throw truncated(file.path, 'it has no final newline')
      const look = this.#found(file, header, compression)
      if (look.empty) return look
      const closed = isSurelyClosed(ends, this.#reading, look.names.length) ? look : await this.#closed(look)
      await this.#bundle(closed, ends)
      return closed
    }
    throw wrongFormat(file.path, 'its first line is longer than 16 MB')
  }

  async #bundle({ file, names, layout: { compression, alone, skip } }: Look, { head, complete }: TextEnds): Promise<void> {
    if (complete && compression === 'none' && alone === undefined && skip === 0) await this.#bundler?.add(file, names, head)
  }

  #found(file: SourceFile, header: Exclude<Header, { kind: 'long' }>, compression: Compression): Look {
    if (header.kind === 'none') return { file, names: [], layout: { compression, skip: 0 }, empty: true }
    if (header.kind === 'open') throw truncated(file.path, 'a quote in the header is not closed')
    const names = this.#namesOf(header.fields)
    if (names.kind === 'bad') throw names.problem(file.path)
    return { file, names: names.list, layout: { compression, skip: header.skip }, empty: this.#reading.header && header.empty }
  }

  /** A file whose ends do not prove that its quotes are closed: a walk over it says so, or a read of its own will. */
  async #closed(look: Look): Promise<Look> {
    if (look.file.size > WALKED) return { ...look, layout: { ...look.layout, alone: look.file.path } }
    const { kind, line } = await lastRecord(look.file, { reading: this.#reading, layout: look.layout, context: this.#context })
    if (kind === 'open') throw truncated(look.file.path, `the quote that opens on line ${line} is not closed`)
    if (kind !== 'malformed' || !this.#reading.strict) return look
    // Read with others the engine would leave such a record out, alone it tells of it.
    if (mayReject(this.#context.table)) return { ...look, layout: { ...look.layout, alone: look.file.path } }
    throw textBehindQuote(look.file.path, line)
  }

  #namesOf(fields: readonly string[]): Names {
    const known = this.#names.get(fields)
    if (known) return known
    const names = columnNames(fields, this.#reading, this.#context)
    this.#names.set(fields, names)
    return names
  }
}

type Names =
  | { readonly kind: 'good'; readonly list: readonly string[] }
  | { readonly kind: 'bad'; readonly problem: (path: string) => FileError }

/** Names of the columns: given by the config, by the header, or by position; a field without a name is `column<position>`. */
function columnNames(fields: readonly string[], reading: Reading, context: FormatContext): Names {
  const given = reading.names ?? (reading.header ? null : namesOfConfig(context))
  if (given !== null && given.length !== fields.length)
    return { kind: 'bad', problem: (path) => raggedRow(path, reading.skip + 1, fields.length, given.length) }
  const list = fields.map((field, index) => given?.[index] ?? (reading.header && field !== '' ? field : `column${index}`))
  return problemOf(list, reading) ?? { kind: 'good', list }
}

function namesOfConfig({ table }: FormatContext): readonly string[] | null {
  const types = Object.keys(table.columnTypes)
  if (types.length > 0) return types
  return table.selectColumns
}

function problemOf(names: readonly string[], reading: Reading): Names | undefined {
  const seen = new Map<string, string>()
  for (const name of names) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) return { kind: 'bad', problem: (path) => duplicateColumn(path, other, name) }
    seen.set(name.toLowerCase(), name)
  }
  const reserved = RESERVED_NAMES.find((name) => seen.has(name))
  if (reserved !== undefined) return { kind: 'bad', problem: (path) => badColumnName(path, `the column name ${reserved} is reserved`) }
  const [only = ''] = names
  const foreign = [';', '\t', '|', ','].find((delimiter) => delimiter !== reading.delimiter && only.includes(delimiter))
  if (names.length > 1 || foreign === undefined) return undefined
  const hint = `set format_options: {delimiter: ${JSON.stringify(foreign)}} if all files of the table are written so`
  const message = `its first line has a single column at the delimiter ${JSON.stringify(reading.delimiter)}, but ${JSON.stringify(foreign)} in it`
  return { kind: 'bad', problem: (path) => wrongFormat(path, message, hint) }
}

interface Gathered {
  readonly files: SourceFile[]
  readonly look: Look
  readonly bundle: Bundle | undefined
}

function grouped(looks: readonly (Look | FileError)[], bundler: Bundler | undefined): readonly FileGroup[] {
  const groups = new Map<string, Gathered>()
  const keys = new Map<readonly string[], string>()
  for (const look of looks) {
    if (look instanceof FileError) continue
    const names = keys.get(look.names) ?? JSON.stringify(look.names)
    keys.set(look.names, names)
    const isBundled = bundler?.has(look.file, look.names) ?? false
    const key = `${look.layout.compression} ${look.layout.skip} ${look.empty} ${isBundled} ${look.layout.alone ?? ''} ${names}`
    const group = groups.get(key)
    if (group) group.files.push(look.file)
    else groups.set(key, { files: [look.file], look, bundle: isBundled ? bundler?.of(look.names) : undefined })
  }
  return [...groups.values()].map(({ files, look, bundle }) => ({
    files,
    columns: look.names.map((name) => ({ name, type: null })),
    empty: look.empty,
    layout: look.layout,
    ...(bundle === undefined ? {} : { bundle }),
  }))
}
