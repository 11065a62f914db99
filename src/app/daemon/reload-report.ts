import { reportOf } from '../../errors/errors.ts'
import type { ReloadReport } from '../../model/report.ts'
import type { Reload } from '../reload.ts'

/** What a reload did, as it is told and logged. */
export function reloadReport(reload: Reload): ReloadReport {
  const nothing = { added: [], removed: [], changed: [], needs_restart: [], error: null }
  if (reload.kind === 'unchanged') return { status: 'unchanged', ...nothing }
  if (reload.kind === 'refused') {
    const { code, message, hint } = reportOf(reload.error)
    return { status: 'refused', ...nothing, error: { code, message, hint } }
  }
  return {
    status: 'changed',
    added: reload.added.map(({ name }) => name),
    removed: reload.removed.map(({ name }) => name),
    changed: reload.changed.map(({ table, keys }) => ({ table: table.name, keys })),
    needs_restart: reload.needsRestart,
    error: null,
  }
}
