import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Metrics } from '../../../src/http/metrics.ts'
import type { BatchFigures } from '../../../src/model/batch-figures.ts'
import type { RunEvent, TableReport } from '../../../src/model/report.ts'

const FIGURES: BatchFigures = {
  files: { completed: 3, failed: 1, skipped: 0, held: 2, released: 0 },
  rows: { read: 110, loaded: 100, rejected: 4, filtered: 5, deduplicated: 1 },
  bytes: 4096,
  givenUp: false,
  stages: { inspect: 20, write: 400, commit: 30, settle: 5 },
  lagsMs: [200, 1500, 90_000],
  expectations: [{ name: 'positive', on_violation: 'drop', checked: 105, violated: 5, files: 1 }],
}

describe('metrics', () => {
  test('a batch counts its files, rows, bytes, stages, lags and rules', async () => {
    const text = await textAfter([batchEnded(FIGURES, 7)])
    expect(text).toContain('ingestd_files_total{table="shop.orders",outcome="completed"} 3')
    expect(text).toContain('ingestd_files_total{table="shop.orders",outcome="failed"} 1')
    expect(text).toContain('ingestd_files_total{table="shop.orders",outcome="held"} 2')
    expect(text).not.toContain('outcome="released"')
    expect(text).toContain('ingestd_rows_total{table="shop.orders",outcome="loaded"} 100')
    expect(text).toContain('ingestd_rows_total{table="shop.orders",outcome="rejected"} 4')
    expect(text).toContain('ingestd_bytes_total{table="shop.orders"} 4096')
    expect(text).toContain('ingestd_batches_total{table="shop.orders",result="committed"} 1')
    expect(text).toContain('ingestd_stage_seconds_sum{table="shop.orders",stage="write"} 0.4')
    expect(text).toContain('ingestd_lag_seconds_bucket{le="0.25",table="shop.orders"} 1')
    expect(text).toContain('ingestd_lag_seconds_bucket{le="300",table="shop.orders"} 3')
    expect(text).toContain('ingestd_expectation_checked_total{table="shop.orders",rule="positive"} 105')
    expect(text).toContain('ingestd_expectation_violations_total{table="shop.orders",rule="positive",on_violation="drop"} 5')
    expect(text).toContain('ingestd_table_version{table="shop.orders"} 7')
  })

  test('a batch that another writer was faster than is a conflict, and counts no file', async () => {
    const text = await textAfter([batchEnded({ ...FIGURES, givenUp: true }, null)])
    expect(text).toContain('ingestd_conflicts_total{table="shop.orders"} 1')
    expect(text).toContain('result="conflict"} 1')
    expect(text).not.toContain('ingestd_files_total{')
  })

  test('passes, errors by code, automatic retries, batches that failed', async () => {
    const text = await textAfter([
      { kind: 'tableStarted', table: 'shop.orders', index: 0, total: 1 },
      { kind: 'retried', table: 'shop.orders', files: 4 },
      { kind: 'pending', table: 'shop.orders', files: 4 },
      { kind: 'batchFailed', table: 'shop.orders', batch: 1, batchId: 'b', code: 'ING-ENGINE-CRASH' },
      {
        kind: 'tableEnded',
        table: 'shop.orders',
        index: 0,
        total: 1,
        report: report(['ING-FILE-JSON', 'ING-FILE-JSON', 'ING-ENGINE-CRASH']),
      },
    ])
    expect(text).toContain('ingestd_retries_total{table="shop.orders"} 4')
    expect(text).toContain('ingestd_batches_total{table="shop.orders",result="failed"} 1')
    expect(text).toContain('ingestd_errors_total{table="shop.orders",code="ING-FILE-JSON"} 2')
    expect(text).toContain('ingestd_passes_total{table="shop.orders",status="error"} 1')
    expect(text).toContain('ingestd_stage_seconds_sum{table="shop.orders",stage="discover"} 0.002')
  })

  test('gauges are those of the last scrape: a table that is gone leaves none', async () => {
    const metrics = new Metrics('1.2.3')
    const files = { pending: 2, processing: 0, completed: 5, failed: 1, skipped: 0 }
    const gone = { table: 'shop.gone', files, oldestPendingMs: 40_000, lastLoadedMs: 90_000, lastListedMs: null, paused: true }
    metrics.collect({ tables: [gone], nowMs: 100_000, loadProcesses: [1000, 500] })
    const before = await metrics.text()
    expect(before).toContain('ingestd_files{table="shop.gone",status="pending"} 2')
    expect(before).toContain('ingestd_queue_age_seconds{table="shop.gone"} 60')
    expect(before).toContain('ingestd_last_load_timestamp_seconds{table="shop.gone"} 90')
    expect(before).toContain('ingestd_table_paused{table="shop.gone"} 1')
    expect(before).toContain('ingestd_load_processes 2')
    expect(before).toContain('ingestd_load_processes_resident_memory_bytes 1500')
    expect(before).toContain('ingestd_info{version="1.2.3"} 1')
    expect(before).toContain('process_resident_memory_bytes')
    metrics.collect({ tables: [{ ...gone, table: 'shop.kept', oldestPendingMs: null }], nowMs: 100_000, loadProcesses: undefined })
    const later = await metrics.text()
    expect(later).not.toContain('shop.gone')
    expect(later).toContain('ingestd_queue_age_seconds{table="shop.kept"} 0')
  })

  test('names that would break a line are escaped', async () => {
    const metrics = new Metrics('1')
    metrics.observe({ kind: 'retried', table: 'a"b\\c\nd', files: 1 }, 0)
    expect(await metrics.text()).toContain('ingestd_retries_total{table="a\\"b\\\\c\\nd"} 1')
  })

  test('docs/metrics.md has every metric of ingestd, with its type', async () => {
    const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
    const described = (await new Metrics('1').described()).filter(({ name }) => name.startsWith('ingestd_'))
    const rows = described.map(({ name, type }) => `| \`${name}\` | ${type} |`)
    expect(rows.filter((row) => !page.includes(row))).toEqual([])
    const names = [...page.matchAll(/^\| `(ingestd_\w+)`/gm)].map(([, name]) => name)
    expect(names.toSorted()).toEqual(described.map(({ name }) => name).toSorted())
  })
})

async function textAfter(events: readonly RunEvent[]): Promise<string> {
  const metrics = new Metrics('1.2.3')
  for (const [ms, event] of events.entries()) metrics.observe(event, ms)
  return metrics.text()
}

function batchEnded(figures: BatchFigures, version: number | null): RunEvent {
  return { kind: 'batchEnded', table: 'shop.orders', batch: 1, batchId: 'b', version, files: 6, rows: 100, figures }
}

function report(codes: readonly string[]): TableReport {
  return {
    table: 'shop.orders',
    strategy: 'append',
    status: 'error',
    version: null,
    files: { loaded: 0, failed: 2, skipped: 0, pending: 0 },
    rows: { read: 0, loaded: 0, rejected: 0, filtered: 0, deduplicated: 0, inserted: 0, updated: 0, deleted: 0, unchanged: 0 },
    bytes: 0,
    seconds: 1,
    errors: codes.map((code) => ({ file: null, code, message: 'm', hint: null })),
    warnings: [],
    reason: null,
    plan: null,
  }
}
