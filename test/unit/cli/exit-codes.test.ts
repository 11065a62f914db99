import { describe, expect, test } from 'vitest'
import { exitCodeOfError, exitCodeOfRun } from '../../../src/cli/exit-codes.ts'
import { BugError, ConfigError, TableError, UnavailableError, UpstreamError } from '../../../src/errors/errors.ts'
import type { ReportError, RunReport } from '../../../src/model/report.ts'

describe('exit codes of errors', () => {
  test('each class has its own', () => {
    const errors = [
      new ConfigError('ING-USAGE', 'x'),
      new UpstreamError('ING-USAGE', 'x'),
      new UnavailableError('ING-TRACKER-LOCKED', 'x'),
      new TableError('ING-TABLE-FEATURE', 'x'),
      new BugError('x'),
      new Error('x'),
    ]
    expect(errors.map(exitCodeOfError)).toEqual([2, 3, 4, 1, 1, 1])
  })
})

describe('exit codes of a run', () => {
  test('nothing failed: 0', () => {
    expect(exitCodeOfRun(runWith([]))).toBe(0)
  })

  test('a failed file: 1', () => {
    expect(exitCodeOfRun(runWith([errorOf('ING-FILE-VALUE', '/in/a.csv')]))).toBe(1)
  })

  test('a key that is not built fails the table: 1', () => {
    expect(exitCodeOfRun(runWith([errorOf('ING-CONFIG-UNSUPPORTED', null)]))).toBe(1)
  })

  test('a table that cannot be reached outranks a failed file: 4', () => {
    expect(exitCodeOfRun(runWith([errorOf('ING-FILE-VALUE', '/in/a.csv'), errorOf('ING-STORAGE-READ-ONLY', null)]))).toBe(4)
  })

  test('a storage error of one file is that file and not the table: 1', () => {
    expect(exitCodeOfRun(runWith([errorOf('ING-STORAGE', '/in/a.csv')]))).toBe(1)
  })

  test('a tracker that cannot be reached: 4', () => {
    expect(exitCodeOfRun(runWith([errorOf('ING-TRACKER-UNAVAILABLE', null)]))).toBe(4)
  })
})

function errorOf(code: string, file: string | null): ReportError {
  return { code, file, message: 'x', hint: null }
}

function runWith(errors: readonly ReportError[]): RunReport {
  const rows = { read: 0, loaded: 0, rejected: 0, filtered: 0, deduplicated: 0, inserted: 0, updated: 0, deleted: 0, unchanged: 0 }
  const files = { loaded: 0, failed: 0, skipped: 0, pending: 0 }
  const status = errors.length > 0 ? ('error' as const) : ('pass' as const)
  const table = {
    table: 'a.b',
    strategy: 'append',
    status,
    version: null,
    files,
    rows,
    bytes: 0,
    seconds: 0,
    errors,
    warnings: [],
    reason: null,
    plan: null,
  }
  const error = errors.length > 0 ? 1 : 0
  return { tables: [table], totals: { pass: 1 - error, warn: 0, error, skip: 0, total: 1, files: 0, rows: 0, bytes: 0, seconds: 0 } }
}
