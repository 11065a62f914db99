import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Landing } from '../support/landing.ts'
import { ids, restore, threeVersions } from '../support/time-travel.ts'

/** The optimize of version 3 once more as version 4, as a writer commits that does not look at the other's. */
async function compactedTwice(): Promise<Landing> {
  const landing = await threeVersions()
  await landing.use((ingest) => ingest.optimize({}))
  const entry = (version: number) => join(landing.table, '_delta_log', `${String(version).padStart(20, '0')}.json`)
  const added = /"add":\{"path":"([^"]+)"/.exec(readFileSync(entry(3), 'utf8'))?.[1] ?? ''
  copyFileSync(join(landing.table, added), join(landing.table, 'again.parquet'))
  const again = readFileSync(entry(3), 'utf8')
    .replaceAll(added, 'again.parquet')
    .replace(/"engineInfo":"[^"]+"/, '"engineInfo":"other/1"')
  writeFileSync(entry(4), again)
  return landing
}

const logChecks = (landing: Landing) => landing.use(async (ingest) => (await ingest.check()).checks.filter(({ check }) => check === 'log'))

test('check names a compaction that another writer committed over ours, until it is taken back', async () => {
  const landing = await compactedTwice()
  expect(await ids(landing)).toEqual([1, 1, 2, 2, 3, 3])
  expect(await logChecks(landing)).toEqual([
    {
      check: 'log',
      subject: 'default.t',
      ok: false,
      detail: 'version 4 (OPTIMIZE by other/1) replaced 3 files that had been replaced before: their rows are there twice',
      hint: expect.stringContaining('ingest restore'),
    },
  ])
  const verified = await landing.use((ingest) => ingest.verify())
  expect(verified.tables[0]?.damages).toMatchObject({ removed_twice: 1 })
  await landing.use((ingest) => ingest.optimize({}))
  expect(await logChecks(landing), 'compacted once more, the rows are still there').toHaveLength(1)
  await restore(landing, 3, 'skipped')
  expect(await ids(landing)).toEqual([1, 2, 3])
  expect(await logChecks(landing)).toEqual([])
})

test('check says nothing of logs in which every file goes once', async () => {
  const landing = await threeVersions()
  await landing.use((ingest) => ingest.optimize({}))
  await restore(landing, 1, 'pending')
  await landing.run()
  await landing.use((ingest) => ingest.optimize({}))
  expect(await logChecks(landing)).toEqual([])
})

test('check says nothing any more once the doubled rows were replaced', async () => {
  const landing = await compactedTwice()
  await landing.run({ runType: 'full_drop' })
  expect(await ids(landing)).toEqual([1, 2, 3])
  expect(await logChecks(landing)).toEqual([])
})
