import { expect, onTestFinished, test, vi } from 'vitest'
import { ClockWatch } from '../../../src/app/daemon/clock-watch.ts'
import { systemClock } from '../../../src/lib/clock.ts'

test('a clock that is set is told of once, by how much; one that goes on by itself is not', () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const set = (ms: number) => vi.setSystemTime(Date.now() + ms)
  const watch = new ClockWatch(systemClock)
  vi.advanceTimersByTime(7_200_000)
  expect(watch.jumpMs()).toBe(0)
  set(3_600_000)
  vi.advanceTimersByTime(2000)
  expect(watch.jumpMs()).toBe(3_600_000)
  expect(watch.jumpMs()).toBe(0)
  set(-60_000)
  expect(watch.jumpMs()).toBe(-60_000)
  // Clocks are kept right by as much.
  set(2000)
  expect(watch.jumpMs()).toBe(0)
})
