import type { FileError } from '../../errors/errors.ts'
import { compressionOf, plainBytes } from '../compression.ts'
import type { Format, FormatContext, SourceFile } from '../format.ts'
import { inParallel } from '../parallel.ts'
import { type Part, withParts } from '../parts.ts'
import { takenParts } from '../taken-parts.ts'
import { textEnds } from '../text-ends.ts'

const MARK = Buffer.from([0xef, 0xbb, 0xbf])
const OPEN_FILES = 32
const WRITTEN_AT_ONCE = 4
/** Compressed files up to this size are decompressed at once. */
const SMALL = 256n * 1024n

/** The engine takes no JSON with a byte order mark: a file that begins with one is written again without it. */
export function withoutMarks(format: Format): Format {
  return withParts(format, {
    take: async (files, context) => {
      const marked = await inParallel(files, OPEN_FILES, context.signal, (file) => isMarked(file, context))
      const found = files.filter((_, index) => marked[index] === true)
      if (found.length === 0) return new Map<SourceFile, readonly Part[] | FileError>()
      return takenParts(found, { atOnce: WRITTEN_AT_ONCE, signal: context.signal }, async (file) => [
        { ...(await context.io.interim(withoutMark(file, context))), member: null, isPlain: true },
      ])
    },
    inner: (context) => context,
  })
}

async function isMarked(file: SourceFile, { io, table }: FormatContext): Promise<boolean> {
  const compression = compressionOf(file, table)
  try {
    if (compression === 'none') return begins(Buffer.from(await io.head(file, MARK.length)))
    if (file.size <= SMALL) return begins((await textEnds(file, compression, io, { head: MARK.length, tail: 0 })).head)
    for await (const chunk of plainBytes(file, compression, io)) return begins(chunk)
    return false
  } catch {
    // The inspection tells what is wrong with the file.
    return false
  }
}

function begins(head: Buffer): boolean {
  return head.subarray(0, MARK.length).equals(MARK)
}

async function* withoutMark(file: SourceFile, { io, table }: FormatContext): AsyncGenerator<Buffer> {
  let left = MARK.length
  for await (const chunk of plainBytes(file, compressionOf(file, table), io)) {
    yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}
