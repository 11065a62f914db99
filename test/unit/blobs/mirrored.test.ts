import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FolderObjects } from '../../support/folder-objects.ts'
import { mirroredFolder } from '../../support/mirrored-folder.ts'

let folder: string
let objects: FolderObjects
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ingestd-mirror-'))
  objects = new FolderObjects(join(folder, 'bucket'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const bytes = (text: string) => new TextEncoder().encode(text)
const LOG = '_delta_log/00000000000000000003.json'

function open(root = '/t', cacheBytes?: bigint) {
  return mirroredFolder(root, folder, objects, cacheBytes)
}

async function textOf(blobs: ReturnType<typeof open>, path: string, size: bigint | null = null): Promise<string> {
  return readFileSync((await blobs.fetch([path], [size]))[0] ?? '', 'utf8')
}

const askedOf = (method: string) => objects.asked.filter(([name]) => name === method).map(([, key]) => key)

test('a data file is read by one request, and then not again, by whoever shares the mirror', async () => {
  await objects.put('a.parquet', bytes('rows'))
  objects.asked.length = 0
  const blobs = open()
  for (const reader of [blobs, blobs, open()]) expect(await textOf(reader, 'a.parquet', 4n)).toBe('rows')
  expect(objects.asked).toEqual([['read', 'a.parquet']])
})

test('what was published needs no request to be read', async () => {
  const blobs = open()
  await blobs.put('_ingestd/stage/b/file', bytes('rows'))
  await blobs.publish([{ from: '_ingestd/stage/b/file', to: 'p=1/file.parquet' }])
  expect(await textOf(blobs, 'p=1/file.parquet', 4n)).toBe('rows')
  expect(objects.asked).toEqual([['upload', 'p=1/file.parquet']])
})

test('a copy of another length than the log says is fetched anew', async () => {
  await objects.put('a.parquet', bytes('rows'))
  const blobs = open()
  await textOf(blobs, 'a.parquet', 4n)
  writeFileSync(blobs.localPath('a.parquet'), 'ro')
  expect(await textOf(blobs, 'a.parquet', 4n)).toBe('rows')
})

test('a large file is downloaded', async () => {
  await objects.put('a.parquet', new Uint8Array(1024 * 1024 + 1))
  objects.asked.length = 0
  const blobs = open()
  const [path] = await blobs.fetch(['a.parquet'], [1_048_577n])
  expect(statSync(path ?? '').size).toBe(1_048_577)
  expect(objects.asked.map(([method]) => method)).toEqual(['head', 'download'])
})

test('an entry of the log that was listed is fetched once, and anew when the listing shows another', async () => {
  await objects.put(LOG, bytes('one'))
  objects.asked.length = 0
  const blobs = open()
  await blobs.list('_delta_log')
  for (let time = 0; time < 3; time += 1) expect(await textOf(blobs, LOG)).toBe('one')
  expect(askedOf('read')).toEqual([LOG])
  await objects.put(LOG, bytes('two'))
  expect(await textOf(blobs, LOG)).toBe('one')
  await blobs.list('_delta_log')
  expect(await textOf(blobs, LOG)).toBe('two')
})

test('an entry that changes between its listing and its reading is read as it is', async () => {
  await objects.put(LOG, bytes('one'))
  const blobs = open()
  await blobs.list('_delta_log')
  await objects.put(LOG, bytes('two'))
  expect(await textOf(blobs, LOG)).toBe('two')
})

test('a file that is gone from the store has no copy once that is missed', async () => {
  await objects.put('a.parquet', bytes('rows'))
  const blobs = open()
  await textOf(blobs, 'a.parquet', 4n)
  rmSync(join(folder, 'bucket', 'a.parquet'))
  const [path] = await blobs.fetch(['a.parquet'], [5n])
  expect(existsSync(path ?? '')).toBe(false)
})

test('staged files are never in the store, and markers of folders in no listing', async () => {
  await objects.put('folder/a', bytes('x'))
  await objects.put('folder/', bytes('')).catch(() => undefined) // A folder of the file system takes none.
  const blobs = open()
  await blobs.createFolder('_ingestd/stage/b')
  await blobs.put('_ingestd/stage/b/file', bytes('x'))
  expect(await blobs.folders('_ingestd/stage')).toEqual(['b'])
  expect(await blobs.folders('')).toEqual(['folder'])
  expect((await blobs.list('folder')).map(({ path }) => path)).toEqual(['folder/a'])
  await blobs.removeFolder('_ingestd/stage/b')
  expect(await blobs.folders('_ingestd/stage')).toEqual([])
  expect(askedOf('remove')).toEqual([])
})

function copies(): readonly string[] {
  return readdirSync(join(folder, 'mirrors'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.parquet'))
    .map((path) => path.split('/').slice(1).join('/'))
    .sort()
}

test('copies beyond what they may take go when nothing reads them, the least recently used first', async () => {
  const blobs = open('/t', 250n)
  for (const name of ['a', 'b', 'c', 'd']) await objects.put(`${name}.parquet`, new Uint8Array(100))
  const paths = await blobs.fetch(['a.parquet', 'b.parquet', 'c.parquet', 'd.parquet'], [100n, 100n, 100n, 100n])
  for (const [index, path] of paths.entries()) utimesSync(path, 1_000_000 + index, 1_000_000 + index)
  // It was used again, long after the others.
  await blobs.fetch(['a.parquet'], [100n])
  expect(copies()).toHaveLength(4)
  await blobs.tidy()
  expect(copies()).toEqual(['a.parquet', 'd.parquet'])
})

test('copies that an open query of another table or another process may read stay', async () => {
  const [mine, other] = [open('/mine', 150n), open('/other', 150n)]
  await objects.put('a.parquet', new Uint8Array(100))
  await objects.put('b.parquet', new Uint8Array(100))
  await mine.fetch(['a.parquet'], [100n])
  await other.fetch(['b.parquet'], [100n])
  await mine.tidy()
  expect(copies()).toEqual(['b.parquet'])
  const users = join(other.localPath(''), '.users')
  await other.tidy()
  writeFileSync(join(users, `1@${(await import('node:os')).hostname()}`), '')
  await mine.fetch(['a.parquet'], [100n])
  await mine.tidy()
  // Process 1 is alive.
  expect(copies()).toEqual(['b.parquet'])
})

test('the mirror may be deleted at any time between two commands', async () => {
  await objects.put('a.parquet', bytes('rows'))
  const blobs = open()
  await textOf(blobs, 'a.parquet', 4n)
  await blobs.tidy()
  rmSync(join(folder, 'mirrors'), { recursive: true })
  await blobs.tidy()
  expect(await textOf(blobs, 'a.parquet', 4n)).toBe('rows')
})
