import { cleanup, render } from 'ink-testing-library'
import { afterEach, describe, expect, test } from 'vitest'
import { widthOf } from '../../../src/cli/text/width.ts'
import type { Activity } from '../../../src/model/activity.ts'
import type { ErrorCause } from '../../../src/model/error-cause.ts'
import type { StatusFile, StatusReport, TableDetail, TableState } from '../../../src/model/status-report.ts'
import { dashboardFrame } from '../../../src/tui/dashboard-frame.ts'
import { Dashboard } from '../../../src/tui/dashboard-ink.tsx'
import type { Paint } from '../../../src/tui/dashboard-parts.ts'
import { act, type DashboardSource } from '../../../src/tui/dashboard-source.ts'
import { type Action, afterKey, type DashboardState, type Key, NEW_DASHBOARD, withData } from '../../../src/tui/dashboard-state.ts'

afterEach(cleanup)

const NOW = Date.parse('2026-01-01T12:00:00.000Z')
const AT = '2026-01-01T11:57:00.000Z'

describe('the frames of the dashboard', () => {
  test('tables with counts, lag, the last hour and what is next', () => {
    expect(frameOf(loaded(), 120)).toMatchInlineSnapshot(`
      "ingestd  tables  (daemon running, pid 7 on h)                                                              12:00:00 UTC

        TABLE           PENDING  FAILED  LOADED  LAG  LAST HOUR     ROWS  STATE      NEXT   LAST LOADED  SKIPPED    SIZE
      › shop.orders  5 (2 held)       7  12,345   1m           ▁ █    70  loading 3  in 5s  3m ago             1  2.0 kB
        shop.items            0       0       1                       70  paused            3m ago             0  2.0 kB

      shop.orders  ███████████████░░░░░░░░░░░░░░░   50%  5/10 files  2.0 kB  70 rows  ETA 3m  loading
      shop.items   ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░        1,200 seen  2.0 kB  70 rows  listing

        STATUS     FILE         ROWS    WHEN  TABLE          SIZE  WHY
        completed  /in/new.csv    70  3m ago  shop.orders  2.0 kB
        failed     /in/bad.csv        3m ago  shop.orders  2.0 kB  ING-FILE-VALUE

      2 tables  12,346 files loaded  140 rows  4.0 kB  1 cause of errors








      ↑↓ move  enter open  esc back  / search  e errors  f files  ? help  q quit"
    `)
  })

  test('no line is wider than the terminal and no frame is higher, in every view and size', () => {
    for (const state of everyView()) {
      for (const columns of [60, 80, 120, 200]) {
        for (const rows of [10, 24, 50]) {
          const lines = dashboardFrame(state, { columns, rows, nowMs: NOW, paint: PLAIN })
          expect(lines.length).toBeLessThan(rows)
          for (const line of lines) expect(widthOf(line), line).toBeLessThan(columns)
        }
      }
    }
  })

  test('a narrow terminal keeps what a table waits for and what failed', () => {
    const lines = frameOf(loaded(), 60, 14).split('\n')
    expect(lines[2]).toBe('  TABLE           PENDING  FAILED  LOADED  LAG')
    expect(lines.slice(3, 5)).toEqual([expect.stringContaining('› shop.orders'), expect.stringContaining('  shop.items')])
  })

  test('what runs has a bar, and what cannot tell how far it is has an empty one', () => {
    const frame = frameOf(loaded(), 120)
    expect(frame).toContain('shop.orders  ███████████████░░░░░░░░░░░░░░░   50%  5/10 files  2.0 kB  70 rows  ETA 3m  loading')
    expect(frame).toContain('shop.items   ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░        1,200 seen')
  })

  test('the selected table is on the screen, however many there are', () => {
    const tables = Array.from({ length: 50 }, (_, index) => tableState({ table: `db.table_${index}` }))
    const state = keys(
      withData(NEW_DASHBOARD, { status: status({ tables, recent: [] }) }),
      'pageDown',
      'pageDown',
      'pageDown',
      'down',
    ).state
    expect(frameOf(state, 80, 16)).toContain('› db.table_31')
  })

  test('a cause shows what its code means, its newest file and what to do', () => {
    const frame = frameOf(keys(loaded(), 'e', 'enter').state, 80, 30)
    expect(frame).toContain('ING-FILE-VALUE')
    expect(frame).toContain("/in/bad.csv line 3: 'x' is no BIGINT")
    expect(frame).toContain('WHAT TO DO\nMend the value.')
    expect(frameOf(keys(loaded(), 'e').state, 80)).toContain('› 7      ING-FILE-VALUE  3m ago  shop.orders')
  })

  test('a table shows its batches, causes and files', () => {
    const frame = frameOf(withData(keys(loaded(), 'enter').state, { detail: detail() }), 100, 40)
    for (const text of ['append  /tables/orders', '70 rows', 'committed', 'ING-FILE-VALUE', '› completed  /in/new.csv'])
      expect(frame).toContain(text)
  })

  test('a narrow terminal tells tables of one database apart, and still says how to leave', () => {
    const tables = ['orders', 'customers'].map((name) => tableState({ table: `a_database_with_a_long_name.${name}` }))
    const lines = frameOf(withData(NEW_DASHBOARD, { status: status({ tables }) }), 60).split('\n')
    expect(lines[3]).toMatch(/^› ….*\.orders {2}/)
    expect(lines[4]).toMatch(/^ {2}….*\.customers {2}/)
    expect(lines.at(-1)).toContain('q quit')
  })

  test('the totals stay below files that fill the screen', () => {
    const recent = Array.from({ length: 20 }, (_, index) => statusFile({ file: `/in/${index}.csv` }))
    expect(frameOf(withData(NEW_DASHBOARD, { status: status({ recent }) }), 100, 18)).toContain('2 tables  12,346 files loaded')
  })

  test('a low terminal has all keys in its help', () => {
    const help = frameOf(keys(loaded(), '?').state, 60, 12)
    for (const text of ['move; page', 'retry the', 'optimize the', 'q         quit']) expect(help).toContain(text)
    expect(frameOf(keys(loaded(), '?').state, 80, 24)).toContain('each change is asked for')
  })

  test('of a file the whole reason is told, and the expectations that it broke', () => {
    const reason = `${'日本語'.repeat(20)} line 7, column amount: 'twelve' is not a number`
    const report = {
      file: '/in/bad.csv',
      table: 'shop.orders',
      status: 'failed',
      verdict: 'not_loaded',
      steps: [],
      history: [{ at: AT, from: 'processing', to: 'failed', version: 'v', batch_id: 'b', reason }],
      expectations: [{ at: AT, batch_id: 'b', name: 'positive', on_violation: 'warn', violated: 3 }],
    } as const
    const frame = frameOf(withData(keys(loaded(), 'f', 'down', 'enter').state, { explained: [report] }), 60)
    const text = frame.replaceAll(/\s/g, '')
    expect(text).toContain(reason.replaceAll(/\s/g, ''))
    expect(text).toContain('brokepositive(warn):3')
  })

  test('names that move the cursor are shown and not obeyed', () => {
    const evil = statusFile({ file: '/in/\u001b[2Jevil\n.csv' })
    const frame = frameOf(withData(NEW_DASHBOARD, { status: status({ recent: [evil] }) }), 120)
    expect(frame).toContain('/in/\\x1b[2Jevil\\n.csv')
    expect(frame).not.toContain('\u001b')
  })

  test('without tables, files and errors it says so', () => {
    const empty = withData(NEW_DASHBOARD, { status: status({ tables: [], recent: [], causes: [], activity: [] }) })
    expect(frameOf(empty, 80)).toContain('no table is configured')
    expect(frameOf(keys(empty, 'f').state, 80)).toContain('no file was settled yet')
    expect(frameOf(keys(empty, 'e').state, 80)).toContain('no file is failed')
    expect(frameOf(NEW_DASHBOARD, 80)).toContain('reading the tracker')
  })
})

