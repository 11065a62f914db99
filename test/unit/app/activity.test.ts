import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ActivityNotes } from '../../../src/app/activity.ts'
import type { ActivityNote } from '../../../src/model/activity.ts'
import type { TableReport } from '../../../src/model/report.ts'
import type { Tracker } from '../../../src/tracker/tracker.ts'

const START = Date.parse('2026-01-01T00:00:00.000Z')

beforeEach(() => {
  vi.useFakeTimers({ now: START })
})
afterEach(() => {
  vi.useRealTimers()
})

test('what takes less than a second is not told', async () => {
  const { notes, told } = watched()
  notes.event(started('a.b'))
  await vi.advanceTimersByTimeAsync(900)
  await notes[Symbol.asyncDispose]()
  expect(told).toEqual([])
})

test('every second a pass is told with what it has done, and at the end that there is none', async () => {
  const { notes, told } = watched()
  notes.event(started('a.b'))
  notes.event({ kind: 'listed', table: 'a.b', files: 30 })
  await vi.advanceTimersByTimeAsync(1000)
  notes.event({ kind: 'pending', table: 'a.b', files: 20 })
  notes.event({ kind: 'batchStarted', table: 'a.b', batchId: 'b-1', files: 10, bytes: 1000 })
  notes.event({ kind: 'batchEnded', table: 'a.b', batch: 1, batchId: 'b-1', version: 0, files: 10, rows: 70 })
  notes.event({ kind: 'batchStarted', table: 'a.b', batchId: 'b-2', files: 10, bytes: 3000 })
  notes.event({ kind: 'progress', table: 'a.b', stage: 'loading', fraction: 0.5 })
  notes.event({ kind: 'progress', table: 'a.b', stage: 'loading', fraction: -1 })
  await vi.advanceTimersByTimeAsync(1000)
  notes.event({ kind: 'tableEnded', table: 'a.b', index: 0, total: 1, report: {} as TableReport })
  await vi.advanceTimersByTimeAsync(3000)
  await notes[Symbol.asyncDispose]()
  const common = { table_name: 'a.b', started_at: '2026-01-01T00:00:00.000Z' }
  expect(told).toEqual([
    [{ ...common, stage: 'listing', batch_id: null, files: 30, files_done: 0, bytes: 0, bytes_done: 0, rows: 0, fraction: null }],
    [
      {
        ...common,
        stage: 'loading',
        batch_id: 'b-2',
        files: 20,
        files_done: 10,
        bytes: 4000,
        bytes_done: 2500,
        rows: 70,
        fraction: 0.75,
      },
    ],
    [],
  ])
})

test('while a note waits for a lock no other is written, and the end does not wait for more than that one', async () => {
  let calls = 0
  const { notes } = watched(async () => {
    calls += 1
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    throw new Error('locked')
  })
  notes.event(started('a.b'))
  await vi.advanceTimersByTimeAsync(9000)
  expect(calls).toBe(1)
  let ended = false
  const end = notes[Symbol.asyncDispose]().then(() => {
    ended = true
  })
  await vi.advanceTimersByTimeAsync(2000)
  expect([calls, ended]).toEqual([1, true])
  await end
})

test('a tracker that cannot be written is nothing to the work', async () => {
  const { notes } = watched(() => Promise.reject(new Error('locked')))
  notes.event(started('a.b'))
  await vi.advanceTimersByTimeAsync(2000)
  await expect(notes[Symbol.asyncDispose]()).resolves.toBeUndefined()
})

function watched(answer: () => Promise<void> = () => Promise.resolve()) {
  const told: (readonly ActivityNote[])[] = []
  const noteActivity: Tracker['noteActivity'] = (_, rows) => {
    told.push(rows)
    return answer()
  }
  return { told, notes: new ActivityNotes({ noteActivity, now: () => Date.now() } as Tracker, 'h:1:x') }
}

function started(table: string) {
  return { kind: 'tableStarted', table, index: 0, total: 1 } as const
}

test('maintenance is told as such, until it is over', async () => {
  const { notes, told } = watched()
  notes.event({ kind: 'maintaining', table: 'a.b', work: 'optimize' })
  await vi.advanceTimersByTimeAsync(1000)
  notes.ended('a.b')
  await vi.advanceTimersByTimeAsync(1000)
  await notes[Symbol.asyncDispose]()
  expect(told.map((some) => some.map(({ stage }) => stage))).toEqual([['maintaining'], []])
})
