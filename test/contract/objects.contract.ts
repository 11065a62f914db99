import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { ObjectEntry, ObjectPage, ObjectStore } from '../../src/blobs/objects.ts'

/** Keys that files, URLs, XML or signatures are known to stumble over. */
const AWKWARD = [
  'plain.csv',
  'with space.csv',
  'plus+and%20percent%.csv',
  'quotes\'"`.csv',
  'question?and#hash&amp;.csv',
  'ümlaut-日本語-😀.csv',
  'semi;colon,comma=equals@at:colon.csv',
  'star*[brackets]{braces}|pipe~tilde^$.csv',
  '<angle>.csv',
  ' leading and trailing .csv',
]

const bytes = (text: string): Uint8Array => Buffer.from(text)

/** What each store of objects keeps. */
export function objectsContract(open: () => Promise<ObjectStore>): void {
  let store: ObjectStore
  let folder: string
  let prefix: string
  beforeAll(async () => {
    store = await open()
    folder = mkdtempSync(join(tmpdir(), 'ingestd-objects-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const fresh = (): string => {
    prefix = `${randomUUID()}/`
    return prefix
  }

  describe('objects', () => {
    test('are read as they were put, whole, from a byte on, to a byte and from the end', async () => {
      const key = `${fresh()}a.bin`
      const entry = await store.put(key, bytes('0123456789'))
      expect(entry).toMatchObject({ key, size: 10n })
      expect(entry.etag).toMatch(/^[^"]+$/)
      expect(Math.abs(entry.modifiedMs - Date.now())).toBeLessThan(60_000)
      const read = async (options: { from?: number; bytes?: number }) => {
        const found = await store.read(key, options)
        return found.kind === 'read' ? Buffer.from(found.content).toString() : found.kind
      }
      expect(await read({})).toBe('0123456789')
      expect(await read({ from: 3 })).toBe('3456789')
      expect(await read({ from: 3, bytes: 2 })).toBe('34')
      expect(await read({ from: 8, bytes: 9 })).toBe('89')
      expect(await read({ from: 10 })).toBe('')
      expect(await read({ from: -4 })).toBe('6789')
      expect(await read({ from: -4, bytes: 2 })).toBe('67')
      expect(await read({ from: -40 })).toBe('0123456789')
      expect(await read({ bytes: 0 })).toBe('')
    })

    test('that are not there are absent, and removing them is no error', async () => {
      const key = `${fresh()}nothing`
      expect(await store.head(key)).toBeUndefined()
      expect(await store.read(key)).toEqual({ kind: 'absent' })
      expect(await store.download({ key, size: 3n, etag: 'x' }, join(folder, 'nothing'))).toBe('absent')
      await store.remove([key])
    })

    test('may be empty', async () => {
      const key = `${fresh()}empty`
      const entry = await store.put(key, bytes(''))
      expect(entry.size).toBe(0n)
      expect(await store.read(key, { from: 0 })).toEqual({ kind: 'read', content: Buffer.alloc(0) })
      const path = join(folder, 'empty')
      expect(await store.download(entry, path)).toBe('read')
      expect(readFileSync(path).byteLength).toBe(0)
    })

    test('of another version than the one that was listed are told as changed', async () => {
      const key = `${fresh()}a.csv`
      const before = await store.put(key, bytes('old'))
      await store.put(key, bytes('new'))
      expect(await store.read(key, { etag: before.etag })).toEqual({ kind: 'changed' })
      expect(await store.download(before, join(folder, 'changed'))).toBe('changed')
      expect(readdirSync(folder).filter((name) => name.startsWith('changed'))).toEqual([])
    })

    test.each(AWKWARD)('are written, listed, read, copied and removed under the key %j', async (name) => {
      const at = fresh()
      const key = `${at}${name}`
      expect(await store.putIfAbsent(key, bytes(name))).toBe('created')
      const [entry] = await allOf(store, at)
      expect(entry).toMatchObject({ key, size: BigInt(Buffer.byteLength(name)) })
      if (entry === undefined) return
      expect(await store.read(key, { etag: entry.etag })).toMatchObject({ kind: 'read' })
      expect(await store.copy(entry, `${at}copy/${name}`)).toBe('copied')
      await store.remove([key, `${at}copy/${name}`])
      expect(await allOf(store, at)).toEqual([])
    })

    test('are removed in numbers', async () => {
      const at = fresh()
      const keys = Array.from({ length: 12 }, (_, index) => `${at}${index}`)
      await Promise.all(keys.map((key) => store.put(key, bytes('x'))))
      await store.remove([...keys, `${at}not there`])
      expect(await allOf(store, at)).toEqual([])
    })
  })

  describe('a listing', () => {
    test('has pages in the order of keys, and can begin behind one', async () => {
      const at = fresh()
      const names = ['a-b', 'a/b', 'a/c', 'b', 'B', 'ä', '0', '9', '10']
      await Promise.all(names.map((name) => store.put(`${at}${name}`, bytes(name))))
      const sorted = [...names].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
      const keys = (await allOf(store, at, { pageSize: 3 })).map(({ key }) => key.slice(at.length))
      expect(keys).toEqual(sorted)
      const behind = (await allOf(store, at, { after: `${at}a-b` })).map(({ key }) => key.slice(at.length))
      expect(behind).toEqual(sorted.slice(sorted.indexOf('a-b') + 1))
    })

    test('with a delimiter shows one level, as a folder does', async () => {
      const at = fresh()
      await Promise.all(['a/1', 'a/2/3', 'b', 'c/4'].map((name) => store.put(`${at}${name}`, bytes(name))))
      const pages = await pagesOf(store, at, { delimiter: '/', pageSize: 2 })
      expect(pages.flatMap(({ objects }) => objects.map(({ key }) => key.slice(at.length)))).toEqual(['b'])
      expect(pages.flatMap(({ prefixes }) => prefixes.map((name) => name.slice(at.length)))).toEqual(['a/', 'c/'])
    })

    test('says what a head says', async () => {
      const at = fresh()
      const entry = await store.put(`${at}a`, bytes('abc'))
      expect(await allOf(store, at)).toEqual([entry])
      expect(await store.head(`${at}a`)).toEqual(entry)
    })

    test('of a prefix without objects is empty', async () => {
      expect(await allOf(store, fresh())).toEqual([])
    })
  })

  describe('putIfAbsent', () => {
    test('makes what is not there, and leaves what is', async () => {
      const key = `${fresh()}a`
      expect(await store.putIfAbsent(key, bytes('one'))).toBe('created')
      expect(await store.putIfAbsent(key, bytes('one'))).toBe('exists')
      expect(await store.putIfAbsent(key, bytes('two'))).toBe('exists')
      expect(await store.read(key)).toMatchObject({ content: Buffer.from('one') })
    })

    test('lets one of many writers win', async () => {
      const at = fresh()
      for (let round = 0; round < 10; round += 1) {
        const writers = Array.from({ length: 8 }, (_, index) => store.putIfAbsent(`${at}${round}`, bytes(`writer ${index}`)))
        const answers = await Promise.all(writers)
        expect(answers.filter((answer) => answer === 'created')).toHaveLength(1)
        const read = await store.read(`${at}${round}`)
        expect(read).toMatchObject({ content: Buffer.from(`writer ${answers.indexOf('created')}`) })
      }
    })

    test('is found to hold', async () => {
      const at = fresh()
      expect(await store.keepsConditions(at)).toBe(true)
      expect(await allOf(store, at)).toEqual([])
    })
  })

  describe('files', () => {
    test('go up and come down in parts, whole', async () => {
      const path = join(folder, 'large')
      const content = Buffer.alloc(40 * 1024 * 1024 + 17)
      for (let at = 0; at + 4 < content.byteLength; at += 4096) content.writeUInt32LE(at, at)
      writeFileSync(path, content)
      const entry = await store.upload(path, `${fresh()}large`)
      expect(entry.size).toBe(BigInt(content.byteLength))
      const back = join(folder, 'large-back')
      expect(await store.download(entry, back)).toBe('read')
      expect(Buffer.compare(readFileSync(back), content)).toBe(0)
    })

    test.each([0, 5, 17 * 1024 * 1024])('of %d bytes go up to a new key alone', async (size) => {
      const key = `${fresh()}a`
      const path = join(folder, `up-${size}`)
      writeFileSync(path, Buffer.alloc(size, 7))
      expect(await store.upload(path, key)).toMatchObject({ key, size: BigInt(size) })
      await expect(store.upload(path, key)).rejects.toMatchObject({ code: 'ING-STORAGE' })
    })
  })

  describe('a copy', () => {
    test('is of one version, and never overwrites', async () => {
      const at = fresh()
      const entry = await store.put(`${at}a`, bytes('abc'))
      expect(await store.copy(entry, `${at}archive/a`)).toBe('copied')
      expect(await store.read(`${at}archive/a`)).toMatchObject({ content: Buffer.from('abc') })
      expect(await store.copy(entry, `${at}archive/a`)).toBe('exists')
      await store.put(`${at}a`, bytes('changed'))
      expect(await store.copy(entry, `${at}archive/b`)).toBe('changed')
      await store.remove([`${at}a`])
      expect(await store.copy(entry, `${at}archive/b`)).toBe('absent')
      expect(await store.head(`${at}archive/b`)).toBeUndefined()
    })
  })
}

async function pagesOf(
  store: ObjectStore,
  prefix: string,
  options: Parameters<ObjectStore['list']>[1] = {},
): Promise<readonly ObjectPage[]> {
  const pages: ObjectPage[] = []
  for await (const page of store.list(prefix, options)) pages.push(page)
  return pages
}

async function allOf(
  store: ObjectStore,
  prefix: string,
  options: Parameters<ObjectStore['list']>[1] = {},
): Promise<readonly ObjectEntry[]> {
  return (await pagesOf(store, prefix, options)).flatMap(({ objects }) => objects)
}
