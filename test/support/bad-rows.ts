import type { RunReport } from 'ingestd'
import { list, query } from './engine.ts'
import { Landing } from './landing.ts'
import { activeFiles } from './project.ts'

export interface Rejected {
  readonly file: string
  readonly line: string | null
  readonly number: string | null
  readonly column_name: string | null
  readonly rule: string
  readonly reason: string
  readonly raw: string | null
}

export const TYPES = { id: 'BIGINT', amount: 'BIGINT' }

export function landing(table: Record<string, unknown> = {}): Landing {
  return new Landing({ max_bad_rows: 10, columns: TYPES, ...table })
}

export function only(report: RunReport) {
  const [table] = report.tables
  if (table === undefined) throw new Error('no table')
  return table
}

/** What the quarantine holds, in the order of the files. */
export async function rejected({ table, ...given }: Landing): Promise<readonly Rejected[]> {
  const files = activeFiles(`${table}__quarantine`)
  if (files.length === 0) throw new Error(`nothing in quarantine of ${JSON.stringify(given.config)}`)
  const rows =
    await query(`select parse_filename(_source_file) as file, line::varchar as line, row_number::varchar as number, column_name, rule, reason, raw
    from read_parquet(${list(files)}) order by file, row_number, line, raw`)
  return rows as unknown as readonly Rejected[]
}

export async function places(land: Landing): Promise<readonly string[]> {
  return (await rejected(land)).map(({ file, line, rule, raw }) => `${file} ${line ?? '-'} ${rule} ${raw ?? 'null'}`)
}

export const COUNTS = 'id::varchar as id, amount::varchar as amount'
export function csvOf(rows: readonly (readonly [string, string])[]): string {
  return `id,amount\n${rows.map((row) => row.join(',')).join('\n')}\n`
}

export function linesOf(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([id, amount]) => `{"id":"${id}","amount":"${amount}"}\n`).join('')
}

export const STRATEGIES: readonly (readonly [string, Record<string, unknown>])[] = [
  ['append', {}],
  ['append, without duplicates', { deduplicate: true }],
  ['overwrite', { loading_strategy: 'overwrite' }],
  ['merge', { loading_strategy: 'merge', primary_keys: ['id'] }],
  ['scd2', { loading_strategy: 'scd2', primary_keys: ['id'] }],
]
