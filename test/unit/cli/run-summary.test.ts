import pc from 'picocolors'
import { describe, expect, test } from 'vitest'
import { dryRunDoneLine, dryRunLines } from '../../../src/cli/report/dry-run-summary.ts'
import { doneLines, tableLines } from '../../../src/cli/report/run-summary.ts'
import type { ReportError, TableReport } from '../../../src/model/report.ts'

const colors = pc.createColors(false)
const NO_ROWS = { read: 0, loaded: 0, rejected: 0, filtered: 0, deduplicated: 0, inserted: 0, updated: 0, deleted: 0, unchanged: 0 }

const FINE: TableReport = {
  table: 'analytics.customers',
  strategy: 'append',
  status: 'pass',
  version: 3,
  files: { loaded: 3, failed: 0, skipped: 0, pending: 0 },
  rows: { ...NO_ROWS, read: 1234, loaded: 1234, inserted: 1234 },
  bytes: 5000,
  seconds: 2.31,
  errors: [],
  warnings: [],
  reason: null,
  plan: null,
}

const PLAN = { source: '/in/*.csv', target: '/out', files: 3, bytes: 5000, schema_change: [], rows: null, difference: null }

const BROKEN: ReportError = {
  file: '/in/orders 3.csv',
  code: 'ING-FILE-VALUE',
  message: 'line 7: amount is not a number',
  hint: 'mend line 7',
}

describe('the line of a table', () => {
  test('a table that loaded says so with rows and files', () => {
    expect(tableLines(FINE, { number: 1, total: 2 }, colors)).toEqual([
      '[1 of 2] FINISHED analytics.customers in 2.3s (1,234 rows, 3 files)',
    ])
  })

  test('a failed file is told with its code and what to do', () => {
    const report: TableReport = { ...FINE, status: 'error', files: { ...FINE.files, failed: 1 }, errors: [BROKEN] }
    expect(tableLines(report, { number: 2, total: 2 }, colors)).toEqual([
      '[2 of 2] ERROR analytics.customers in 2.3s (1,234 rows, 3 files, 1 failed)',
      '    error: /in/orders 3.csv: line 7: amount is not a number [ING-FILE-VALUE]',
      '      hint: mend line 7',
    ])
  })

  test('an error without a hint of its own shows the remedy of its code', () => {
    const report: TableReport = {
      ...FINE,
      status: 'error',
      errors: [{ file: null, code: 'ING-STORAGE-FULL', message: 'no space left', hint: null }],
    }
    expect(tableLines(report, { number: 1, total: 1 }, colors).slice(1)).toEqual([
      '    error: no space left [ING-STORAGE-FULL]',
      '      hint: Free room; it is tried again.',
    ])
  })

  test('rules that were broken are told with how often', () => {
    const rule = { on_violation: 'drop', checked: 1234, files: 2 } as const
    const expectations = [
      { ...rule, name: 'positive', violated: 1000 },
      { ...rule, name: 'kept', violated: 0 },
    ]
    const line = '    expectation positive (drop): 1,000 of 1,234 in 2 files'
    expect(tableLines({ ...FINE, expectations }, { number: 1, total: 1 }, colors).slice(1)).toEqual([line])
    expect(dryRunLines({ ...FINE, expectations, plan: PLAN }, { number: 1, total: 1 }, colors).at(-1)).toBe(line)
  })

  test('a file that the message begins with is not named twice', () => {
    const report: TableReport = { ...FINE, status: 'error', errors: [{ ...BROKEN, message: '/in/orders 3.csv line 7: no number' }] }
    expect(tableLines(report, { number: 1, total: 1 }, colors)[1]).toBe('    error: /in/orders 3.csv line 7: no number [ING-FILE-VALUE]')
  })

  test('of many failed files ten are told, and all of them with verbose', () => {
    const errors = Array.from({ length: 12 }, (_, index) => ({ ...BROKEN, file: `/in/${index}.csv` }))
    const report: TableReport = { ...FINE, status: 'error', files: { ...FINE.files, failed: 12 }, errors }
    const lines = tableLines(report, { number: 1, total: 1 }, colors)
    expect(lines.filter((line) => line.includes('error:'))).toHaveLength(10)
    expect(lines.at(-1)).toBe('    and 2 more: ingest files --status failed --tables analytics.customers')
    expect(tableLines(report, { number: 1, total: 1 }, colors, true).filter((line) => line.includes('error:'))).toHaveLength(12)
  })

  test('a skipped table gives its reason', () => {
    const report: TableReport = { ...FINE, status: 'skip', reason: 'another process is loading this table' }
    expect(tableLines(report, { number: 1, total: 1 }, colors)).toEqual([
      '[1 of 1] SKIP analytics.customers: another process is loading this table',
    ])
  })

  test('a warning stands below its table', () => {
    const report: TableReport = {
      ...FINE,
      status: 'warn',
      warnings: [{ code: 'ING-FILE-CHANGED', message: 'new content is ignored', file: '/in/a\n.csv' }],
    }
    expect(tableLines(report, { number: 1, total: 1 }, colors)).toEqual([
      '[1 of 1] WARN analytics.customers in 2.3s (1,234 rows, 3 files)',
      '    warning: /in/a\\n.csv: new content is ignored [ING-FILE-CHANGED]',
    ])
  })
})

