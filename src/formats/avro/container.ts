import { Decompress } from 'fzstd'
import { ByteReader, CutShort } from '../polars/bytes.ts'

/** What stands before the blocks of an object container file. */
export interface Header {
  readonly schema: string
  readonly codec: string
}

/** The bytes are no object container file, or its blocks are damaged. */
export class NotAvro extends Error {}

const MAGIC = Buffer.from('Obj\u0001', 'latin1')
const SYNC = 16
/** Bytes of blocks that are read at a time. */
const PART_BYTES = 16 * 1024 * 1024

/** An object container file, block by block. */
export class Container {
  readonly #reader: ByteReader
  readonly #size: number
  #sync = Buffer.alloc(SYNC)

  constructor(stream: NodeJS.ReadableStream, size: number) {
    this.#reader = new ByteReader(stream)
    this.#size = size
  }

  async header(): Promise<Header> {
    if (!(await this.#reader.take(MAGIC.length)).equals(MAGIC)) throw new NotAvro('this is not an Avro file')
    const meta = new Map<string, Buffer>()
    for (let count = await this.#long(); count !== 0n; count = await this.#long()) {
      // A negative count is followed by the bytes of the block.
      if (count < 0n) await this.#long()
      for (let entry = count < 0n ? -count : count; entry > 0n; entry -= 1n) {
        const key = Buffer.from(await this.#bytes()).toString('utf8')
        meta.set(key, Buffer.from(await this.#bytes()))
      }
    }
    this.#sync = Buffer.from(await this.#reader.take(SYNC))
    const schema = meta.get('avro.schema')?.toString('utf8')
    if (schema === undefined) throw new NotAvro('the Avro file has no schema')
    return { schema, codec: meta.get('avro.codec')?.toString('utf8') ?? 'null' }
  }

  /** Files of some blocks each, at least one, under another schema for the same bytes. Throws CutShort where the last block is not whole. */
  async *parts(schema: unknown, codec: string): AsyncGenerator<Buffer> {
    const head = this.#head(JSON.stringify(schema), codec === 'zstandard' ? 'null' : codec)
    let blocks: Buffer[] = []
    let length = 0
    let isFirst = true
    while (!(await this.#reader.isAtEnd())) {
      const count = await this.#long()
      const bytes = await this.#bytes()
      const content = codec === 'zstandard' ? unzstd(bytes) : bytes
      blocks.push(encoded(count), encoded(BigInt(content.length)), Buffer.from(content), this.#sync)
      if (!(await this.#reader.take(SYNC)).equals(this.#sync)) throw new NotAvro('a block of the Avro file is damaged')
      length += content.length
      if (length < PART_BYTES) continue
      yield Buffer.concat([head, ...blocks])
      blocks = []
      length = 0
      isFirst = false
    }
    if (blocks.length > 0) yield Buffer.concat([head, ...blocks])
    // A codec without a block is taken for damage.
    else if (isFirst) yield this.#head(JSON.stringify(schema), 'null')
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  #head(schema: string, codec: string): Buffer {
    const entries = [
      ['avro.schema', schema],
      ['avro.codec', codec],
    ].flatMap(([key = '', value = '']) => [text(key), text(value)])
    return Buffer.concat([MAGIC, encoded(2n), ...entries, encoded(0n), this.#sync])
  }

  async #bytes(): Promise<Buffer> {
    const length = await this.#long()
    if (length < 0n) throw new NotAvro('the Avro file is damaged: it tells a length below zero')
    if (length > BigInt(this.#size)) throw new CutShort()
    return this.#reader.take(Number(length))
  }

  async #long(): Promise<bigint> {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte = 0] = await this.#reader.take(1)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
    }
    throw new NotAvro('the Avro file is damaged: a number does not end')
  }
}

function unzstd(bytes: Uint8Array): Buffer {
  const out: Uint8Array[] = []
  try {
    new Decompress((chunk) => out.push(chunk)).push(bytes, true)
  } catch (cause) {
    throw new NotAvro('a block of the Avro file is damaged', { cause })
  }
  return Buffer.concat(out)
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([encoded(BigInt(bytes.length)), bytes])
}

function encoded(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}
