import type { Session } from '../engine/engine.ts'
import { engineFailure, firstLine } from '../engine/failure.ts'
import { id, inlined, join, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import type { Column } from '../model/schema.ts'
import type { BatchAction, Expectation, FreshnessExpectation, RowExpectation, TableConfig, UniqueExpectation } from '../model/table.ts'
import type { TableState } from '../stores/store.ts'
import { parseCondition } from './condition.ts'
import { placeIn } from './parsed-sql.ts'

export type BatchExpectation = Exclude<Expectation, RowExpectation> & { readonly onViolation: BatchAction }

/** A condition on rows, ready to stand in a query over them. */
export interface RowRule {
  readonly rule: RowExpectation
  readonly condition: Sql
  /** Columns of the table that it names. */
  readonly columns: readonly Column[]
}

/** The rules of a table, checked against its columns. */
export interface BoundExpectations {
  readonly rows: readonly RowRule[]
  readonly batch: readonly BatchExpectation[]
}

/** Reads the rules of a table and checks them; without columns, as of a table that is not there yet, their text alone. */
export async function bindExpectations(
  table: TableConfig,
  columns: readonly Column[] | undefined,
  session: Session,
): Promise<BoundExpectations> {
  const byName = columns && new Map(columns.map((column) => [column.name.toLowerCase(), column]))
  const rows: RowRule[] = []
  const batch: BatchExpectation[] = []
  for (const rule of table.expectations) {
    if (rule.kind !== 'check') {
      if (byName !== undefined) checkColumns(rule, byName, table)
      batch.push(rule)
      continue
    }
    const { expression, names } = await parseCondition(rule.check, session, (reason, at) =>
      wrong(table, rule, `${placeOf(rule, at)}${reason}`),
    )
    if (columns !== undefined) await bind(rule, columns, { table, session, condition: expression })
    rows.push({ rule, condition: expression, columns: names.flatMap((name) => byName?.get(name) ?? []) })
  }
  return { rows, batch }
}

/** Checks the rules of a table as far as its columns are known: before the first row came, their text alone. */
export async function checkExpectations(table: TableConfig, state: TableState | null, session: Session): Promise<void> {
  const isKnown = state?.columns.some(({ name }) => !name.startsWith('_')) ?? false
  await bindExpectations(table, isKnown ? state?.columns : undefined, session)
}

function wrong({ name: table }: TableConfig, { name }: Expectation, reason: string): TableError {
  return new TableError('ING-TABLE-EXPECTATION', `${table}: expectation ${name}: ${reason}`, {
    hint: 'write a condition on the columns of the table, as amount >= 0',
  })
}

function placeOf({ place }: RowExpectation, at: string): string {
  const where = `${place}${at}`.trim()
  return where === '' ? '' : `${where}: `
}

/** Lets the engine look at a condition beside columns of the same names and types, before any row is read. */
async function bind(
  rule: RowExpectation,
  columns: readonly Column[],
  { table, session, condition }: { readonly table: TableConfig; readonly session: Session; readonly condition: Sql },
): Promise<void> {
  const view = id(session.temporaryName('expected'))
  const nulls = join(columns.map(({ name, type }) => sql`null::${raw(type)} as ${id(name)}`))
  await session.run(inlined(sql`create temp view ${view} as select ${nulls}`))
  try {
    // A condition on rows has no aggregates. It was parsed and looked at; it stands as written, on lines of its own, so that lines count.
    await session.rows(sql`describe select 1 from ${view} where ${condition} is null`)
    const [described] = await session.rows(sql`describe select ${condition} as holds from ${view}`)
    const type = String(described?.['column_type'])
    if (type !== 'BOOLEAN') throw wrong(table, rule, `${placeOf(rule, '')}it is no condition: it gives ${type}`)
  } catch (error) {
    const foreign = engineFailure(error)
    if (foreign !== undefined && foreign.code !== 'ING-ENGINE') throw foreign
    const message = error instanceof Error ? error.message : String(error)
    const reason = firstLine(message).replace(/^\w+ Error: /, '')
    throw wrong(table, rule, `${placeOf(rule, placeIn(error, rule.check))}${reason}`)
  } finally {
    await session.run(sql`drop view if exists ${view}`)
  }
}

function checkColumns(rule: BatchExpectation, columns: ReadonlyMap<string, Column>, table: TableConfig): void {
  for (const name of columnsOf(rule)) if (!columns.has(name.toLowerCase())) throw wrong(table, rule, `the table has no column ${name}`)
  if (rule.kind !== 'freshness') return
  const type = columns.get(rule.column.toLowerCase())?.type ?? ''
  if (!/^(DATE|TIMESTAMP)/.test(type)) throw wrong(table, rule, `${rule.column} is ${type}, and no date or timestamp`)
}

function columnsOf(rule: UniqueExpectation | FreshnessExpectation | BatchExpectation): readonly string[] {
  if (rule.kind === 'unique') return rule.columns
  return rule.kind === 'freshness' ? [rule.column] : []
}
