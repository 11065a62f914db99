import { FileError } from '../../errors/errors.ts'
import { truncated, wrongFormat } from '../file-problems.ts'
import type { Format, FormatContext, SourceFile } from '../format.ts'
import { parquet } from '../parquet/parquet.ts'
import { type Part, withParts } from '../parts.ts'
import { CutShort } from '../polars/bytes.ts'
import { type Frame, loadPolars, type Polars } from '../polars/load.ts'
import { parquetParts } from '../polars/parts.ts'
import { takenParts } from '../taken-parts.ts'
import { arrowColumns } from './schema.ts'
import { ArrowStream, NotArrow } from './stream.ts'

/** Arrow IPC, as a file (Feather version 2) or a stream: polars makes Parquet of it, some record batches at a time. */
export const arrow: Format = {
  ...withParts(parquet, {
    take: async (files, context) => {
      const polars = await loadPolars('file_format: arrow')
      return takenParts(files, { atOnce: 1, signal: context.signal }, (file) => partsOf(file, polars, context))
    },
    inner: (context) => context,
  }),
  name: 'arrow',
}

const MARK = 'ARROW1'

async function partsOf(file: SourceFile, polars: Polars, context: FormatContext): Promise<readonly Part[] | FileError> {
  const { io } = context
  if (file.size === 0n)
    return new FileError('ING-FILE-EMPTY', file.path, `${file.path}: the file has no bytes, and Arrow needs a schema`, {
      hint: 'deliver it again',
    })
  const stream = new ArrowStream(io.stream(file), Number(file.size))
  try {
    return await parquetParts(
      file,
      async () => {
        const isFile = await isWholeFile(file, context)
        try {
          const columns = arrowColumns(await stream.schema(isFile))
          return { columns, frames: frames(stream.parts(), file, polars) }
        } catch (error) {
          return problem(file, error)
        }
      },
      context,
    )
  } finally {
    await stream.close()
  }
}

/** Whether it is a file with an index, which then is whole; a stream tells its end itself. */
async function isWholeFile(file: SourceFile, { io }: FormatContext): Promise<boolean> {
  const head = Buffer.from(await io.head(file, 8)).toString('latin1')
  if (head.startsWith('FEA1')) throw wrongFormat(file.path, 'this is Feather of version 1', 'write version 2, which is Arrow IPC')
  if (!head.startsWith(MARK)) {
    if (MARK.startsWith(head) || /^\u00ff{1,4}/.test(head)) return false
    throw wrongFormat(file.path, 'this is no Arrow IPC file or stream')
  }
  const tail = Buffer.from(await io.tail(file, MARK.length)).toString('latin1')
  if (tail !== MARK || file.size < 16n) throw truncated(file.path, 'it begins as an Arrow file, but has no footer')
  return true
}

async function* frames(parts: AsyncIterable<Buffer>, file: SourceFile, polars: Polars): AsyncGenerator<Frame> {
  try {
    for await (const part of parts) yield polars.readIPCStream(part)
  } catch (error) {
    problem(file, error)
  }
}

function problem(file: SourceFile, error: unknown): never {
  if (error instanceof CutShort) throw truncated(file.path, 'it stops before its end mark', error)
  if (error instanceof NotArrow) throw wrongFormat(file.path, error.message, 'check file_format and the file', error)
  throw error
}
