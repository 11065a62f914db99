import type { ErrorCode } from '../errors/codes.ts'
import { ConfigError, UnavailableError, UpstreamError } from '../errors/errors.ts'
import type { ReportError, RunReport } from '../model/report.ts'

/** What scripts and schedulers rest on. */
export const EXIT = {
  ok: 0,
  /** Some file or table failed, or a check found something. */
  failed: 1,
  /** The command line or the config is wrong. */
  usage: 2,
  /** An upstream dependency is not met. */
  upstream: 3,
  /** The tracker or a table cannot be reached. */
  unreachable: 4,
  /** Stopped by a signal. */
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The exit code of an error that ended a command. */
export function exitCodeOfError(error: unknown): ExitCode {
  if (error instanceof ConfigError) return EXIT.usage
  if (error instanceof UnavailableError) return EXIT.unreachable
  if (error instanceof UpstreamError) return EXIT.upstream
  return EXIT.failed
}

/** The exit code of work on tables that is no run. */
export function exitCodeOfTables(tables: readonly { readonly error: ReportError | null }[]): ExitCode {
  const errors = tables.flatMap(({ error }) => error ?? [])
  if (errors.some(isUnreachable)) return EXIT.unreachable
  return errors.length > 0 ? EXIT.failed : EXIT.ok
}

/** The exit code of a run that came to its end: what cannot be reached outranks what failed. */
export function exitCodeOfRun(report: RunReport): ExitCode {
  const errors = report.tables.flatMap((table) => table.errors)
  if (errors.some(isUnreachable)) return EXIT.unreachable
  return report.totals.error > 0 ? EXIT.failed : EXIT.ok
}

const UNREACHABLE: readonly ErrorCode[] = ['ING-STORAGE', 'ING-STORAGE-FULL', 'ING-STORAGE-READ-ONLY']

/** A storage error of one file is that file's failure; of the table as a whole it means that the table is out of reach. */
function isUnreachable(error: ReportError): boolean {
  if (error.code.startsWith('ING-TRACKER-')) return true
  return error.file === null && UNREACHABLE.some((code) => code === error.code)
}
