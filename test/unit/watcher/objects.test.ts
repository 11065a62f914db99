import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WatchConfig } from '../../../src/model/table.ts'
import { ignoredPath } from '../../../src/watcher/ignore.ts'
import { matchesPattern } from '../../../src/watcher/match.ts'
import { DateFolders } from '../../../src/watcher/object-dates.ts'
import { objectLister } from '../../../src/watcher/objects.ts'
import { below } from '../../../src/watcher/pattern.ts'
import { sourceRules } from '../../../src/watcher/rules.ts'
import type { Lister } from '../../../src/watcher/watcher.ts'
import { MemoryObjects } from '../../support/memory-objects.ts'
import { tableConfig } from '../../support/table.ts'
import { listing, refusal } from './support.ts'

const NOW = Date.UTC(2026, 10, 20, 12)

interface Looking {
  readonly watch?: Partial<WatchConfig>
  readonly dates?: DateFolders
  readonly onlyNew?: boolean
  readonly nowMs?: number
}

function objectsBy(
  sourcePattern: string,
  store: MemoryObjects,
  { watch = {}, dates = new DateFolders(), onlyNew = false, nowMs = NOW }: Looking = {},
): Lister {
  const table = tableConfig({ tableName: 'orders', sourcePattern })
  const rules = sourceRules({ ...table, watch: { ...table.watch, ...watch } })
  return objectLister({ rules, open: async () => store, clock: { now: () => nowMs }, dates, onlyNew })
}

async function found(pattern: string, keys: readonly string[], looking: Looking = {}): Promise<readonly string[]> {
  const store = new MemoryObjects()
  for (const key of keys) store.set(key, key.endsWith('/') ? '' : 'x')
  return (await listing(objectsBy(pattern, store, looking))).paths
}

describe('objects of a bucket', () => {
  it('are files under their keys, with their ETag as the version', async () => {
    const store = new MemoryObjects()
    const { etag } = store.set('raw/a.csv', 'one', 1_600_000_000_123)
    const { files } = await listing(objectsBy('s3://bucket/raw/*.csv', store))
    expect(files).toEqual([
      { path: 's3://bucket/raw/a.csv', rawPath: null, size: 3n, modifiedNs: 1_600_000_000_123_000_000n, version: etag },
    ])
  })

  it('keep what stands in their keys, and folder markers are no files', async () => {
    const keys = [
      'raw/',
      'raw/x/',
      'raw//a.csv',
      'raw/../b.csv',
      'raw/ü ☃ %41+?#.csv',
      'raw/new\nline.csv',
      'raw/quo\'te".csv',
      'raw/./c.csv',
    ]
    expect(await found('s3://bucket/raw/**', keys)).toEqual(
      ['raw//a.csv', 'raw/ü ☃ %41+?#.csv', 'raw/new\nline.csv', 'raw/quo\'te".csv'].map((key) => `s3://bucket/${key}`).sort(),
    )
  })

  it('with a leading slash lie in a folder without a name', async () => {
    expect(await found('s3://bucket/*/a.csv', ['/a.csv', 'a.csv', 'b/a.csv'])).toEqual(['s3://bucket//a.csv', 's3://bucket/b/a.csv'])
  })

  it('that have bytes and a slash at the end are told of', async () => {
    const store = new MemoryObjects()
    store.set('raw/a.csv/', 'rows')
    store.set('raw/b.csv', 'rows')
    const { paths, problems } = await listing(objectsBy('s3://bucket/raw/*.csv', store))
    expect(paths).toEqual(['s3://bucket/raw/b.csv'])
    expect(problems.map(({ code }) => code)).toEqual(['ING-SOURCE-NAME'])
  })

  it('are taken by the rules of folders: ignored names, age, markers, time to settle', async () => {
    const store = new MemoryObjects()
    for (const key of ['a.csv', '_b.csv', '.c.csv', 'd.csv.tmp', '_tmp/e.csv', 'skip/f.csv']) store.set(`raw/${key}`)
    store.set('raw/old.csv', 'x', Date.UTC(2001, 0))
    store.set('raw/young.csv', 'x', NOW - 500)
    store.set('raw/future.csv', 'x', NOW + 60_000)
    const watch = { ignore: ['skip/*'], settleMs: 2000, modifiedAfterMs: Date.UTC(2002, 0) }
    const { paths, waiting } = await listing(objectsBy('s3://bucket/raw/**', store, { watch }))
    expect(paths).toEqual(['s3://bucket/raw/a.csv', 's3://bucket/raw/future.csv'])
    expect(waiting.map(({ file, readyInMs }) => [file.path, readyInMs])).toEqual([['s3://bucket/raw/young.csv', 1500]])
  })

  it('wait for their markers, which are asked for only where they were not listed', async () => {
    const store = new MemoryObjects('s3://bucket', 100)
    for (const key of ['a.csv', 'a.csv.done', 'b.csv', 'sub/c.csv', 'sub/_SUCCESS']) store.set(`raw/${key}`)
    const named = await listing(objectsBy('s3://bucket/raw/**', store, { watch: { marker: '{name}.done' } }))
    expect(named.paths).toEqual(['s3://bucket/raw/a.csv'])
    expect(store.heads).toEqual(['raw/b.csv.done', 'raw/sub/c.csv.done'])
    const folders = await listing(objectsBy('s3://bucket/raw/**/*.csv', store, { watch: { marker: '_SUCCESS' } }))
    expect(folders.paths).toEqual(['s3://bucket/raw/sub/c.csv'])
  })

  it('are one file where a store gives a page twice', async () => {
    const store = new MemoryObjects()
    for (const name of ['a', 'b', 'c', 'd']) store.set(`raw/${name}.csv`)
    const list = store.list.bind(store)
    store.list = async function* (...asked) {
      for await (const page of list(...asked)) {
        yield page
        yield page
      }
    }
    expect((await listing(objectsBy('s3://bucket/raw/*.csv', store))).files).toHaveLength(4)
  })
})

