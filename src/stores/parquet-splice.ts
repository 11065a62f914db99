import { LocalSink, LocalSource } from '../blobs/local-ranges.ts'
import { BugError, TableError } from '../errors/errors.ts'
import { readThrift, THRIFT, ThriftList, type ThriftStruct, type ThriftValue, writeThrift } from '../lib/thrift-compact.ts'

const MAGIC = new TextEncoder().encode('PAR1')
/** Length of the footer, and the magic bytes. */
const TAIL = 8

/** Numbers of fields in parquet.thrift. */
const FILE = { schema: 2, rows: 3, rowGroups: 4, columnOrders: 7 } as const
const GROUP = { columns: 1, rows: 3, fileOffset: 5, ordinal: 7 } as const
const CHUNK = { filePath: 1, fileOffset: 2, metadata: 3, offsetIndex: 4, columnIndexLength: 7, crypto: 8, encryptedMetadata: 9 } as const
const META = { compressedSize: 7, dataPage: 9, indexPage: 10, dictionaryPage: 11, bloomFilter: 14, bloomFilterLength: 15 } as const

/**
 * A Parquet file that is put together from row groups of others: their bytes are copied as they are, and a footer is
 * written that knows where they are now. What is no part of a row group (Bloom filters, page indexes) stays behind.
 */
export class ParquetSplice implements AsyncDisposable {
  readonly #sink: LocalSink
  readonly #base: ThriftStruct
  readonly #groups: ThriftStruct[] = []

  private constructor(sink: LocalSink, base: ThriftStruct) {
    this.#sink = sink
    this.#base = base
  }

  /** A new file at `path` with the schema of the file `base`, and no rows yet. */
  static async begin(path: string, base: string): Promise<ParquetSplice> {
    const footer = await footerOf(base)
    const sink = await LocalSink.create(path)
    await sink.append(MAGIC)
    return new ParquetSplice(sink, footer)
  }

