import type { RunEvent, TableReport } from '../../model/report.ts'
import { type Logger, logEvent } from '../log.ts'

/**
 * What turns do, as log lines. A daemon looks at its tables again and again: a turn without a result is no news, and what is wrong with a
 * table as a whole is told once, until it changes.
 */
export class Teller {
  readonly #log: Logger
  /** What was told of each table in its last turn that had something to tell. */
  readonly #told = new Map<string, ReadonlySet<string>>()

  constructor(log: Logger) {
    this.#log = log
  }

  tell(event: RunEvent): void {
    if (event.kind !== 'tableEnded') {
      logEvent(this.#log, event)
      return
    }
    const report = this.#news(event.report)
    if (report === undefined) this.#log.debug({ table: event.table, seconds: event.report.seconds }, 'nothing to do')
    else logEvent(this.#log, { ...event, report })
  }

  #news(report: TableReport): TableReport | undefined {
    const before = this.#told.get(report.table) ?? new Set()
    const isNews = ({ file, message }: { readonly file: string | null; readonly message: string }) => file !== null || !before.has(message)
    const errors = report.errors.filter(isNews)
    const warnings = report.warnings.filter(isNews)
    const standing = [...report.errors, ...report.warnings].filter(({ file }) => file === null).map(({ message }) => message)
    // A glance at single files says nothing of the source as a whole.
    if (standing.length > 0 || report.files.loaded > 0) this.#told.set(report.table, new Set(standing))
    const { loaded, failed, skipped } = report.files
    const isQuiet = errors.length + warnings.length + loaded + failed + skipped === 0 && report.version === null
    return isQuiet ? undefined : { ...report, errors, warnings }
  }
}
