import { id, join, sql } from '../engine/sql.ts'
import { FileError, TableError } from '../errors/errors.ts'
import type { ExpectationCount } from '../model/expectation.ts'
import type { OpenTable, Violation } from '../stores/store.ts'
import type { LoadPlan } from '../strategies/strategy.ts'
import type { KeptRecords } from './kept-records.ts'
import type { Shape } from './shape.ts'

/** Files whose rows the table forbids; the others of their batch may be loaded. */
export class ForbiddenRows extends Error {
  readonly files: readonly FileError[]
  /** What the expectations that forbid them found in these files. */
  readonly counts: readonly ExpectationCount[]

  constructor(files: readonly FileError[], counts: readonly ExpectationCount[] = []) {
    super('files have rows that the table forbids')
    this.files = files
    this.counts = counts
  }
}

/**
 * Writes a plan. Where the table forbids one of its rows, the files that such rows come from are found at once, by one
 * query, and thrown as ForbiddenRows. With `isDry` nothing is written, so that nothing but the query can tell.
 */
export async function writeAllowed<T>(
  plan: LoadPlan,
  shape: Shape,
  {
    target,
    table,
    isDry,
    write,
  }: { readonly target: OpenTable; readonly table: string; readonly isDry: boolean; readonly write: () => Promise<T> },
): Promise<T> {
  const forbidden = async () => {
    const columns = shape.columns.map(({ name }) => id(name))
    const violations = await target.violations(sql`select ${join(columns)}, __path from (${plan.add})`, shape.columns)
    const files = filesOf(violations, table)
    if (files.length > 0) throw new ForbiddenRows(files)
  }
  try {
    const written = await write()
    if (isDry) await forbidden()
    return written
  } catch (error) {
    if (error instanceof TableError && error.code === 'ING-TABLE-CONSTRAINT') await forbidden()
    throw error
  }
}

/** Takes the rows out that the table forbids, whatever a strategy would make of them; rows that mean delete are never written. */
export async function rejectForbidden(
  { name, rejects }: KeptRecords,
  { columns, deletes }: Pick<Shape, 'columns' | 'deletes'>,
  target: OpenTable,
): Promise<void> {
  const written = deletes === undefined ? sql`` : sql`where not __deleted`
  const found = target.violating(sql`select ${join(columns.map((column) => id(column.name)))}, __row from ${name} ${written}`, columns)
  if (found !== null)
    await rejects?.reject(
      sql`select "row", null::varchar as column_name, 'constraint' as rule, 'violates ' || rule as reason from (${found})`,
    )
}

/** One error for each file, with the first rule that it violates. Rows of no file are the table's own: no file is to blame. */
function filesOf(violations: readonly Violation[], table: string): readonly FileError[] {
  const files = new Map<string, FileError>()
  for (const { path, rule, rows } of violations) {
    if (path === null || files.has(path)) continue
    const message = `${path}: ${rows} ${rows === 1n ? 'row violates' : 'rows violate'} ${rule} of ${table}`
    files.set(path, new FileError('ING-TABLE-CONSTRAINT', path, message, { hint: 'mend the rows, then `ingest retry FILE`' }))
  }
  return [...files.values()]
}