describe('the keys of the dashboard', () => {
  test.each([
    ['r', 'retry', 'retry all failed files of shop.orders?'],
    ['s', 'skip', 'skip all pending and failed files of shop.orders?'],
    ['a', 'approve', 'approve all held files of shop.orders?'],
    ['p', 'pause', 'pause shop.orders?'],
    ['u', 'resume', 'resume shop.orders?'],
    ['o', 'optimize', 'optimize shop.orders?'],
  ])('%s asks before it does anything', (letter, kind, question) => {
    const asked = keys(loaded(), letter)
    expect(asked.act).toBeUndefined()
    expect(frameOf(asked.state, 100)).toContain(`${question} [y/N]`.replace('y/N', 'y/n'))
    expect(keys(asked.state, 'n')).toMatchObject({ state: { asking: null, message: 'nothing was changed' } })
    expect(keys(asked.state, 'n').act).toBeUndefined()
    expect(keys(asked.state, 'x').state.asking).not.toBeNull()
    expect(keys(asked.state, 'y').act).toEqual({ kind, tables: ['shop.orders'], path: null })
  })

  test('of a list of files it is the file that is retried, and the table that is paused', () => {
    const files = keys(loaded(), 'f', 'down').state
    expect(keys(files, 'r', 'y').act).toEqual({ kind: 'retry', tables: ['shop.orders'], path: '/in/bad.csv' })
    expect(keys(files, 'p', 'y').act).toEqual({ kind: 'pause', tables: ['shop.orders'], path: null })
  })

  test('a search is typed, can be mended, and lists what it finds', () => {
    const typing = keys(loaded(), '/', 'o', 'r', 'q', 'backspace').state
    expect(frameOf(typing, 80)).toContain('search: or▏')
    const found = withData(keys(typing, 'enter').state, { found: [statusFile({ file: '/in/or.csv' })] })
    expect(frameOf(found, 80)).toContain('› completed  /in/or.csv')
    expect(keys(found, 'enter').state.views.at(-1)).toEqual({ kind: 'file', subject: '/in/or.csv', selected: 0 })
    expect(keys(typing, 'escape').state.views).toHaveLength(1)
  })

  test('escape goes back view by view, t to the tables, and q leaves', () => {
    const deep = keys(loaded(), 'e', 'enter', 'enter').state
    expect(deep.views.map(({ kind }) => kind)).toEqual(['tables', 'errors', 'error', 'file'])
    expect(keys(deep, 'escape', 'escape').state.views.map(({ kind }) => kind)).toEqual(['tables', 'errors'])
    expect(keys(deep, 't').state.views).toHaveLength(1)
    expect(keys(loaded(), 'escape').state.views).toHaveLength(1)
    expect(keys(deep, 'q').state.quit).toBe(true)
  })

  test('help lies over everything until the next key', () => {
    const help = keys(loaded(), '?').state
    expect(frameOf(help, 80)).toContain('search files by a part of their path')
    expect(keys(help, 'r').state).toMatchObject({ help: false, asking: null })
  })

  test('a selection stays among the rows that are there', () => {
    const moved = keys(loaded(), 'down', 'down', 'down').state
    expect(moved.views[0].selected).toBe(1)
    expect(withData(moved, { status: status({ tables: [tableState({})] }) }).views[0].selected).toBe(0)
    expect(keys(moved, 'up', 'up', 'up').state.views[0].selected).toBe(0)
  })

  test('keys come from the terminal, several at once as well', async () => {
    const pressed: Key[] = []
    const { stdin } = render(<Dashboard lines={['a', '']} onKey={(key) => pressed.push(key)} />)
    await new Promise((resolve) => setTimeout(resolve, 20))
    for (const bytes of ['\u001b[A', '\u001b[B', '\r', 'ab\r', '\u007f']) stdin.write(bytes)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(pressed).toEqual(['up', 'down', 'enter', { text: 'a' }, { text: 'b' }, 'enter', 'backspace'])
  })
})

