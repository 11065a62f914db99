import type { Blobs } from '../blobs/blobs.ts'
import { literal, type Sql, sql } from '../engine/sql.ts'

/** Whether a decoded path is one under the table's folder: a log may name files of another table, which are not ours to delete. */
export function isInside(path: string): boolean {
  return !/^\/|^[A-Za-z][\w+.-]*:\//.test(path) && !path.split('/').includes('..')
}

/** A decoded path without the root of its table, where it is one of a whole file; other writers may name the scheme otherwise. */
export function innerPath(path: Sql, { root }: Pick<Blobs, 'root'>): Sql {
  const whole = sql`regexp_replace(regexp_replace(${path}, '^s3[an]://', 's3://'), '^abfs://', 'abfss://')`
  const folder = literal(`${root}/`)
  return sql`case when starts_with(${whole}, ${folder}) then substr(${whole}, length(${folder}) + 1) else ${path} end`
}

/** A path of the log, which is a URI, as the path of the file under the table's folder; one that lies elsewhere stays absolute. */
export function relativePath(path: Sql, blobs: Blobs): Sql {
  const decoded = sql`regexp_replace(url_decode(${path}), '^file:(//(localhost)?)?/', '/')`
  const inner = innerPath(decoded, blobs)
  // Other writers may say `./a` or `a//b` for a file that the file system shows as `a` or `a/b`.
  return sql`regexp_replace(regexp_replace(${inner}, '^(\\./+)+', ''), '([^:])/(\\./|/)+', '\\1/', 'g')`
}
