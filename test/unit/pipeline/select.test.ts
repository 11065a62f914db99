import { expect, test } from 'vitest'
import type { FileSeen } from '../../../src/model/file.ts'
import { selectSnapshots } from '../../../src/pipeline/select.ts'
import { tableConfig } from '../../support/table.ts'

const overwrite = tableConfig({ strategy: 'overwrite' })

function seen(path: string, modifiedNs: bigint): FileSeen {
  return { path, rawPath: null, size: 1n, modifiedNs, version: `1-${modifiedNs}` }
}

test('the newest snapshot is loaded and older ones are skipped with the reason', () => {
  const selection = selectSnapshots([seen('/l/b', 2n), seen('/l/a', 1n), seen('/l/c', 3n)], undefined, overwrite)
  expect(selection.paths).toEqual(['/l/c'])
  expect(selection.skip).toEqual([
    { paths: ['/l/a'], reason: 'an older snapshot than /l/c' },
    { paths: ['/l/b'], reason: 'an older snapshot than /l/c' },
  ])
})

test('of snapshots with one modified time the greater path is the newest', () => {
  expect(selectSnapshots([seen('/l/b', 5n), seen('/l/a', 5n)], undefined, overwrite).paths).toEqual(['/l/b'])
})

test('a snapshot that is older than the loaded one is skipped', () => {
  const selection = selectSnapshots([seen('/l/a', 1n)], { unit: '/l/z', path: '/l/z', modifiedNs: 9n }, overwrite)
  expect(selection.paths).toEqual([])
  expect(selection.skip).toEqual([{ paths: ['/l/a'], reason: 'an older snapshot than /l/z' }])
})

test('a folder is one snapshot with all its files', () => {
  const table = tableConfig({ strategy: 'overwrite', snapshotUnit: 'folder' })
  const selection = selectSnapshots([seen('/l/1/a', 1n), seen('/l/2/a', 2n), seen('/l/2/b', 3n), seen('/l/1/b', 2n)], undefined, table)
  expect(selection.paths).toEqual(['/l/2/a', '/l/2/b'])
  expect(selection.skip).toEqual([{ paths: ['/l/1/a', '/l/1/b'], reason: 'an older snapshot than /l/2/b' }])
  expect(selection.folders).toEqual(['/l/2'])
})

test('a later file in the loaded folder makes it the newest again', () => {
  const table = tableConfig({ strategy: 'overwrite', snapshotUnit: 'folder' })
  const selection = selectSnapshots([seen('/l/2/c', 1n)], { unit: '/l/2', path: '/l/2/b', modifiedNs: 3n }, table)
  expect(selection.paths).toEqual(['/l/2/c'])
  expect(selection.folders).toEqual(['/l/2'])
})

test('with unit batch all pending files are one snapshot', () => {
  const table = tableConfig({ strategy: 'overwrite', snapshotUnit: 'batch' })
  const selection = selectSnapshots([seen('/l/b', 2n), seen('/l/a', 1n)], undefined, table)
  expect(selection.paths).toEqual(['/l/b', '/l/a'])
  expect(selection.skip).toEqual([])
})

test('with overwrite_scope partition every snapshot is looked at', () => {
  const table = tableConfig({ strategy: 'overwrite', overwriteScope: 'partition', partitionColumns: ['p'] })
  expect(selectSnapshots([seen('/l/b', 2n), seen('/l/a', 1n)], { unit: '/l/z', path: '/l/z', modifiedNs: 9n }, table).paths).toEqual([
    '/l/b',
    '/l/a',
  ])
})
