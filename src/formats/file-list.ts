import { join, literal, type Sql, sql } from '../engine/sql.ts'
import type { SourceFile } from './format.ts'

/**
 * The paths of a read as a list constant. The engine globs every path that it is given, so characters that mean
 * something to it stand in brackets; the file name that it reports back is the true one.
 */
export function fileList(files: readonly SourceFile[]): Sql {
  return sql`[${join(files.map((file) => literal(escapeGlob(file.readPath))))}]`
}

export function escapeGlob(path: string): string {
  return path.replaceAll(/[[*?]/g, '[$&]')
}

/**
 * `columns` and `__path` of a read that was made with `filename = '__path'` (`read(true)`), or without it for a single
 * file, where naming the path as a constant is faster.
 */
export function withPath(files: readonly SourceFile[], columns: Sql, read: (named: boolean) => Sql): Sql {
  const [only] = files
  if (only !== undefined && files.length === 1) return sql`select ${columns}, ${literal(only.path)} as __path from ${read(false)}`
  const linked = files.filter((file) => file.readPath !== file.path)
  if (linked.length === 0) return sql`select ${columns}, __path from ${read(true)}`
  const pairs = join(linked.map((file) => sql`(${literal(file.readPath)}, ${literal(file.path)})`))
  return sql`select ${columns}, coalesce(__true_path, __path) as __path from ${read(true)}
    left join (values ${pairs}) as __path_names(__opened, __true_path) on __opened = __path`
}