describe('what an action does', () => {
  test.each([
    [
      { kind: 'retry', tables: ['a.b'], path: null },
      'retry {"tables":["a.b"],"status":"failed"}',
      '3 files will be loaded by the next run',
    ],
    [{ kind: 'retry', tables: ['a.b'], path: '/x' }, 'retry {"tables":["a.b"],"paths":["/x"]}', '3 files will be loaded by the next run'],
    [{ kind: 'skip', tables: ['a.b'], path: null }, 'skip {"tables":["a.b"]}', 'skipped 3 files'],
    [{ kind: 'approve', tables: ['a.b'], path: '/x' }, 'approve {"tables":["a.b"],"paths":["/x"]}', 'approved 3 files'],
    [{ kind: 'pause', tables: ['a.b'], path: null }, 'pause {"tables":["a.b"]}', 'paused a.b'],
    [{ kind: 'resume', tables: ['a.b'], path: null }, 'resume {"tables":["a.b"]}', 'was not paused'],
  ] satisfies readonly (readonly [Action, string, string])[])('%j', async (action, call, message) => {
    const calls: string[] = []
    const counted = (name: string) => (given: unknown) => {
      calls.push(`${name} ${JSON.stringify(given)}`)
      return Promise.resolve(3)
    }
    const named = (name: string, answer: readonly string[]) => (given: unknown) => {
      calls.push(`${name} ${JSON.stringify(given)}`)
      return Promise.resolve(answer)
    }
    const source = { retry: counted('retry'), skip: counted('skip'), approve: counted('approve') }
    const tables = { pause: named('pause', ['a.b']), resume: named('resume', []) }
    expect(await act({ ...source, ...tables } as unknown as DashboardSource, action)).toBe(message)
    expect(calls).toEqual([call])
  })

  test('what goes wrong is told', async () => {
    const source = { optimize: () => Promise.reject(new Error('busy')) } as unknown as DashboardSource
    expect(await act(source, { kind: 'optimize', tables: ['a.b'], path: null })).toBe('busy')
  })
})

const same = (text: string | number | null | undefined) => String(text ?? '')
const PLAIN: Paint = { bold: same, dim: same, inverse: same, red: same, green: same, yellow: same, cyan: same }

function frameOf(state: DashboardState, columns: number, rows = 24): string {
  const lines = dashboardFrame(state, { columns, rows, nowMs: NOW, paint: PLAIN })
  return lines.map((line) => line.trimEnd()).join('\n')
}

