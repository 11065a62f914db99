import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import type { Blobs } from '../../src/blobs/blobs.ts'

/** What a place for bytes is tested with. */
export interface BlobsUnderTest {
  /** A new, empty root. */
  readonly open: () => Promise<Blobs>
  /** Runs `putIfAbsent` of the same paths, one after the other, with different contents in several processes at once; the answers of each. */
  readonly race: (
    root: string,
    paths: readonly string[],
    writers: number,
  ) => Promise<readonly { readonly answers: readonly string[]; readonly content: string }[]>
}

export function blobsContract({ open, race }: BlobsUnderTest): void {
  let blobs: Blobs
  beforeEach(async () => {
    blobs = await open()
  })
  const bytes = (text: string) => new TextEncoder().encode(text)
  const text = async (path: string) => new TextDecoder().decode(await blobs.read(path))

  test('what is not there reads as undefined and lists as nothing', async () => {
    expect(await blobs.read('a/b')).toBeUndefined()
    expect(await blobs.list('a')).toEqual([])
    expect(await blobs.folders('a')).toEqual([])
    await expect(blobs.remove('a/b')).resolves.toBeUndefined()
    await expect(blobs.removeFolder('a')).resolves.toBeUndefined()
  })

  test('the first put makes the content, a second changes nothing', async () => {
    expect(await blobs.putIfAbsent('a/b/c', bytes('one'))).toBe('created')
    expect(await blobs.putIfAbsent('a/b/c', bytes('two'))).toBe('exists')
    expect(await text('a/b/c')).toBe('one')
  })

  test('of many writers of one path in many processes one is told that it made it, and its content is there whole', async () => {
    const paths = Array.from({ length: 10 }, (_, index) => `log/${index}.json`)
    const writers = await race(blobs.root, paths, 16)
    for (const [index, path] of paths.entries()) {
      const winners = writers.filter(({ answers }) => answers[index] === 'created')
      expect(winners).toHaveLength(1)
      expect(writers.filter(({ answers }) => answers[index] === 'exists')).toHaveLength(15)
      expect(await text(path)).toBe(winners[0]?.content)
    }
    expect((await blobs.list('log')).map((entry) => entry.path)).toEqual(paths)
  })

  test('put replaces the content', async () => {
    await blobs.put('x', bytes('a longer text'))
    await blobs.put('x', bytes('short'))
    expect(await text('x')).toBe('short')
  })

  test('a listing is sorted by bytes, tells sizes, and leaves out folders', async () => {
    for (const name of ['b', 'a', '\uFFFD', '😀', 'sub/x']) await blobs.put(`f/${name}`, bytes(name))
    expect((await blobs.list('f')).map(({ path, size }) => [path, size])).toEqual([
      ['f/a', 1n],
      ['f/b', 1n],
      ['f/\uFFFD', 3n],
      ['f/😀', 4n],
    ])
    expect((await blobs.list('f', 'a')).map((entry) => entry.path)).toEqual(['f/b', 'f/\uFFFD', 'f/😀'])
    expect(await blobs.folders('f')).toEqual(['sub'])
    expect(await blobs.folders('')).toEqual(['f'])
  })

  test('published files are at their new place and no longer at the old one', async () => {
    await blobs.put('_ingestd/stage/x/1', bytes('one'))
    await blobs.put('_ingestd/stage/x/2', bytes('two'))
    await blobs.publish([
      { from: '_ingestd/stage/x/1', to: 'p=a%20b/one' },
      { from: '_ingestd/stage/x/2', to: 'two' },
    ])
    expect([await text('p=a%20b/one'), await text('two')]).toEqual(['one', 'two'])
    expect(await blobs.list('_ingestd/stage/x')).toEqual([])
  })

  test('fetched files can be read where it says, in the order that was asked; what is not there has a path without a file', async () => {
    await blobs.put('data/b.parquet', bytes('second'))
    await blobs.put('data/a.parquet', bytes('first'))
    await blobs.put('_delta_log/00000000000000000000.json', bytes('log'))
    const log = '_delta_log/00000000000000000000.json'
    const [b, none, a, entry] = await blobs.fetch(['data/b.parquet', 'data/none', 'data/a.parquet', log], [6n, 6n, null, null])
    expect([b, a, entry].map((path) => readFileSync(path ?? '', 'utf8'))).toEqual(['second', 'first', 'log'])
    expect(basename(entry ?? '')).toMatch(/00000000000000000000\.json$/)
    expect(existsSync(none ?? '')).toBe(false)
    expect([blobs.localPath('data/b.parquet'), blobs.localPath('data/a.parquet')]).toEqual([b, a])
  })

  test('an entry of the log that is written anew is fetched anew, after a listing and without one', async () => {
    const log = '_delta_log/00000000000000000000.json'
    const fetched = async () => readFileSync((await blobs.fetch([log]))[0] ?? '', 'utf8')
    await blobs.put(log, bytes('one'))
    await blobs.list('_delta_log')
    expect(await fetched()).toBe('one')
    await blobs.put(log, bytes('two'))
    expect(await fetched()).toBe('two')
    await blobs.put(log, bytes('one'))
    await blobs.list('_delta_log')
    expect(await fetched()).toBe('one')
  })

  test('a published file can be fetched, and is not there once it is removed', async () => {
    await blobs.put('_ingestd/stage/x/1', bytes('one'))
    await blobs.publish([{ from: '_ingestd/stage/x/1', to: 'data/one' }])
    expect(readFileSync((await blobs.fetch(['data/one']))[0] ?? '', 'utf8')).toBe('one')
    await blobs.remove('data/one')
    expect(existsSync((await blobs.fetch(['data/one']))[0] ?? '')).toBe(false)
  })

  test('the condition holds', async () => {
    expect(await blobs.keepsConditions()).toBe(true)
    expect(await blobs.list('_ingestd')).toEqual([])
  })

  test('publishing never overwrites', async () => {
    await blobs.put('_ingestd/stage/x/1', bytes('new'))
    await blobs.put('there', bytes('old'))
    await expect(blobs.publish([{ from: '_ingestd/stage/x/1', to: 'there' }])).rejects.toMatchObject({ code: 'ING-STORAGE' })
    expect(await text('there')).toBe('old')
  })

  test('a removed folder is gone with all that is in it', async () => {
    await blobs.put('f/g/h', bytes('x'))
    await blobs.removeFolder('f')
    expect(await blobs.folders('')).toEqual([])
  })

  test.each(['../x', 'a/../../x', '/etc/passwd', 'a/..', 'x\0y'])('the path %j cannot leave the root', async (path) => {
    for (const call of [
      () => blobs.read(path),
      () => blobs.put(path, bytes('x')),
      () => blobs.putIfAbsent(path, bytes('x')),
      () => blobs.remove(path),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'ING-BUG' })
    }
    expect(() => blobs.localPath(path)).toThrow('leaves its root')
  })

  test('the root itself is never removed', async () => {
    await expect(blobs.removeFolder('')).rejects.toMatchObject({ code: 'ING-BUG' })
  })
}
