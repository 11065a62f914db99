import { cleanup, render } from 'ink-testing-library'
import { afterEach, describe, expect, test } from 'vitest'
import type { RunEvent, TableReport } from '../../../src/model/report.ts'
import { brokenRows, progressFrame } from '../../../src/tui/progress-frame.ts'
import { newProgress, type RunProgress as Progress, progressAfter } from '../../../src/tui/progress-state.ts'
import { RunProgress } from '../../../src/tui/run-progress.tsx'

afterEach(cleanup)

const SECOND = 1000

describe('the progress of a run', () => {
  test('a table that is being listed tells what it has seen', () => {
    expect(frameOf([started('shop.orders', 0, 1), { kind: 'listed', table: 'shop.orders', files: 1200 }], 100)).toBe(
      ['shop.orders  ░░░░░░░░░░        1,200 seen  0 rows  listing', '0 of 1 tables  0 files  0 rows  10s'].join('\n'),
    )
  })

  test('a table that loads shows its bar, files, rows, bytes, their rate and the time that is left', () => {
    const events: RunEvent[] = [
      started('shop.orders', 0, 2),
      { kind: 'pending', table: 'shop.orders', files: 400 },
      batchStarted('shop.orders', 100),
      { kind: 'batchEnded', table: 'shop.orders', batch: 1, batchId: 'b-1', version: 0, files: 100, rows: 12_345 },
      batchStarted('shop.orders', 100),
      { kind: 'progress', table: 'shop.orders', stage: 'writing', fraction: 0.5 },
    ]
    expect(linesOf(events, 130)).toEqual([
      'shop.orders  ████████░░░░░░░░░░░░   37%  100/400 files  12,345 rows  15.0 kB  1.5 kB/s  ETA 17s  writing',
      '0 of 2 tables  100 files  12,345 rows  15.0 kB  10s',
    ])
    expect(frameOf(events, 80).split('\n')[0]).toBe('shop.orders  ████░░░░░░   37%  100/400 files  15.0 kB  ETA 17s  writing')
  })

  test('a stage that cannot tell its fraction leaves the bar where it is', () => {
    const events: RunEvent[] = [
      started('a.b', 0, 1),
      batchStarted('a.b', 10),
      { kind: 'progress', table: 'a.b', stage: 'reading', fraction: 0.5 },
      { kind: 'progress', table: 'a.b', stage: 'committing', fraction: -1 },
    ]
    expect(frameOf(events, 70)).toContain('a.b  ██████████░░░░░░░░░░   50%  0/10 files  committing')
  })

  test('a narrow terminal keeps the name, the percentage and the files', () => {
    const events: RunEvent[] = [
      started('analytics.customers', 0, 1),
      batchStarted('analytics.customers', 8),
      { kind: 'progress', table: 'analytics.customers', stage: 'reading', fraction: 0.25 },
    ]
    expect(frameOf(events, 46).split('\n')[0]).toBe('analytics.cust…   25%  0/8 files')
  })

  test('no line is wider than the terminal', () => {
    const events = [
      started('a_very_long_database_name.and_a_long_table_name', 0, 1),
      batchStarted('a_very_long_database_name.and_a_long_table_name', 100_000),
    ]
    for (const columns of [12, 20, 39, 40, 63, 64, 78, 92, 118, 200]) {
      for (const line of frameOf(events, columns).split('\n')) expect(line.length).toBeLessThan(columns)
    }
  })

  test('more tables than the terminal has rows are counted and not drawn', () => {
    const events = Array.from({ length: 9 }, (_, index) => started(`db.table_${index}`, index, 9))
    const lines = frameOf(events, 80, 6).split('\n')
    expect(lines).toHaveLength(5)
    expect(lines.slice(3)).toEqual(['and 6 more', '0 of 9 tables  0 files  0 rows  10s'])
  })

  test('lines stay above, and a table that ended leaves the drawing', () => {
    const events: RunEvent[] = [
      started('a.one', 0, 2),
      started('a.two', 1, 2),
      { kind: 'tableEnded', table: 'a.one', index: 0, total: 2, report: report('a.one') },
    ]
    const frame = frameOf(events, 70, 24, ['[1 of 2] FINISHED a.one in 0.1s (1 row, 1 file)'])
    expect(frame.split('\n')).toEqual([
      '[1 of 2] FINISHED a.one in 0.1s (1 row, 1 file)',
      'a.two  ░░░░░░░░░░░░░░░░░░░░        0 seen  listing',
      '1 of 2 tables  0 files  0 rows  10s',
    ])
  })

  test('at the end only the lines are left', () => {
    const { lastFrame } = render(<RunProgress frame={[]} lines={['done']} />)
    expect(lastFrame()).toBe('done\n')
  })

  test('the rows of a frame that a narrower terminal has broken are counted', () => {
    const frame = ['x'.repeat(100), 'y'.repeat(40), ''].map((text) => ({ key: text, text, dim: false }))
    expect([brokenRows(frame, 120), brokenRows(frame, 100), brokenRows(frame, 50), brokenRows(frame, 30)]).toEqual([0, 0, 1, 4])
  })

  test('a table that is optimized after its loads says so', () => {
    expect(frameOf([started('a.b', 0, 1), { kind: 'maintaining', table: 'a.b', work: 'optimize' }], 70)).toContain('optimize')
  })

  test('files that must settle are waited for in words', () => {
    expect(frameOf([started('a.b', 0, 1), { kind: 'waiting', table: 'a.b', files: 1, ms: 2000 }], 70)).toContain(
      'waiting for 1 file to settle',
    )
  })
})

/** The same without a terminal around it, whose width the library fixes. */
function linesOf(events: readonly RunEvent[], columns: number): readonly string[] {
  const progress = events.reduce<Progress>((before, event) => progressAfter(before, event, 0), newProgress(0))
  return progressFrame(progress, { columns, rows: 24, nowMs: 10 * SECOND }).map(({ text }) => text)
}

/** The frame ten seconds after the first event; each event comes at its start. */
function frameOf(events: readonly RunEvent[], columns: number, rows = 24, lines: readonly string[] = []): string {
  const progress = events.reduce<Progress>((before, event) => progressAfter(before, event, 0), newProgress(0))
  const { lastFrame, unmount } = render(
    <RunProgress frame={progressFrame(progress, { columns, rows, nowMs: 10 * SECOND })} lines={lines} />,
  )
  const frame = lastFrame() ?? ''
  unmount()
  return frame
}

function started(table: string, index: number, total: number): RunEvent {
  return { kind: 'tableStarted', table, index, total }
}

function batchStarted(table: string, files: number): RunEvent {
  return { kind: 'batchStarted', table, batchId: 'b-1', files, bytes: files * 100 }
}

function report(table: string): TableReport {
  return {
    table,
    strategy: 'append',
    status: 'pass',
    version: 0,
    files: { loaded: 1, failed: 0, skipped: 0, pending: 0 },
    rows: { read: 1, loaded: 1, rejected: 0, filtered: 0, deduplicated: 0, inserted: 1, updated: 0, deleted: 0, unchanged: 0 },
    bytes: 10,
    seconds: 0.1,
    errors: [],
    warnings: [],
    reason: null,
    plan: null,
  }
}
