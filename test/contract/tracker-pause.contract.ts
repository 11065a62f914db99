import { expect, test } from 'vitest'
import { alive, describeTracker, type Harness, OWNER, TABLE } from './tracker.support.ts'

export function trackerPauseContract(name: string, make: () => Promise<Harness>): void {
  describeTracker(`${name}: pause`, make, (tracker, harness) => {
    test('a table is paused until it is resumed, for every process, loaded before or not', async () => {
      expect(await tracker().pause([TABLE, 'a.b'])).toEqual([TABLE, 'a.b'])
      expect(await tracker().pause([TABLE, 'c.d'])).toEqual(['c.d'])
      const other = await harness().open()
      expect(await other.paused()).toEqual(new Set([TABLE, 'a.b', 'c.d']))
      expect((await other.counts([TABLE]))[0]?.paused).toBe(true)
      expect(await other.resume([TABLE, 'x.y'])).toEqual([TABLE])
      expect(await tracker().paused()).toEqual(new Set(['a.b', 'c.d']))
    })

    test('locks come and go beside it', async () => {
      await tracker().lockTable(TABLE, OWNER, alive)
      await tracker().pause([TABLE])
      expect(await tracker().lockTable(TABLE, 'host:9:zzzz', alive)).toBe(false)
      await tracker().unlockTable(TABLE, OWNER)
      expect(await tracker().paused()).toEqual(new Set([TABLE]))
    })
  })
}