describe('a listing asks for', () => {
  const keys = ['raw/orders-1.csv', 'raw/orders-2.csv', 'raw/deep/orders-3.csv', 'raw/x/a/1.csv', 'raw/y/b/2.csv', 'other/z.csv']
  it.each([
    ['raw/orders-*.csv', ['raw/orders-|/']],
    ['raw/**/*.csv', ['raw/']],
    ['raw/*/*.csv', ['raw/']],
    ['raw/*/a/*.csv', ['raw/deep/a/|/', 'raw/x/a/|/', 'raw/y/a/|/', 'raw/|/']],
    ['raw/{x,y}/*/*.csv', ['raw/x/', 'raw/y/']],
    ['raw/orders-1.csv', ['raw/orders-1.csv/']],
  ])('%s: what can hold a match', async (pattern, listed) => {
    const store = new MemoryObjects('s3://bucket', 100)
    for (const key of keys) store.set(key)
    await listing(objectsBy(`s3://bucket/${pattern}`, store))
    expect(store.listed.toSorted()).toEqual(listed)
  })

  it('no more than a page at a time', async () => {
    const store = new MemoryObjects('s3://bucket', 1000)
    for (let number = 0; number < 12_000; number += 1) store.set(`raw/${number}.csv`)
    const sizes: number[] = []
    for await (const { files } of objectsBy('s3://bucket/raw/**', store).pages(new AbortController().signal)) sizes.push(files.length)
    expect(sizes).toEqual([10_000, 2000])
  })

  it('nothing when it is stopped', async () => {
    const store = new MemoryObjects()
    for (let number = 0; number < 50; number += 1) store.set(`raw/${number}.csv`)
    const stop = new AbortController()
    stop.abort(new Error('stopped'))
    await expect(listing(objectsBy('s3://bucket/raw/**', store), stop.signal)).rejects.toThrow('stopped')
  })
})

