import type { ValidateReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { ValidateResult } from '../model/validation.ts'
import type { ValidateOptions } from './ingest.ts'
import { runnableTable } from './select-tables.ts'
import { leasedAlone, type TableWork } from './table-work.ts'

const FINDINGS = 100

/** Looks at a table without a lock; a repair holds the lease that loads hold. */
export async function validate(name: string, options: ValidateOptions, work: TableWork): Promise<ValidateReport> {
  const table = runnableTable(work.config.tables, name)
  const { repair = false, dryRun = false, limit = FINDINGS } = options
  const request = { trackerId: work.tracker.id, repair, dryRun, limit }
  const look = () => work.worker.validate(table, request)
  return reportOf(table, dryRun, repair && !dryRun ? await leasedAlone(table, 'repair', work, look) : await look())
}

function reportOf(table: TableConfig, isDryRun: boolean, { version, rows, problems, findings, repair }: ValidateResult): ValidateReport {
  return {
    table: table.name,
    version: version === null ? null : Number(version),
    rows: Number(rows),
    ok: problems.length === 0 || (repair !== null && repair.version !== null),
    problems: problems.map((one) => ({ problem: one.problem, rows: Number(one.rows) })),
    findings: findings.map(({ problem, key, row }) => ({ problem, key: JSON.parse(key), row: JSON.parse(row) })),
    repair:
      repair === null
        ? null
        : {
            dry_run: isDryRun,
            removed: Number(repair.removed),
            added: Number(repair.added),
            version: repair.version === null ? null : Number(repair.version),
          },
  }
}
