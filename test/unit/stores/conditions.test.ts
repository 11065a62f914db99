import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import { FolderObjects } from '../../support/folder-objects.ts'
import { mirroredFolder } from '../../support/mirrored-folder.ts'
import { Bench, load } from './support.ts'

test('a store that takes a second write under one name gets no table, and nothing of it is left there', async () => {
  await using bench = await Bench.make()
  const objects = new FolderObjects(bench.root)
  objects.conditions = false
  await using table = await bench.open({}, (root) => mirroredFolder(root, bench.folder, objects))
  await expect(load(table, { batch: 1n, add: sql`select 1, 'a'` })).rejects.toMatchObject({ code: 'ING-STORAGE-CONDITION' })
  expect(objects.asked.filter(([method]) => method === 'upload')).toEqual([])
  expect(existsSync(`${bench.root}/_delta_log`)).toBe(false)
})

test('whether it does is asked once, for the first batch', async () => {
  await using bench = await Bench.make()
  const objects = new FolderObjects(bench.root)
  let asked = 0
  objects.keepsConditions = async () => {
    asked += 1
    return true
  }
  await using table = await bench.open({}, (root) => mirroredFolder(root, bench.folder, objects))
  for (let batch = 1n; batch <= 3n; batch += 1n) await load(table, { batch, add: sql`select 1, 'a'` })
  expect(asked).toBe(1)
})
