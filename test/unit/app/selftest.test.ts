import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { trialsOfStorage } from '../../../src/app/selftest-storage.ts'
import type { Blobs } from '../../../src/blobs/blobs.ts'
import { FolderObjects } from '../../support/folder-objects.ts'
import { mirroredFolder } from '../../support/mirrored-folder.ts'

let folder: string
let objects: FolderObjects
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ingestd-selftest-'))
  objects = new FolderObjects(join(folder, 'bucket'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const good = async (): Promise<Blobs> => mirroredFolder('/t', folder, objects)

/** The names of what does not hold. */
async function broken(open: () => Promise<Blobs>): Promise<readonly string[]> {
  const found = await trialsOfStorage(open, 'trials', async () => undefined)
  expect(found).toHaveLength(4)
  return found.filter(({ holds }) => !holds).map(({ name }) => name)
}

/** The storage with some methods of another kind. */
async function with_(methods: (real: Blobs) => Partial<Blobs>): Promise<Blobs> {
  const real = await good()
  const changed = methods(real)
  return new Proxy(real, {
    get: (target, name) => {
      const value = Reflect.get(name in changed ? changed : target, name)
      return typeof value === 'function' ? value.bind(name in changed ? changed : target) : value
    },
  })
}

test('a store that keeps its promises passes', async () => {
  expect(await broken(good)).toEqual([])
})

test('a store that takes a second write under one name is found', async () => {
  objects.conditions = false
  expect(await broken(good)).toEqual(['conditional-put'])
})

test('a store that shows what was written a little later is found', async () => {
  const seen = new Map<string, Uint8Array | undefined>()
  const stale = () =>
    with_((real) => ({
      read: async (path) => {
        const now = await real.read(path)
        const before = seen.get(path)
        seen.set(path, now)
        return path.startsWith('trials/read') ? before : now
      },
      list: async (prefix, after) => (await real.list(prefix, after)).slice(0, -1),
    }))
  expect(await broken(stale)).toEqual(['read-after-write', 'listing'])
})

test('a store that gives back something else is found', async () => {
  const cut = () => with_((real) => ({ read: async (path) => (await real.read(path))?.subarray(0, 1024 * 1024) }))
  expect(await broken(cut)).toEqual(['large-file'])
})
