import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FetchedObjects, objectLanding } from '../../../src/blobs/landing-objects.ts'
import type { FileSeen } from '../../../src/model/file.ts'
import { MemoryObjects } from '../../support/memory-objects.ts'

const ROOT = 's3://bucket'
const CONTENT = '0123456789'

type Download = MemoryObjects['download']

/** A batch of `a.csv` behind which four files wait, each of ten bytes. `download` stands before that of the store. */
function spooled(
  bytes: bigint,
  download: (key: string, signal: AbortSignal | undefined, through: () => ReturnType<Download>) => ReturnType<Download>,
) {
  const spool = mkdtempSync(join(tmpdir(), 'ingestd-ahead-'))
  onTestFinished(() => rmSync(spool, { recursive: true, force: true }))
  const store = new MemoryObjects()
  const asked: string[] = []
  const through = store.download.bind(store)
  const open = async () => ({
    download: async (entry: Parameters<Download>[0], path: string, signal?: AbortSignal) => {
      asked.push(entry.key)
      return download(entry.key, signal, () => through(entry, path))
    },
  })
  const [first, ...next] = ['a', 'b', 'c', 'd', 'e'].map((name): FileSeen => {
    const { key, etag, size } = store.set(`${name}.csv`, CONTENT)
    return { path: `${ROOT}/${key}`, rawPath: null, size, modifiedNs: 1n, version: etag }
  })
  if (first === undefined) throw new Error('no file')
  const fetched = new FetchedObjects(join(spool, 'objects'))
  const copies = () => readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter((name) => /object-\d+$/.test(name)).length
  const landing = (following: readonly FileSeen[]) =>
    objectLanding(join(spool, 'own'), { fetched, next: { files: following, bytes } }, { root: ROOT, open })
  return { first, next, store, asked, fetched, copies, landing }
}

describe('objects of the next batch', () => {
  it('are fetched while a batch loads, after its own and as many as the bound takes', async () => {
    const { first, next, asked, copies, landing } = spooled(25n, (_, __, through) => through())
    const loading = landing(next)
    await loading.opened([first])
    // The batch is still loading: its landing is open.
    await vi.waitFor(() => expect(copies()).toBe(3))
    expect(asked).toEqual(['a.csv', 'b.csv', 'c.csv'])
    await loading.close()
    expect(copies()).toBe(2)
    const following = landing([])
    const { files, failed } = await following.opened(next)
    expect([files.length, failed]).toEqual([4, []])
    expect(asked).toEqual(['a.csv', 'b.csv', 'c.csv', 'd.csv', 'e.csv'])
    await following.close()
    expect(copies()).toBe(0)
  })

  it('do not begin before those of the batch are there', async () => {
    let arrive = (): void => undefined
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve
    })
    const { first, next, asked, landing } = spooled(25n, async (key, _, through) => {
      if (key === 'a.csv') await arrived
      return through()
    })
    const opening = landing(next).opened([first])
    await vi.waitFor(() => expect(asked).toEqual(['a.csv']))
    arrive()
    await opening
    await vi.waitFor(() => expect(asked).toEqual(['a.csv', 'b.csv', 'c.csv']))
  })

  it('that could not be had too early are asked for again, and what became of them is told by their own batch', async () => {
    let isDown = true
    const { first, next, store, asked, landing } = spooled(100n, async (key, _, through) => {
      if (key !== 'a.csv' && isDown) throw new Error('the store is down')
      return through()
    })
    await landing(next).opened([first])
    await vi.waitFor(() => expect(asked).toHaveLength(5))
    isDown = false
    store.delete('b.csv')
    const { files, failed } = await landing([]).opened(next)
    expect(files.map(({ path }) => path)).toEqual(next.slice(1).map(({ path }) => path))
    expect(failed.map(({ code }) => code)).toEqual(['ING-FILE-GONE'])
    expect(asked).toHaveLength(9)
  })

  it('that nobody wants any more are not waited for, and leave nothing', async () => {
    const { first, next, asked, fetched, copies, landing } = spooled(25n, async (key, signal, through) => {
      if (key === 'b.csv') await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('interrupted'))))
      return through()
    })
    await landing(next).opened([first])
    await vi.waitFor(() => expect(asked).toEqual(['a.csv', 'b.csv', 'c.csv']))
    await vi.waitFor(() => expect(copies()).toBe(2))
    await fetched.keepOnly([first])
    expect(copies()).toBe(1)
    await fetched.clear()
    expect(copies()).toBe(0)
  })
})