  /** Appends row groups of a file, all of them where none are named; false, and nothing happens, when its schema is another one. */
  async append(path: string, groups?: readonly number[]): Promise<boolean> {
    const footer = await footerOf(path)
    if (!sameColumns(footer, this.#base)) return false
    const all = structsIn(footer, FILE.rowGroups)
    await using source = await LocalSource.open(path)
    for (const run of runsOf(groups ?? all.map((_, index) => index)))
      await this.#copy(
        source,
        run.map((index) => groupAt(all, index)),
      )
    return true
  }

  /** Writes the footer. The file is not synced. */
  async finish(): Promise<{ readonly bytes: bigint }> {
    const rows = this.#groups.reduce((sum, group) => sum + integerIn(group, GROUP.rows), 0n)
    const footer = writeThrift(
      changed(this.#base, [
        [FILE.rows, THRIFT.i64, rows],
        [FILE.rowGroups, THRIFT.list, new ThriftList(THRIFT.struct, this.#groups)],
      ]),
    )
    const length = Buffer.alloc(4)
    length.writeUInt32LE(footer.length)
    for (const part of [footer, length, MAGIC]) await this.#sink.append(part)
    return { bytes: BigInt(this.#sink.size) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sink[Symbol.asyncDispose]()
  }

  /** Row groups that follow one another are one range of bytes. */
  async #copy(source: LocalSource, groups: readonly ThriftStruct[]): Promise<void> {
    const ranges = groups.map(rangeOf)
    const start = Math.min(...ranges.map((range) => range.start))
    const end = Math.max(...ranges.map((range) => range.end))
    if (start < MAGIC.length || end > source.size) throw damaged('a row group lies outside of its file')
    const by = BigInt(this.#sink.size - start)
    await this.#sink.copy(source, start, end - start)
    for (const group of groups) this.#groups.push(moved(group, by, this.#groups.length))
  }
}

async function footerOf(path: string): Promise<ThriftStruct> {
  await using source = await LocalSource.open(path)
  const tail = await source.bytes(source.size - TAIL, TAIL)
  if (!tail.subarray(4).equals(MAGIC)) throw damaged(`${path} does not end as a Parquet file`)
  const length = tail.readUInt32LE(0)
  const footer = await source.bytes(source.size - TAIL - length, length)
  try {
    return readThrift(footer)
  } catch (error) {
    if (error instanceof RangeError) throw damaged(`the footer of ${path} cannot be read: ${error.message}`)
    throw error
  }
}

/** The names of the roots may differ: each writer has its own. */
function sameColumns(a: ThriftStruct, b: ThriftStruct): boolean {
  const [columns, others] = [a, b].map((footer) => {
    const [, ...elements] = structsIn(footer, FILE.schema)
    const orders = footer.get(FILE.columnOrders)
    const parts = elements.map(writeThrift)
    return Buffer.concat(orders === undefined ? parts : [...parts, writeThrift(new Map([[FILE.columnOrders, orders]]))])
  })
  return columns !== undefined && others !== undefined && columns.equals(others)
}

function runsOf(groups: readonly number[]): readonly (readonly number[])[] {
  const runs: number[][] = []
  for (const group of groups) {
    const last = runs.at(-1)
    if (last?.at(-1) === group - 1) last.push(group)
    else runs.push([group])
  }
  return runs
}

function rangeOf(group: ThriftStruct): { readonly start: number; readonly end: number } {
  const ranges = structsIn(group, GROUP.columns).map((chunk) => {
    if ([CHUNK.filePath, CHUNK.crypto, CHUNK.encryptedMetadata].some((field) => chunk.has(field)))
      throw new BugError('a column chunk that lies elsewhere or is encrypted was to be copied')
    const metadata = structIn(chunk, CHUNK.metadata)
    // A dictionary comes first; some writers say 0 where there is none.
    const dictionary = metadata.has(META.dictionaryPage) ? integerIn(metadata, META.dictionaryPage) : 0n
    const data = integerIn(metadata, META.dataPage)
    const start = Number(dictionary > 0n && dictionary < data ? dictionary : data)
    return { start, end: start + Number(integerIn(metadata, META.compressedSize)) }
  })
  return { start: Math.min(...ranges.map(({ start }) => start)), end: Math.max(...ranges.map(({ end }) => end)) }
}

function moved(group: ThriftStruct, by: bigint, ordinal: number): ThriftStruct {
  const chunks = structsIn(group, GROUP.columns).map((chunk) => {
    const metadata = shifted(structIn(chunk, CHUNK.metadata), [META.dataPage, META.indexPage, META.dictionaryPage], by)
    const kept = changed(shifted(chunk, [CHUNK.fileOffset], by), [
      [CHUNK.metadata, THRIFT.struct, without(metadata, META.bloomFilter, META.bloomFilterLength)],
    ])
    return without(kept, CHUNK.offsetIndex, CHUNK.columnIndexLength)
  })
  const whole = changed(shifted(group, [GROUP.fileOffset], by), [
    [GROUP.columns, THRIFT.list, new ThriftList(THRIFT.struct, chunks)],
    [GROUP.ordinal, THRIFT.i16, BigInt(ordinal)],
  ])
  // It has 16 bits, and may be left out.
  return ordinal < 2 ** 15 ? whole : without(whole, GROUP.ordinal, GROUP.ordinal)
}

/** An offset of 0 stands for none. */
function shifted(struct: ThriftStruct, fields: readonly number[], by: bigint): ThriftStruct {
  const offsets = fields.flatMap((field) => {
    const offset = struct.has(field) ? integerIn(struct, field) : 0n
    return offset > 0n ? [[field, THRIFT.i64, offset + by] as const] : []
  })
  return changed(struct, offsets)
}

function changed(struct: ThriftStruct, fields: readonly (readonly [id: number, type: number, value: ThriftValue])[]): ThriftStruct {
  return new Map([...struct, ...fields.map(([id, type, value]) => [id, { type, value }] as const)])
}

/** Without the fields of a range. */
function without(struct: ThriftStruct, from: number, to: number): ThriftStruct {
  return new Map([...struct].filter(([id]) => id < from || id > to))
}

function integerIn(struct: ThriftStruct, field: number): bigint {
  const value = struct.get(field)?.value
  if (typeof value === 'bigint') return value
  throw damaged(`field ${field} of its footer is no number`)
}

function structIn(struct: ThriftStruct, field: number): ThriftStruct {
  const value = struct.get(field)?.value
  if (value instanceof Map) return value
  throw damaged(`field ${field} of its footer is no struct`)
}

function structsIn(struct: ThriftStruct, field: number): readonly ThriftStruct[] {
  const value = struct.get(field)?.value
  const items = value instanceof ThriftList ? value.items : []
  return items.map((item) => {
    if (item instanceof Map) return item
    throw damaged(`field ${field} of its footer is no list of structs`)
  })
}

function groupAt(groups: readonly ThriftStruct[], index: number): ThriftStruct {
  const group = groups[index]
  if (group === undefined) throw damaged(`it has no row group ${index}`)
  return group
}

function damaged(problem: string): TableError {
  return new TableError('ING-TABLE-DATA-FILE', `a data file cannot be copied: ${problem}`, {
    hint: 'restore the file, or rewrite the table',
  })
}