describe('patterns', () => {
  const NAMES = ['a', 'b', 'a.csv', 'b.csv', '_c.csv', 'c.csv.gz', 'd.tmp', 'dt=2026-11-20']
  const key = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
  const PATTERNS = [
    '*.csv',
    '*/*.csv',
    '**/*.csv',
    '**',
    'a/**/b/*',
    '{a,b/a}/*.csv',
    'a*/[ab]*',
    '*/b/*',
    'a',
    'a/b.csv',
    'dt=*/*.csv',
    '**/b/**/*.csv',
  ]

  it('take just the keys that match and are not ignored', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...PATTERNS), fc.uniqueArray(key, { maxLength: 12 }), async (pattern, keys) => {
        const rules = sourceRules(tableConfig({ sourcePattern: `s3://bucket/${pattern}` }))
        const wanted = keys
          .filter((one) => matchesPattern(rules.pattern, `s3://bucket/${one}`))
          .filter((one) => ignoredPath(rules.ignored, below(rules.pattern.base, `s3://bucket/${one}`) ?? '') === undefined)
        expect(await found(`s3://bucket/${pattern}`, keys)).toEqual(wanted.map((one) => `s3://bucket/${one}`).sort())
      }),
    )
  })

  it('are looked at one by one as they are listed', async () => {
    const store = new MemoryObjects()
    for (const name of ['raw/a.csv', 'raw/_b.csv', 'raw/c.CSV']) store.set(name)
    store.set('raw/young.csv', 'x', NOW - 100)
    const lister = objectsBy('s3://bucket/raw/*.csv', store, { watch: { settleMs: 2000 } })
    expect(refusal(await lister.look('s3://bucket/raw/a.csv'))).toBeUndefined()
    expect(refusal(await lister.look('s3://bucket/raw/_b.csv'))).toBe('not_ignored: its name begins with _')
    expect(refusal(await lister.look('s3://bucket/raw/c.CSV'))).toContain('but for the suffix .CSV')
    expect(refusal(await lister.look('s3://bucket/raw/d.csv'))).toBe('exists: there is no such object')
    expect(refusal(await lister.look('s3://bucket/raw/young.csv'))).toContain('settled: it was modified')
    expect(refusal(await lister.look('s3://other/raw/a.csv'))).toBe('matched: lies outside s3://bucket/raw')
    expect(refusal(await lister.look('/landing/a.csv'))).toBe('matched: lies outside s3://bucket/raw')
  })
})

describe('date folders', () => {
  const days = Array.from({ length: 40 }, (_, index) => new Date(Date.UTC(2026, 9, 12 + index)).toISOString().slice(0, 10))

  it.each([
    ['dt=*/*.csv', (day: string) => `dt=${day}/a.csv`],
    ['*/*/*/*.csv', (day: string) => `${day.replaceAll('-', '/')}/a.csv`],
    ['**', (day: string) => `eu/year=${day.slice(0, 4)}/month=${day.slice(5, 7)}/day=${day.slice(8)}/a.csv`],
    ['*/*/*.csv', (day: string) => `shop-1/${day.replaceAll('-', '')}T06/a.csv`],
  ])('%s: only those are listed that can be new', async (pattern, keyOf) => {
    const store = new MemoryObjects('s3://bucket', 1000)
    const dates = new DateFolders()
    for (const day of days) store.set(`raw/${keyOf(day)}`)
    store.set('raw/notes.csv')
    const source = `s3://bucket/raw/${pattern}`
    const all = await listing(objectsBy(source, store, { dates }))
    expect(all.files.length).toBeGreaterThanOrEqual(40)
    store.listed.length = 0
    const late = keyOf('2026-10-13').replace('a.csv', 'late.csv')
    const fresh = keyOf('2026-11-21').replace('a.csv', 'fresh.csv')
    store.set(`raw/${late}`)
    store.set(`raw/${fresh}`)
    const incremental = await listing(objectsBy(source, store, { dates, onlyNew: true }))
    expect(incremental.paths).toContain(`s3://bucket/raw/${fresh}`)
    expect(incremental.files.length).toBeLessThan(10)
    expect(store.listed.length).toBeLessThan(12)
    expect((await listing(objectsBy(source, store, { dates }))).paths).toContain(`s3://bucket/raw/${late}`)
  })

  it('of another part of the source hide nothing, and what has no date is always listed', async () => {
    const store = new MemoryObjects()
    const dates = new DateFolders()
    const keys = [
      'new/dt=2026-11-20/a.csv',
      'old/dt=2019-01-01/a.csv',
      'old/dt=2019-01-02/a.csv',
      'none/a.csv',
      'far/dt=9999-12-31/a.csv',
      'far/dt=2026-11-19/a.csv',
    ]
    for (const key of keys) store.set(`raw/${key}`)
    const pattern = 's3://bucket/raw/**'
    await listing(objectsBy(pattern, store, { dates }))
    expect((await listing(objectsBy(pattern, store, { dates, onlyNew: true }))).files).toHaveLength(keys.length)
  })

  it('that nobody has seen leave nothing out', async () => {
    const keys = days.map((day) => `raw/dt=${day}/a.csv`)
    expect(await found('s3://bucket/raw/dt=*/*.csv', keys, { onlyNew: true })).toHaveLength(40)
  })
})
