import { type RawBuilder, sql } from 'kysely'
import type { ExpectationCount, FileExpectation } from '../model/expectation.ts'
import { type Ledger, nowOf } from './ledger.ts'
import { isoOf } from './read.ts'
import type { BatchExpectation } from './tracker.ts'

/** Keeps what the rules of a table found in a batch; within the transaction that ends it. */
export async function recordExpectations(
  ledger: Ledger,
  { table, batchId }: { readonly table: string; readonly batchId: string },
  counts: readonly ExpectationCount[] | undefined,
): Promise<void> {
  if (counts === undefined || counts.length === 0) return
  const given = ledger.dialect.relation(
    { name: 'text', on_violation: 'text', file_path: 'text', checked: 'integer', violated: 'integer' },
    counts.flatMap(({ name, onViolation, checked, violated, files }) => [
      [name, onViolation, null, checked, violated],
      ...files.map((file) => [name, onViolation, file.path, null, file.violated] as const),
    ]),
  )
  await sql`
    insert into ${sql.table('expectation')} (table_name, batch_id, name, on_violation, file_path, checked, violated, at)
    select ${table}, ${batchId}, g.name, g.on_violation, g.file_path, g.checked, g.violated, ${nowOf(ledger)} from ${given} as g`.execute(
    ledger.db,
  )
}

export async function expectationsOfBatches(
  ledger: Ledger,
  table: string,
  batchIds: readonly string[],
): Promise<readonly BatchExpectation[]> {
  const wanted: RawBuilder<unknown> = ledger.dialect.relation(
    { batch_id: 'text' },
    batchIds.map((batchId) => [batchId]),
  )
  const { rows } = await sql<Omit<BatchExpectation, 'checked' | 'violated' | 'files'> & Counts>`
    select e.batch_id, e.name, e.on_violation, sum(e.checked) as checked,
      sum(case when e.file_path is null then e.violated else 0 end) as violated, count(e.file_path) as files
    from ${sql.table('expectation')} as e
    where e.table_name = ${table} and e.batch_id in (select g.batch_id from ${wanted} as g)
    group by e.batch_id, e.name, e.on_violation order by e.batch_id, e.name`.execute(ledger.db)
  return rows.map((row) => ({ ...row, checked: Number(row.checked), violated: Number(row.violated), files: Number(row.files) }))
}

interface Counts {
  readonly checked: bigint
  readonly violated: bigint
  readonly files: bigint
}

/** Oldest first. */
export async function expectationsOfFile(ledger: Ledger, table: string, path: string): Promise<readonly FileExpectation[]> {
  const rows = await ledger.db
    .selectFrom('expectation')
    .where('table_name', '=', table)
    .where('file_path', '=', path)
    .select(['at', 'batch_id', 'name', 'on_violation', 'violated'])
    .orderBy('at')
    .orderBy('name')
    .execute()
  return rows.map((row) => ({ ...row, at: isoOf(row.at), violated: Number(row.violated) }))
}
