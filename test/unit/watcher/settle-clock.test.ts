import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { type FileTimes, momentOf, readyInMs } from '../../../src/watcher/complete.ts'
import { FutureClock, settleClock } from '../../../src/watcher/settle-clock.ts'

const HOUR = 3_600_000
const SETTLE = 2000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

/** Sets the clock of the machine; the one that nobody sets goes on as it was. */
const set = (ms: number) => vi.setSystemTime(Date.now() + ms)

/** A file that is written now. */
function written(): FileTimes {
  const ns = BigInt(Date.now()) * 1_000_000n
  return { mtimeNs: ns, ctimeNs: ns }
}

test('a clock that is set forward makes no file old at once', () => {
  const clock = settleClock(systemClock, SETTLE)
  const waitMs = (file: FileTimes) => readyInMs(file, momentOf({ settleMs: SETTLE, modifiedAfterMs: null }, clock.now()))
  const before = written()
  vi.advanceTimersByTime(500)
  set(HOUR)
  const after = written()
  expect([waitMs(before), waitMs(after)]).toEqual([1500, 2000])
  vi.advanceTimersByTime(1600)
  expect(waitMs(before)).toBe(0)
  vi.advanceTimersByTime(400)
  expect([waitMs(before), waitMs(after), clock.now() - Date.now()]).toEqual([0, 0, 0])
})

test('a file of before the clock was set back waits as long as any other, not until the clock has come there again', () => {
  const rules = { settleMs: SETTLE, modifiedAfterMs: null, future: new FutureClock() }
  const waitMs = (file: FileTimes) => readyInMs(file, momentOf(rules, Date.now()))
  const first = written()
  vi.advanceTimersByTime(1000)
  const last = written()
  set(-HOUR)
  const after = written()
  // What is known of the other clock is the newest time that was seen of it.
  expect([waitMs(last), waitMs(first), waitMs(after)]).toEqual([2000, 1000, 2000])
  vi.advanceTimersByTime(1000)
  expect([waitMs(last), waitMs(first), waitMs(after)]).toEqual([1000, 0, 1000])
  vi.advanceTimersByTime(1000)
  expect([waitMs(last), waitMs(first), waitMs(after)]).toEqual([0, 0, 0])
})

test('a clock that is set back, or goes on by itself, is the time for files at once', () => {
  const clock = settleClock(systemClock, HOUR)
  vi.advanceTimersByTime(HOUR)
  expect(clock.now()).toBe(Date.now())
  set(-HOUR)
  expect(clock.now()).toBe(Date.now())
})
