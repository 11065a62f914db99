import { ByteReader, CutShort } from '../polars/bytes.ts'
import { FlatTable } from './flatbuffer.ts'

/** The bytes are no Arrow IPC file or stream, or its messages are damaged. */
export class NotArrow extends Error {}

const MESSAGE = { kind: 1, header: 2, bodyLength: 3 } as const
const SCHEMA = 1
const DICTIONARY = 2
const CONTINUATION = 0xffffffff
/** Bytes of record batches that are read at a time. */
const PART_BYTES = 32 * 1024 * 1024
const END = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])

interface Message {
  readonly kind: number
  readonly header: FlatTable | undefined
  readonly bytes: Buffer
}

/** The messages of a file or a stream: a file is a stream between two marks, with an index behind it. */
export class ArrowStream {
  readonly #reader: ByteReader
  readonly #size: number
  #schema: Buffer = Buffer.alloc(0)

  constructor(stream: NodeJS.ReadableStream, size: number) {
    this.#reader = new ByteReader(stream)
    this.#size = size
  }

  /** The schema, which comes first. `isFile` passes over the mark at the beginning. */
  async schema(isFile: boolean): Promise<FlatTable> {
    if (isFile) await this.#reader.take(8)
    const first = await this.#next()
    if (first?.kind !== SCHEMA || first.header === undefined) throw new NotArrow('this is no Arrow IPC file or stream')
    this.#schema = first.bytes
    return first.header
  }

  /** Streams of some record batches each, at least one. Throws CutShort where a message, or the end mark, is missing. */
  async *parts(): AsyncGenerator<Buffer> {
    const dictionaries: Buffer[] = []
    let batches: Buffer[] = []
    let length = 0
    let isFirst = true
    for (let message = await this.#next(); message !== undefined; message = await this.#next()) {
      const isDictionary = message.kind === DICTIONARY
      // A later dictionary replaces an earlier one for the batches behind it alone.
      if (batches.length > 0 && (isDictionary || length >= PART_BYTES)) {
        yield this.#part(dictionaries, batches)
        isFirst = false
        batches = []
        length = 0
      }
      if (isDictionary) dictionaries.push(message.bytes)
      else batches.push(message.bytes)
      length += message.bytes.length
    }
    if (isFirst || batches.length > 0) yield this.#part(dictionaries, batches)
  }

  #part(dictionaries: readonly Buffer[], batches: readonly Buffer[]): Buffer {
    return Buffer.concat([this.#schema, ...dictionaries, ...batches, END])
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  /** The next message with its body; undefined at the mark of the end. */
  async #next(): Promise<Message | undefined> {
    const mark = Buffer.from(await this.#reader.take(8))
    if (mark.readUInt32LE(0) !== CONTINUATION) throw new NotArrow('a message does not begin as it should')
    const length = mark.readInt32LE(4)
    if (length === 0) return undefined
    if (length < 0 || length > this.#size) throw new CutShort()
    const metadata = Buffer.from(await this.#reader.take(length))
    try {
      const message = FlatTable.root(metadata)
      const body = message.long(MESSAGE.bodyLength)
      if (body < 0n || body > BigInt(this.#size)) throw new CutShort()
      const bytes = Buffer.concat([mark, metadata, await this.#reader.take(Number(body))])
      return { kind: message.byte(MESSAGE.kind), header: message.table(MESSAGE.header), bytes }
    } catch (error) {
      if (error instanceof RangeError) throw new NotArrow('a message is damaged', { cause: error })
      throw error
    }
  }
}
