import { id, join, literal, type Sql, sql } from '../../engine/sql.ts'
import { FileError } from '../../errors/errors.ts'
import { firstLine, messageOf, throwForeign } from '../engine-message.ts'
import { excerpt, wrongFormat } from '../file-problems.ts'
import type { FormatContext, InterimFile, SourceFile } from '../format.ts'
import type { Part } from '../parts.ts'
import type { Frame } from './load.ts'
import { type Node, restored, UnreadableType } from './restore.ts'

/** What a file holds, a bounded part at a time, and what its columns were before polars read them. */
export interface Frames {
  readonly columns: readonly { readonly name: string; readonly node: Node }[]
  readonly frames: AsyncIterable<Frame>
}

/**
 * The parts of a file as Parquet, which the engine reads in its place. Rows never pass through JavaScript: polars writes what it read, and the
 * engine what polars has no type for.
 */
export async function parquetParts(
  file: SourceFile,
  open: () => Promise<Frames>,
  { io, session }: FormatContext,
): Promise<readonly Part[] | FileError> {
  const parts: Part[] = []
  try {
    const { columns, frames } = await open()
    const values = columns.map(({ name, node }) => ({ name, value: restored(id(name), node) }))
    for await (const frame of frames) {
      const part = await io.interim(async (path) => frame.writeParquet(path, { compression: 'lz4' }))
      const isAlike = values.every(({ value }) => value === null)
      parts.push({ ...(isAlike ? part : await rewritten(part)), member: null })
    }
    return parts

    async function rewritten({ readPath }: InterimFile): Promise<InterimFile> {
      const selected = join(values.map(({ name, value }): Sql => (value === null ? id(name) : sql`${value} as ${id(name)}`)))
      const rows = sql`select ${selected} from read_parquet(${literal(readPath)}, hive_partitioning = false)`
      return io.interim((path) => session.run(sql`copy (${rows}) to ${literal(path)} (format parquet, compression lz4_raw)`))
    }
  } catch (error) {
    if (error instanceof FileError) return error
    if (error instanceof UnreadableType)
      return new FileError('ING-FILE-TYPE', file.path, `${file.path}: ${error.message}, which cannot be read exactly`, {
        hint: 'write it as another type, see docs/types.md',
        cause: error,
      })
    throwForeign(error)
    const what = `its content cannot be read: ${excerpt(firstLine(messageOf(error)))}`
    return wrongFormat(file.path, what, 'deliver the file again', error)
  }
}
