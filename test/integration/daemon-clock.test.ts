import { expect, onTestFinished, test, vi } from 'vitest'
import { daemon, eventually } from '../support/daemon.ts'
import { Landing } from '../support/landing.ts'

const HOUR = 3_600_000

/** Sets the clock of this process, in which the daemon is; it goes on from there. */
function machineClock() {
  const real = Date.now.bind(Date)
  let setMs = 0
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => real() + setMs)
  onTestFinished(() => spy.mockRestore())
  return {
    set: (ms: number) => {
      setMs += ms
    },
  }
}

test('a daemon loads on when the clock is set forward and back: files, retries and leases do not wait for it', async () => {
  const clock = machineClock()
  const watch = { settle_seconds: 0.5, poll_interval_seconds: 86_400 }
  const landing = new Landing({ watch }, { retry_backoff: { base_seconds: 5, factor: 1, max_seconds: 5 } })
  const running = await daemon(landing)
  const untilIn = (...wanted: readonly string[]) =>
    eventually(
      () => running.states(),
      (states) => wanted.every((one) => states.includes(one)),
      60_000,
    )
  landing.land('1.csv', 'a\n1\n')
  await untilIn('1.csv completed')
  clock.set(HOUR)
  landing.land('2.csv', 'a\n2\n')
  await untilIn('2.csv completed')
  // By the machine's clock the files of now lie in the future.
  clock.set(-2 * HOUR)
  landing.land('3.csv', 'a\n3\n')
  await untilIn('3.csv completed')
  await running.stop()
  expect((await landing.rows()).map(({ a }) => a)).toEqual(['1', '2', '3'])
})
