import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FetchedObjects, objectLanding } from '../../../src/blobs/landing-objects.ts'
import { archiveObjects, deleteObjects, freeObjectTarget } from '../../../src/blobs/object-source.ts'
import { UnavailableError } from '../../../src/errors/errors.ts'
import type { FileSeen } from '../../../src/model/file.ts'
import { MemoryObjects } from '../../support/memory-objects.ts'

const ROOT = 's3://bucket'

function seen(store: MemoryObjects, key: string, content = key): FileSeen {
  const { etag, size } = store.set(key, content)
  return { path: `${ROOT}/${key}`, rawPath: null, size, modifiedNs: 1n, version: etag }
}

function landingOf(store: MemoryObjects) {
  const spool = mkdtempSync(join(tmpdir(), 'ingestd-fetched-'))
  onTestFinished(() => rmSync(spool, { recursive: true, force: true }))
  const fetched = new FetchedObjects(join(spool, 'objects'))
  const made = () => objectLanding(join(spool, 'own'), { fetched }, { root: ROOT, open: async () => store })
  const copies = () => readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter((name) => /object-\d+$/.test(name))
  return { fetched, made, copies }
}

describe('objects that are fetched', () => {
  it('are read from copies, which go with the load', async () => {
    const store = new MemoryObjects()
    const files = ['a.csv', 'x//../b c.csv'].map((key) => seen(store, key))
    const { made, copies } = landingOf(store)
    const landing = made()
    const { files: opened, failed } = await landing.opened(files)
    expect(failed).toEqual([])
    expect(opened.map(({ readPath }) => readFileSync(readPath, 'utf8'))).toEqual(['a.csv', 'x//../b c.csv'])
    const [first] = opened
    if (first === undefined) throw new Error('nothing was opened')
    expect(Buffer.from(await landing.tail(first, 3)).toString()).toBe('csv')
    expect(landing.versionOf(first)).toBe(first.version)
    await landing.close()
    expect(copies()).toEqual([])
  })

  it('that changed or went away since they were listed are told apart', async () => {
    const store = new MemoryObjects()
    const [same, changed, gone] = ['same.csv', 'changed.csv', 'gone.csv'].map((key) => seen(store, key)) as [FileSeen, FileSeen, FileSeen]
    store.set('changed.csv', 'new content')
    store.delete('gone.csv')
    const landing = landingOf(store).made()
    const { files, failed } = await landing.opened([same, changed, gone])
    expect(files.map(({ path }) => path)).toEqual([same.path])
    expect(failed.map(({ file }) => file)).toEqual([changed.path, gone.path])
    expect(landing.versionOf(gone)).toBeUndefined()
    expect([undefined, changed.version]).not.toContain(landing.versionOf(changed))
  })

  it('that are out of reach fail alone; when all are, it is the store', async () => {
    const store = new MemoryObjects()
    const files = ['a.csv', 'locked.csv'].map((key) => seen(store, key))
    const download = store.download.bind(store)
    store.download = async (entry, path) => {
      if (entry.key === 'locked.csv') throw new UnavailableError('ING-STORAGE-DENIED', 'access is denied')
      return download(entry, path)
    }
    const { made } = landingOf(store)
    const { failed } = await made().opened(files)
    expect(failed.map(({ code, file }) => [code, file])).toEqual([['ING-FILE-UNREADABLE', `${ROOT}/locked.csv`]])
    await expect(made().opened(files.slice(1))).rejects.toThrow('access is denied')
  })

  it('ahead of their batch are not fetched again, and go when other files come', async () => {
    const store = new MemoryObjects()
    const [one, two] = ['a.csv', 'b.csv'].map((key) => seen(store, key)) as [FileSeen, FileSeen]
    let fetches = 0
    const download = store.download.bind(store)
    store.download = async (entry, path) => {
      fetches += 1
      return download(entry, path)
    }
    const { fetched, made, copies } = landingOf(store)
    await made().opened([one])
    await made().opened([one, two])
    expect(fetches).toBe(2)
    await fetched.keepOnly([two])
    expect(copies()).toHaveLength(1)
    await fetched.clear()
    expect(copies()).toEqual([])
  })

  it('do not begin where there is no room', async () => {
    const store = new MemoryObjects()
    const file = { ...seen(store, 'a.csv'), size: 2n ** 60n }
    await expect(landingOf(store).made().opened([file])).rejects.toMatchObject({ code: 'ING-STORAGE-FULL' })
  })
})

describe('loaded objects', () => {
  const loaded = (store: MemoryObjects, key: string) => ({ ...seen(store, key), marker: null })

  it('are deleted in the version that was loaded, and in no other', async () => {
    const store = new MemoryObjects()
    const files = ['a.csv', 'new.csv', 'gone.csv'].map((key) => loaded(store, key))
    store.set('new.csv', 'came later')
    store.delete('gone.csv')
    expect((await deleteObjects(files, { root: ROOT, store })).map(({ kind }) => kind)).toEqual(['deleted', 'kept', 'deleted'])
    expect(store.keys()).toEqual(['new.csv'])
  })

  it('are deleted with their markers, the marker first', async () => {
    const store = new MemoryObjects()
    store.set('raw/a.csv.done')
    await deleteObjects([{ ...loaded(store, 'raw/a.csv'), marker: 'a.csv.done' }], { root: ROOT, store })
    expect(store.keys()).toEqual([])
  })

  it('that come between the look and the removal stay', async () => {
    const store = new MemoryObjects()
    const file = loaded(store, 'a.csv')
    const remove = store.remove.bind(store)
    store.remove = async (keys, etag) => {
      store.set('a.csv', 'came later')
      await remove(keys, etag)
    }
    expect(await deleteObjects([file], { root: ROOT, store })).toMatchObject([{ kind: 'kept' }])
    expect(store.text('a.csv')).toBe('came later')
  })

  it('are archived by a copy, which overwrites nothing and is gone on with', async () => {
    const store = new MemoryObjects()
    const files = ['a.csv', 'half.csv', 'taken.csv', 'changed.csv', 'gone.csv', 'moved.csv'].map((key) => ({
      ...loaded(store, key),
      target: `${ROOT}/archive/${key}`,
    }))
    store.set('archive/half.csv', 'half.csv')
    store.set('archive/taken.csv', 'somebody else')
    store.set('changed.csv', 'came later')
    store.delete('gone.csv')
    store.set('archive/moved.csv', 'moved.csv')
    store.delete('moved.csv')
    const results = await archiveObjects(files, { root: ROOT, store })
    expect(results.map(({ kind }) => kind)).toEqual(['archived', 'archived', 'failed', 'kept', 'kept', 'archived'])
    expect(store.keys()).toEqual(
      ['archive/a.csv', 'archive/half.csv', 'archive/moved.csv', 'archive/taken.csv', 'changed.csv', 'taken.csv'].sort(),
    )
    expect(store.text('archive/taken.csv')).toBe('somebody else')
  })

  it('have a name in the archive at which nothing lies', async () => {
    const store = new MemoryObjects()
    store.set('archive/a.csv')
    const taken = new Set([`${ROOT}/archive/a.csv.1`])
    expect(await freeObjectTarget(`${ROOT}/archive/a.csv`, taken, { root: ROOT, store })).toBe(`${ROOT}/archive/a.csv.2`)
  })
})
