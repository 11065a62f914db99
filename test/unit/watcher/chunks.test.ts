import { renameSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Chunk } from '../../../src/watcher/chunk.ts'
import { land, landingFolder, listerOf, listing } from './support.ts'

const SIGNAL = new AbortController().signal
const FILES = 3000

describe('chunks of a listing', () => {
  test('what is known is passed over, and only what changed is told', async () => {
    const folder = landingFolder()
    for (let index = 0; index < FILES; index += 1) land(join(folder, `${index % 3}/part-${index}.csv`))
    const lister = listerOf(join(folder, '**/*.csv'))
    const all = await listing(lister)
    expect(all.files).toHaveLength(FILES)
    const known = new Set(all.chunks)
    const again = await listing(lister, SIGNAL, known)
    expect({ files: again.files, known: again.known, chunks: again.chunks }).toEqual({ files: [], known: FILES, chunks: [] })
    const changed = [
      () => land(join(folder, '0/part-0.csv'), 'longer'),
      () => utimesSync(join(folder, '1/part-1.csv'), 1_600_000_001, 1_600_000_001),
      () => land(join(folder, '2/new.csv')),
      () => renameSync(join(folder, '0/part-3.csv'), join(folder, '0/other.csv')),
    ]
    const paths = ['0/part-0.csv', '1/part-1.csv', '2/new.csv', '0/other.csv']
    for (const [index, change] of changed.entries()) {
      change()
      const now = await listing(lister, SIGNAL, known)
      expect(now.paths).toContain(join(folder, paths[index] ?? ''))
      expect(now.files.length + now.known).toBe(FILES + (index >= 2 ? 1 : 0))
    }
  })

  test('a file that leaves changes its own chunk alone', async () => {
    const folder = landingFolder()
    // Where chunks end is chance: that a thousandth of so many names ends none comes up once in 160,000 times.
    for (let index = 0; index < 4 * FILES; index += 1) land(join(folder, `part-${index}.csv`))
    const lister = listerOf(join(folder, '*.csv'))
    const { chunks, files } = await listing(lister)
    expect(chunks.length).toBeGreaterThan(1)
    const gone = files[0]?.path ?? ''
    rmSync(gone)
    const now = await listing(lister, SIGNAL, new Set(chunks))
    expect(now.chunks.length).toBeLessThanOrEqual(2)
    expect(now.known).toBeGreaterThan(0)
    expect(now.paths).not.toContain(gone)
  })

  test('files that are too young are no part of what is known', async () => {
    const folder = landingFolder()
    land(join(folder, 'old.csv'))
    land(join(folder, 'young.csv'), 'x', Date.now())
    const lister = listerOf(join(folder, '*.csv'), { settleMs: 60_000 })
    const first = await listing(lister)
    const again = await listing(lister, SIGNAL, new Set(first.chunks))
    expect({ known: again.known, waiting: again.waiting.map(({ file }) => file.path) }).toEqual({
      known: 1,
      waiting: [join(folder, 'young.csv')],
    })
  })

  test('a digest tells paths, sizes and times apart, whatever their length', () => {
    const long = 'ü'.repeat(40_000)
    const chunks: readonly (readonly (readonly [string, bigint, bigint])[])[] = [
      [['/a', 1n, 1n]],
      [['/a', 2n, 1n]],
      [['/a', 1n, 2n]],
      [['/b', 1n, 1n]],
      [
        ['/a', 1n, 1n],
        ['/b', 1n, 1n],
      ],
      [
        ['/b', 1n, 1n],
        ['/a', 1n, 1n],
      ],
      [[`/${long}`, 1n, 1n]],
      [
        ['/a', 1n, 1n],
        [`/${long}`, 1n, 1n],
      ],
    ]
    const digests = chunks.map((files) => {
      const chunk = new Chunk()
      for (const file of files) chunk.add(...file)
      return chunk.digest()
    })
    expect(new Set(digests).size).toBe(chunks.length)
  })
})