function keys(state: DashboardState, ...pressed: readonly string[]) {
  const named = ['up', 'down', 'pageUp', 'pageDown', 'enter', 'escape', 'backspace']
  const key = (name: string) => (named.includes(name) ? name : { text: name }) as Key
  return pressed.reduce<ReturnType<typeof afterKey>>((step, name) => afterKey(step.state, key(name)), { state })
}

function everyView(): readonly DashboardState[] {
  const long = withData(loaded(), {
    status: status({ recent: Array.from({ length: 40 }, (_, index) => statusFile({ file: `/in/${'ü日本'.repeat(30)}${index}.csv` })) }),
  })
  const explained = { file: `/in/${'x'.repeat(300)}`, table: 'shop.orders', status: 'failed', verdict: 'not_loaded', history: [] } as const
  const steps = Array.from({ length: 30 }, () => ({ check: 'known', passed: true, detail: 'a detail '.repeat(40) }))
  return [
    loaded(),
    long,
    keys(long, 'f').state,
    keys(long, 'e').state,
    keys(long, 'e', 'enter').state,
    keys(long, '?').state,
    keys(long, 'r').state,
    keys(long, '/', ...'x'.repeat(250)).state,
    withData(keys(long, 'enter').state, { detail: detail() }),
    withData(keys(long, 'f', 'enter').state, { explained: [{ ...explained, steps }] }),
  ]
}

function loaded(): DashboardState {
  return withData(NEW_DASHBOARD, { status: status({}) })
}

function status(more: Partial<StatusReport>): StatusReport {
  const orders = tableState({
    files: { pending: 5, held: 2, processing: 3, completed: 12_345, failed: 7, skipped: 1 },
    last_error: "/in/bad.csv line 3: 'x' is no BIGINT",
    lag_seconds: 90,
    next_run_at: '2026-01-01T12:00:05.000Z',
    throughput: [
      { minute: '2026-01-01T11:58:00.000Z', files: 1, rows: 10, bytes: 100 },
      { minute: '2026-01-01T12:00:00.000Z', files: 1, rows: 80, bytes: 100 },
    ],
  })
  return {
    at: new Date(NOW).toISOString(),
    tables: [orders, tableState({ table: 'shop.items', paused: true })],
    activity: [work({}), work({ table_name: 'shop.items', stage: 'listing', files: 1200, fraction: null })],
    daemons: [{ owner: 'h:7:x', pid: 7, host: 'h', version: '1', started_at: AT, heartbeat_at: AT, http: null, state: 'running' }],
    recent: [statusFile({}), statusFile({ file: '/in/bad.csv', status: 'failed', rows: null, why: 'ING-FILE-VALUE' })],
    causes: [cause()],
    ...more,
  }
}

function tableState(more: Partial<TableState>): TableState {
  return {
    table: 'shop.orders',
    strategy: 'append',
    target: '/tables/orders',
    paused: false,
    files: { pending: 0, held: 0, processing: 0, completed: 1, failed: 0, skipped: 0 },
    rows: 70,
    rows_rejected: 0,
    bytes: 2000,
    last_loaded_at: AT,
    last_error: null,
    lag_seconds: null,
    next_attempt_at: null,
    clean_ups: { due: 0, failed: 0, last_error: null, next_attempt_at: null },
    last_listed_at: null,
    listing_error: null,
    next_run_at: null,
    throughput: [],
    ...more,
  }
}

function work(more: Partial<Activity>): Activity {
  return {
    owner: 'h:7:x',
    table_name: 'shop.orders',
    stage: 'loading',
    batch_id: 'b-1',
    files: 10,
    files_done: 5,
    bytes: 4000,
    bytes_done: 2000,
    rows: 70,
    fraction: 0.5,
    started_at: AT,
    updated_at: AT,
    ...more,
  }
}

function statusFile(more: Partial<StatusFile>): StatusFile {
  return { file: '/in/new.csv', table: 'shop.orders', status: 'completed', rows: 70, bytes: 2000, at: AT, why: null, ...more }
}

function cause(): ErrorCause {
  return {
    code: 'ING-FILE-VALUE',
    meaning: 'A value does not fit.',
    remedy: 'Mend the value.',
    message: 'FILE line N: … is no BIGINT',
    files: 7,
    tables: ['shop.orders'],
    last_at: AT,
    example: { file: '/in/bad.csv', table: 'shop.orders', message: "/in/bad.csv line 3: 'x' is no BIGINT" },
  }
}

function detail(): TableDetail {
  const batch = { batch: 3, status: 'committed', version: 2, files: 4, rows: 70, started_at: AT, ended_at: '2026-01-01T11:57:02.500Z' }
  return { state: tableState({}), activity: [work({})], batches: [batch], recent: [statusFile({})], causes: [cause()] }
}
