import { expect, test } from 'vitest'
import { stopTimes } from '../../../src/app/daemon/stop-times.ts'

test('what gives back is part of the time to stop, and leaves as much to settle as to end', () => {
  expect(stopTimes(60_000)).toEqual({ finishMs: 50_000, graceMs: 5000 })
  expect(stopTimes(8000)).toEqual({ finishMs: 4000, graceMs: 2000 })
  expect(stopTimes(0)).toEqual({ finishMs: 0, graceMs: 0 })
})
