import type { Session } from '../engine/engine.ts'
import { join, literal, type Sql, sql } from '../engine/sql.ts'
import type { SortedFile } from './format.ts'

interface PartRejects<P> {
  /** The table that the rejected rows are in. */
  readonly rejects: Sql
  readonly session: Session
  rowsOf(parts: readonly P[]): Promise<bigint>
}

/** What was sorted out of the parts of files, as of the files. Of several parts neither numbers nor lines are told. */
export async function rejectsOfFiles<P extends { readonly path: string }>(
  partsOf: ReadonlyMap<string, readonly P[]>,
  sorted: ReadonlyMap<string, SortedFile>,
  { rejects, session, rowsOf }: PartRejects<P>,
): Promise<ReadonlyMap<string, SortedFile>> {
  const sums = new Map<string, SortedFile>()
  for (const [path, parts] of partsOf) {
    const bad = parts.filter((part) => sorted.has(part.path))
    if (bad.length === 0) continue
    const place = parts.length <= 1 ? sql`` : sql`, number = null, line = null`
    await session.run(sql`update ${rejects} set path = ${path} ${place} where path in (${join(bad.map((part) => literal(part.path)))})`)
    const clean = await rowsOf(parts.filter((part) => !sorted.has(part.path)))
    const found = bad.flatMap((part) => sorted.get(part.path) ?? [])
    sums.set(path, together(found, clean))
  }
  return sums
}

function together(parts: readonly SortedFile[], clean: bigint): SortedFile {
  const sum = (of: (one: SortedFile) => bigint) => parts.reduce((all, one) => all + of(one), 0n)
  return { rows: clean + sum(({ rows }) => rows), rejected: sum(({ rejected }) => rejected), unread: sum(({ unread }) => unread) }
}
