import type { Session } from '../engine/engine.ts'
import { id, inlined, sql } from '../engine/sql.ts'
import { ConfigError, TableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { Finding, Problem, ValidateRequest, ValidateResult } from '../model/validation.ts'
import type { OpenTable, TableState } from '../stores/store.ts'
import { BROKEN_ROWS, type Examined, firstFindings, integritySteps, mendedRows, PROBLEM_COUNTS } from '../strategies/integrity.ts'

/** Looks for rows that break the rules of their strategy, and mends them in one commit if asked. */
export async function validateTable(
  table: TableConfig,
  request: ValidateRequest,
  target: OpenTable,
  session: Session,
): Promise<ValidateResult> {
  checkStrategy(table)
  const { state } = target
  if (state === null) return { version: null, rows: 0n, problems: [], findings: [], repair: null }
  checkColumns(table, state)
  const examined = { table, columns: state.columns, located: await target.located() }
  const steps = integritySteps(examined)
  try {
    for (const { name, query } of steps) await session.run(inlined(sql`create or replace temp table ${id(name)} as ${query}`))
    const found = await findingsOf(examined, request.limit, session)
    const repair = request.repair && found.problems.length > 0 ? await repaired(examined, request, target, session) : null
    return { version: state.version, ...found, repair }
  } finally {
    for (const { name } of steps) await session.run(sql`drop table if exists ${id(name)}`)
  }
}

async function findingsOf(examined: Examined, limit: number, session: Session) {
  const counted = await session.rows(PROBLEM_COUNTS)
  const first = counted.length === 0 ? [] : await session.rows(firstFindings(examined, limit))
  const [all] = await session.rows(sql`select count(*) as rows from ${id('__ingestd_placed')}`)
  return {
    rows: BigInt(String(all?.['rows'])),
    problems: counted.map(({ problem, rows }) => ({ problem: String(problem) as Problem, rows: BigInt(String(rows)) })),
    findings: first.map(({ problem, key, row }): Finding => ({ problem: String(problem) as Problem, key: String(key), row: String(row) })),
  }
}

async function repaired(
  examined: Examined,
  request: ValidateRequest,
  target: OpenTable,
  session: Session,
): Promise<ValidateResult['repair']> {
  const name = id(session.temporaryName('mended_rows'))
  // The rows are written, and told in the change feed: they must be the same both times.
  await session.run(inlined(sql`create temp table ${name} as ${mendedRows(examined)}`))
  try {
    const [counts] = await session.rows(
      sql`select (select count(*) from (${BROKEN_ROWS})) as removed, (select count(*) from ${name}) as added`,
    )
    const rows = { removed: BigInt(String(counts?.['removed'])), added: BigInt(String(counts?.['added'])) }
    if (request.dryRun) return { ...rows, version: null }
    const version = await target.repair({ positions: BROKEN_ROWS, added: sql`select * from ${name}`, trackerId: request.trackerId })
    return { ...rows, version }
  } finally {
    await session.run(sql`drop table if exists ${name}`)
  }
}

function checkStrategy(table: TableConfig): void {
  if (table.strategy === 'merge' || table.strategy === 'scd2') return
  throw new ConfigError('ING-CONFIG-COMBINATION', `${table.name} is loaded by ${table.strategy}, which has no keys to validate`, [], {
    hint: 'validate a table of merge or scd2',
  })
}

function checkColumns(table: TableConfig, { columns }: TableState): void {
  const names = new Set(columns.map(({ name }) => name.toLowerCase()))
  const { effectiveColumn, endColumn, currentColumn } = table.keyed
  const wanted = [...table.primaryKeys, ...(table.strategy === 'scd2' ? [effectiveColumn, endColumn, currentColumn] : [])]
  const missing = wanted.find((name) => !names.has(name.toLowerCase()))
  if (missing === undefined) return
  throw new TableError('ING-TABLE-KEYS', `${table.name}: the table has no column ${missing}`, {
    hint: 'name the columns that the table has, or load everything again with `ingest run --full-drop`',
  })
}
