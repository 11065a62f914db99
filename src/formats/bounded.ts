import { badArchive } from './file-problems.ts'
import type { SourceFile } from './format.ts'

/** Beyond this, what grows more than a hundredfold is no data. */
const FREE_BYTES = 256 * 1024 * 1024
const MOST_GROWTH = 200
const MOST_BYTES = 256 * 1024 ** 3

export interface Bounds {
  readonly file: SourceFile
  readonly packed: number
  /** Bytes that the config allows; undefined for limits that any data keeps. */
  readonly most: number | undefined
  /** Bytes that earlier members of the archive gave. */
  readonly before: () => number
}

/** What is unpacked, up to a size that any data keeps: a file that was made to grow without end is refused. */
export async function* bounded(bytes: AsyncIterable<Buffer>, { file, packed, most, before }: Bounds): AsyncGenerator<Buffer> {
  const whole = (most ?? MOST_BYTES) - before()
  const own = most === undefined ? Math.max(FREE_BYTES, packed * MOST_GROWTH) : whole
  let length = 0
  for await (const chunk of bytes) {
    length += chunk.length
    if (length > Math.min(whole, own)) {
      const hint = 'if it is no bomb, set format_options: {max_unpacked_size: BYTES}'
      throw badArchive(file.path, `it unpacks to more than ${before() + Math.min(whole, own)} bytes`, hint)
    }
    yield chunk
  }
}
