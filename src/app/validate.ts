import { ConfigError, UnavailableError } from '../errors/errors.ts'
import type { ValidateReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { ValidateResult } from '../model/validation.ts'
import type { ValidateOptions } from './ingest.ts'
import type { MaintenanceWork } from './maintain.ts'
import { oneTable } from './select-tables.ts'

const FINDINGS = 100

/** Looks at a table without a lock; a repair holds the lease that loads hold. */
export async function validate(name: string, options: ValidateOptions, work: MaintenanceWork): Promise<ValidateReport> {
  const table = oneTable(work.config.tables, name)
  const [unsupported] = table.unsupported
  if (unsupported) throw new ConfigError('ING-CONFIG-UNSUPPORTED', unsupported.message, [], { hint: unsupported.hint })
  const { repair = false, dryRun = false, limit = FINDINGS } = options
  const request = { trackerId: work.tracker.id, repair, dryRun, limit }
  const look = () => work.worker.validate(table, request)
  return reportOf(table, dryRun, repair && !dryRun ? await leased(table, work, look) : await look())
}

async function leased<T>(table: TableConfig, { tracker, owner, leaseMs }: MaintenanceWork, act: () => Promise<T>): Promise<T> {
  if (!(await tracker.lockTable(table.name, owner.id, owner.isAlive))) {
    throw new UnavailableError('ING-TABLE-BUSY', `another process is working on ${table.name}`, { hint: 'wait for it, and repair again' })
  }
  const heartbeat = setInterval(() => void tracker.renew(owner.id).catch(() => undefined), leaseMs / 3)
  try {
    return await act()
  } finally {
    clearInterval(heartbeat)
    await tracker.unlockTable(table.name, owner.id)
  }
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
