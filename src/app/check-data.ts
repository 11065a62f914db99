import type { Clock } from '../lib/clock.ts'
import type { CheckReport, RunReport, TableReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import { listerOf } from './listers.ts'

type Check = CheckReport['checks'][number]

/** Files that are named one by one. */
const NAMED = 20

/**
 * What the next run would make of the files that are there: `run` is a dry one, which reads them and changes nothing. A file
 * that would fail, and a pattern that no file matches, are findings.
 */
export async function checkData(
  tables: readonly TableConfig[],
  run: (tables: readonly TableConfig[]) => Promise<RunReport>,
  clock: Clock,
): Promise<readonly Check[]> {
  const runnable = tables.filter(({ unsupported }) => unsupported.length === 0)
  const report = await run(runnable)
  const checks: Check[] = []
  for (const table of runnable) {
    const found = report.tables.find((one) => one.table === table.name)
    checks.push(...((await matches(table, clock)) ? dataChecks(found) : [noFile(table)]))
  }
  return checks
}

async function matches(table: TableConfig, clock: Clock): Promise<boolean> {
  for await (const { files, waiting } of listerOf(table, clock).pages(new AbortController().signal))
    if (files.length + waiting.length > 0) return true
  return false
}

function noFile({ name, sourcePattern }: TableConfig): Check {
  const hint = 'mend source_path_pattern, or deliver a file'
  return { check: 'data', subject: name, ok: false, detail: `no file matches ${sourcePattern}`, hint }
}

function dataChecks(report: TableReport | undefined): readonly Check[] {
  if (report === undefined) return []
  const { table, errors } = report
  const failed = errors
    .slice(0, NAMED)
    .map(({ message, hint }): Check => ({ check: 'data', subject: table, ok: false, detail: message, hint }))
  if (errors.length > NAMED)
    failed.push({ check: 'data', subject: table, ok: false, detail: `and ${errors.length - NAMED} more files would fail`, hint: null })
  if (report.status === 'skip') return [{ check: 'data', subject: table, ok: true, detail: report.reason ?? 'skipped', hint: null }]
  return [...failed, { check: 'data', subject: table, ok: true, detail: wouldLoad(report), hint: null }]
}

function wouldLoad({ files, rows, plan, warnings }: TableReport): string {
  const change = (plan?.schema_change ?? []).map(({ column, type }) => `${column} ${type}`)
  return [
    `${files.loaded === 1 ? '1 file' : `${files.loaded} files`} with ${rows.read} rows would load`,
    ...(change.length === 0 ? [] : [`columns: ${change.join(', ')}`]),
    ...warnings.map(({ message }) => message),
  ].join('; ')
}
