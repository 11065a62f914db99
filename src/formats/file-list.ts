import { join, literal, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import type { FileGroup, SourceFile } from './format.ts'

/** Columns that a relation adds to those of its files, in lower case. */
export const RESERVED_NAMES = ['__path', '__index'] as const

/**
 * The paths of a read as a list constant. The engine globs every path that it is given, so characters that mean
 * something to it stand in brackets; the file name that it reports back is the true one.
 */
export function fileList(files: readonly Pick<SourceFile, 'readPath'>[]): Sql {
  return sql`[${join(files.map((file) => literal(escapeGlob(file.readPath))))}]`
}

export function escapeGlob(path: string): string {
  return path.replaceAll(/[[*?]/g, '[$&]')
}

/**
 * `columns`, `__path` and `__index` (the position of the file in `files`) of a read, which is given the options that tell the
 * path: none for a single file, where naming it as a constant is faster. Rows stay in their order, which a join with the files
 * would not keep.
 */
export function withPath(group: Pick<FileGroup, 'files' | 'columns'>, columns: Sql, read: (options: readonly Sql[]) => Sql): Sql {
  const { files } = group
  const [only] = files
  if (only !== undefined && files.length === 1)
    return sql`select ${columns}, ${literal(only.path)} as __path, 0::bigint as __index from ${read([])}`
  const index = indexIn(group)
  const isLinked = files.some((file) => file.readPath !== file.path)
  const path = isLinked ? sql`(${literalList(files.map((file) => file.path))})[${index} + 1]` : raw('__path')
  return sql`select ${columns}, ${path} as __path, ${index} as __index from ${read([sql`filename = '__path'`])}`
}

/** The engine's own number of the file; a column of the file may hide it. */
function indexIn({ files, columns }: Pick<FileGroup, 'files' | 'columns'>): Sql {
  if (!columns.some(({ name }) => name.toLowerCase() === 'file_index')) return raw('file_index::bigint')
  return sql`(list_position(${literalList(files.map((file) => file.readPath))}, __path)::bigint - 1)`
}
