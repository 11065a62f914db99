import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import { BugError } from '../errors/errors.ts'

/** Rows of files, by path. */
export type FileCounts = ReadonlyMap<string, bigint>

/** What a query of (path, rows) gives. */
export async function countsOf(query: Sql, session: Session): Promise<FileCounts> {
  const counted = await session.rows(query)
  return new Map(counted.map(({ path, rows }) => [String(path), asCount(rows)]))
}

export function sumOf(counts: FileCounts): bigint {
  return [...counts.values()].reduce((sum, one) => sum + one, 0n)
}

function asCount(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  throw new BugError(`a count came as ${typeof value}`)
}
