import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { StatusReport } from '../../../src/model/status-report.ts'
import type { DashboardSource } from '../../../src/tui/dashboard-source.ts'

const NO_TABLES: StatusReport = { at: '2026-01-01T00:00:00.000Z', tables: [], activity: [], daemons: [], recent: [], causes: [] }
const SAME = (text: string | number | null | undefined): string => String(text)
const PLAIN = { bold: SAME, dim: SAME, red: SAME, yellow: SAME, green: SAME, cyan: SAME, inverse: SAME }

afterEach(() => vi.resetModules())

describe('the first frame of the dashboard', () => {
  test('is there before Ink is loaded, and what is typed meanwhile is not shown by the terminal', async () => {
    let loaded: (module: unknown) => void = () => undefined
    const loading = new Promise((resolve) => {
      loaded = resolve
    })
    const runDashboard = await dashboardWith(() => loading)
    const terminal = fakeTerminal()
    const stop = new AbortController()
    const ended = runDashboard(
      sourceOf(async () => NO_TABLES),
      { ...terminal, paint: PLAIN, signal: stop.signal },
    )
    await vi.waitFor(() => expect(terminal.written()).toContain('0 tables'))
    expect(terminal.raw).toEqual([true])
    stop.abort()
    loaded({ inkDashboard: () => expect.unreachable() })
    await ended
    expect(terminal.raw).toEqual([true, false])
  })

  test('a tracker that does not answer keeps nobody from quitting', async () => {
    let left: () => void = () => undefined
    const ended = new Promise<void>((resolve) => {
      left = resolve
    })
    const runDashboard = await dashboardWith(async () => ({
      inkDashboard: ({ onKey }: { onKey: (key: { text: string }) => void }) => {
        queueMicrotask(() => onKey({ text: 'q' }))
        return { draw: () => undefined, end: () => left(), ended }
      },
    }))
    const terminal = fakeTerminal()
    const never = new Promise<StatusReport>(() => undefined)
    await runDashboard(
      sourceOf(() => never),
      { ...terminal, paint: PLAIN, signal: new AbortController().signal },
    )
    expect(terminal.raw).toEqual([true, false])
  })
})

async function dashboardWith(ink: () => Promise<unknown>) {
  vi.doMock('../../../src/tui/dashboard-ink.tsx', ink)
  const { runDashboard } = await import('../../../src/tui/dashboard.ts')
  return runDashboard
}

function sourceOf(status: () => Promise<StatusReport>): DashboardSource {
  return { status } as unknown as DashboardSource
}

function fakeTerminal() {
  const chunks: string[] = []
  const raw: boolean[] = []
  const stdout = Object.assign(new EventEmitter(), { columns: 80, rows: 24, write: (text: string) => chunks.push(text) > 0 })
  const stdin = Object.assign(new EventEmitter(), { setRawMode: (on: boolean) => raw.push(on) })
  return {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    raw,
    written: () => chunks.join(''),
  }
}
