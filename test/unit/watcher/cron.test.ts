import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cronTimer } from '../../../src/watcher/cron.ts'

/** A minute before the schedule's time, in the time zone of the machine. */
const BEFORE = new Date(2026, 5, 10, 9, 59).getTime()
const MINUTE = 60_000

beforeEach(() => {
  vi.useFakeTimers({ now: BEFORE })
})

afterEach(() => {
  vi.useRealTimers()
})

function daily() {
  const called: string[] = []
  const timer = cronTimer('0 10 * * *', () => called.push(new Date().toTimeString().slice(0, 5)))
  return { timer, called }
}

test('a time that came while the machine was busy is late, and not left out', async () => {
  const { timer, called } = daily()
  vi.setSystemTime(BEFORE + 30 * MINUTE)
  await vi.advanceTimersByTimeAsync(2 * MINUTE)
  expect(called).toEqual(['10:30'])
  timer[Symbol.dispose]()
})

test('times that a clock passed over are made up for by one call, and the next one comes at its time', async () => {
  const { timer, called } = daily()
  vi.setSystemTime(BEFORE + 90 * MINUTE)
  timer.replan()
  timer.replan()
  expect(called).toEqual(['11:29'])
  await vi.advanceTimersByTimeAsync(24 * 60 * MINUTE)
  expect(called).toEqual(['11:29', '10:00'])
  timer[Symbol.dispose]()
})

test('a clock that is set back plans the time again', async () => {
  const { timer, called } = daily()
  vi.setSystemTime(BEFORE - 60 * MINUTE)
  timer.replan()
  await vi.advanceTimersByTimeAsync(30 * MINUTE)
  expect(called).toEqual([])
  await vi.advanceTimersByTimeAsync(60 * MINUTE)
  expect(called).toEqual(['10:00'])
  timer[Symbol.dispose]()
})