describe('the end of a run', () => {
  const totals = { pass: 2, warn: 0, error: 0, skip: 0, total: 2, files: 4, rows: 2468, bytes: 2_000_000, seconds: 2 }

  test('outcomes, rows, rows per second and bytes per second', () => {
    expect(doneLines({ tables: [], totals }, colors)).toEqual([
      'Done. PASS=2 WARN=0 ERROR=0 SKIP=0 TOTAL=2',
      '2,468 rows in 4 files (2.0 MB) in 2.0s: 1,234 rows/s, 1.0 MB/s',
    ])
  })

  test('a run of no time claims no speed', () => {
    const nothing = { ...totals, files: 0, rows: 0, bytes: 0, seconds: 0 }
    expect(doneLines({ tables: [], totals: nothing }, colors)[1]).toBe('0 rows in 0 files (0 B) in 0.0s')
  })
})

describe('a dry run', () => {
  const plan = {
    source: '/in/*.csv',
    target: '/t/analytics/customers',
    files: 2,
    bytes: 1500,
    schema_change: [{ column: 'points', type: 'BIGINT' }],
    rows: null,
    difference: null,
  }
  const report: TableReport = { ...FINE, version: null, plan }

  test('says source, target, strategy, files and the change of the schema', () => {
    expect(dryRunLines(report, { number: 1, total: 1 }, colors)).toEqual([
      '[1 of 1] analytics.customers',
      '    source    /in/*.csv',
      '    target    /t/analytics/customers',
      '    strategy  append',
      '    files     2 to load (1.5 kB)',
      '    schema    adds points BIGINT',
    ])
  })

  test('tells the rows that were counted', () => {
    const counted = { ...report, plan: { ...plan, schema_change: [], rows: { ...NO_ROWS, inserted: 1000, rejected: 2 } } }
    expect(dryRunLines(counted, { number: 1, total: 1 }, colors).slice(-2)).toEqual([
      '    schema    no change',
      '    rows      1,000 inserted, 0 updated, 0 deleted, 0 unchanged, 2 rejected',
    ])
  })

  test('sums up what would load', () => {
    expect(
      dryRunDoneLine({
        tables: [report, { ...report, plan: { ...plan, files: 0, bytes: 0 } }],
        totals: { pass: 2, warn: 0, error: 0, skip: 0, total: 2, files: 0, rows: 0, bytes: 0, seconds: 0 },
      }),
    ).toBe('Dry run, nothing was changed: 2 files (1.5 kB) would load into 1 table.')
  })
})
