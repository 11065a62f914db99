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
    await blobs.put('stage/1', bytes('one'))
    await blobs.put('stage/2', bytes('two'))
    await blobs.publish([
      { from: 'stage/1', to: 'p=a%20b/one' },
      { from: 'stage/2', to: 'two' },
    ])
    expect([await text('p=a%20b/one'), await text('two')]).toEqual(['one', 'two'])
    expect(await blobs.list('stage')).toEqual([])
  })

  test('publishing never overwrites', async () => {
    await blobs.put('stage/1', bytes('new'))
    await blobs.put('there', bytes('old'))
    await expect(blobs.publish([{ from: 'stage/1', to: 'there' }])).rejects.toMatchObject({ code: 'ING-STORAGE' })
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
