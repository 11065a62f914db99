import { describe, expect, it } from 'vitest'
import { completenessOf, momentOf, readyInMs } from '../../../src/watcher/complete.ts'
import { ignoredPath, ignoreRule } from '../../../src/watcher/ignore.ts'
import { matchesPattern, nearMiss } from '../../../src/watcher/match.ts'
import { rawName, shownName } from '../../../src/watcher/names.ts'
import { compilePattern } from '../../../src/watcher/pattern.ts'

const NOW = 1_700_000_000_000
const ns = (ms: number) => BigInt(ms) * 1_000_000n
const times = (modifiedMs: number, changedMs = modifiedMs) => ({ mtimeNs: ns(modifiedMs), ctimeNs: ns(changedMs) })

describe('patterns', () => {
  it.each([
    ['/raw/c/*.csv', '/raw/c'],
    ['/raw/*/c/*.csv', '/raw'],
    ['/*.csv', '/'],
    ['/raw/c/x.csv', '/raw/c'],
    ['/raw/c/', '/raw/c'],
    ['/raw/./a/../c//*.csv', '/raw/c'],
    ['/raw/\\[old\\]/*.csv', '/raw/[old]'],
    ['/raw/{a/b,c}/*.csv', '/raw'],
    ['/', '/'],
  ])('%s begins in %s', (pattern, base) => {
    expect(compilePattern(pattern, true).base).toBe(base)
  })

  it.each([
    ['/raw/*.csv', '/raw/a.csv', true],
    ['/raw/*.csv', '/raw/a.csv.gz', true],
    ['/raw/*.csv', '/raw/a.csv.zst', true],
    ['/raw/*.csv', '/raw/a.csv.bz2', false],
    ['/raw/*.csv', '/raw/a.csv.zip', false],
    ['/raw/*.csv{,.zip,.bz2}', '/raw/a.csv.bz2', true],
    ['/raw/*.csv{,.zip,.bz2}', '/raw/a.csv.zip', true],
    ['/raw/*.csv.zip', '/raw/a.csv.zip.gz', false],
    ['/raw/*.csv', '/raw/a.csv.xz', false],
    ['/raw/*.csv', '/raw/a.CSV', false],
    ['/raw/*.csv', '/raw/x/a.csv', false],
    ['/raw/*.csv', '/other/a.csv', false],
    ['/raw/*.csv.gz', '/raw/a.csv.gz', true],
    ['/raw/*.csv.gz', '/raw/a.csv.gz.gz', false],
    ['/raw/*.{csv,json}', '/raw/a.json.gz', true],
    ['/raw/*/orders.csv', '/raw/2024/orders.csv.gz', true],
    ['/raw/data-*', '/raw/data-1', true],
    ['/raw/a.csv', '/raw/a.csv', true],
    ['/raw/a.csv', '/raw/a.csv.gz', false],
    ['/raw/c', '/raw/c/x/y.csv', true],
    ['/raw/c/', '/raw/c/y.csv', true],
    ['/raw/c/', '/raw/c', false],
    ['/raw/*/', '/raw/c/y.csv', true],
    ['/raw/[[]x/*', '/raw/[x/y', true],
    ['/raw/{..,a}/*.csv', '/raw/../b.csv', false],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(matchesPattern(compilePattern(pattern, true), path)).toBe(expected)
  })

  it('a format that is not compressed as a whole takes no compressed suffix', () => {
    expect(matchesPattern(compilePattern('/raw/*.parquet', false), '/raw/a.parquet.gz')).toBe(false)
  })

  it('too many alternatives are refused as a wrong config', () => {
    expect(() => compilePattern(`/raw/${'{a,b}'.repeat(20)}.csv`, true)).toThrow(
      expect.objectContaining({ code: 'ING-CONFIG-VALUE', message: expect.stringContaining('more than 1024 alternatives') }),
    )
  })
})

describe('near misses', () => {
  it.each([
    ['/raw/*.csv', '/raw/a.CSV', 'matches orders but for the suffix .CSV, it takes .csv (the pattern is /raw/*.csv)'],
    ['/raw/*.csv', '/raw/a.json', 'matches orders but for the suffix .json, it takes .csv (the pattern is /raw/*.csv)'],
    ['/raw/*.csv', '/raw/a.csv.xz', 'matches orders but for the suffix .xz, it takes .csv (the pattern is /raw/*.csv)'],
    ['/raw/*.csv', '/raw/a.csv.GZ', 'matches orders but for upper and lower case in "a.csv.GZ" (the pattern is /raw/*.csv)'],
    ['/raw/O*.csv', '/raw/o1.csv', 'matches orders but for upper and lower case in "o1.csv" (the pattern is /raw/O*.csv)'],
    ['/raw/*.csv', '/raw/x/a.csv', 'is one folder too deep: * stops at /, ** does not (the pattern is /raw/*.csv)'],
    ['/raw/*.csv', '/raw/x/y/a.csv', 'is 2 folders too deep: * stops at /, ** does not (the pattern is /raw/*.csv)'],
    ['/raw/*/*.csv', '/raw/a.csv', 'lacks one folder (the pattern is /raw/*/*.csv)'],
    ['/raw/y*/*.csv', '/raw/x1/a.csv', 'the folder "x1" does not match y* (the pattern is /raw/y*/*.csv)'],
    ['/raw/Y*/*.csv', '/raw/y1/a.csv', 'matches orders but for upper and lower case in a folder name (the pattern is /raw/Y*/*.csv)'],
    ['/raw/o*.csv', '/raw/p.csv', 'the name "p.csv" does not match o*.csv (the pattern is /raw/o*.csv)'],
    ['/raw/*.csv', '/other/a.csv', 'lies outside /raw'],
    ['/raw/*.csv', '/RAW/a.csv', 'lies below /raw but for upper and lower case'],
    ['/raw/**/in/*.csv', '/raw/a/out/a.csv', 'its folder does not match (the pattern is /raw/**/in/*.csv)'],
  ])('%s and %s', (pattern, path, expected) => {
    expect(nearMiss(compilePattern(pattern, true), path, 'orders')).toBe(expected)
  })
})

describe('ignored names', () => {
  const rule = ignoreRule(['*.bak', 'old', 'x/*.csv', './y/**'], '{name}.done')
  it.each([
    ['.a.csv', 'its name begins with .'],
    ['_a.csv', 'its name begins with _'],
    ['a.csv.tmp', 'its name ends in .tmp'],
    ['a.csv.part', 'its name ends in .part'],
    ['a.crdownload', 'its name ends in .crdownload'],
    ['a.filepart', 'its name ends in .filepart'],
    ['deep/a.bak', 'watch.ignore has *.bak'],
    ['x/a.csv', 'watch.ignore has x/*.csv'],
    ['y/a.csv', 'watch.ignore has ./y/**'],
    ['y/z/a.csv', 'the folder "z" is ignored: watch.ignore has ./y/**'],
    ['old/a.csv', 'the folder "old" is ignored: watch.ignore has old'],
    ['_tmp/a.csv', 'the folder "_tmp" is ignored: its name begins with _'],
    ['a.csv.done', 'it is a marker (watch.marker is {name}.done)'],
    ['z/x/a.csv', undefined],
    ['a_.csv', undefined],
    ['.done', 'its name begins with .'],
  ])('%s: %s', (path, expected) => {
    expect(ignoredPath(rule, path)).toBe(expected)
  })

  it('a marker with a plain name is ignored in every folder, and no longer name is', () => {
    const plain = ignoreRule([], 'READY')
    expect(ignoredPath(plain, 'a/b/READY')).toBe('it is a marker (watch.marker is READY)')
    expect(ignoredPath(plain, 'a/NOTREADY')).toBeUndefined()
  })
})

describe('completeness', () => {
  const moment = momentOf({ settleMs: 2000, modifiedAfterMs: null }, NOW)

  it('a file is settled once it was left alone for settle_seconds, to the millisecond', () => {
    expect(readyInMs(times(NOW - 2000), moment)).toBe(0)
    expect(readyInMs(times(NOW - 1999), moment)).toBe(1)
    expect(readyInMs(times(NOW), moment)).toBe(2000)
  })

  it('a modified time in the future waits from the last change, and no longer than any other', () => {
    expect(readyInMs(times(NOW + 9e9, NOW - 500), moment)).toBe(1500)
    expect(readyInMs(times(NOW + 9e9, NOW - 5000), moment)).toBe(0)
    expect(readyInMs(times(NOW + 9e9, NOW + 9e9), moment)).toBe(2000)
  })

  it('nothing waits where settle_seconds is 0', () => {
    expect(readyInMs(times(NOW + 9e9), momentOf({ settleMs: 0, modifiedAfterMs: null }, NOW))).toBe(0)
  })

  it('a settled file without its marker waits for it', () => {
    expect(completenessOf(times(NOW - 5000), false, moment)).toEqual({ kind: 'marker' })
    expect(completenessOf(times(NOW - 5000), true, moment)).toEqual({ kind: 'complete' })
    expect(completenessOf(times(NOW - 500), false, moment)).toEqual({ kind: 'settling', readyInMs: 1500 })
  })

  it('modified_after leaves out what is older, and takes a file of that moment', () => {
    const after = momentOf({ settleMs: 0, modifiedAfterMs: NOW - 1000 }, NOW)
    expect(completenessOf(times(NOW - 1001), true, after)).toEqual({ kind: 'tooOld' })
    expect(completenessOf(times(NOW - 1000), true, after)).toEqual({ kind: 'complete' })
  })
})

describe('names that are not UTF-8', () => {
  it.each([
    [Buffer.from([0x61, 0xff, 0x2e]), 'a%FF.'],
    [Buffer.from([0xc3, 0xa9, 0xc3]), 'é%C3'],
    [Buffer.from([0xf0, 0x9f, 0x98, 0x80, 0x80]), '😀%80'],
    [Buffer.from([0xed, 0xa0, 0x80]), '%ED%A0%80'],
    [Buffer.from([0xc0, 0xaf]), '%C0%AF'],
  ])('%j is shown as %s and found again', (bytes, shown) => {
    expect(shownName(bytes)).toEqual({ text: shown, raw: bytes, isUnique: true })
    expect(rawName(shown)).toEqual(bytes)
  })

  it('a name that is UTF-8 is shown as it is, whatever it spells', () => {
    expect(shownName(Buffer.from('a%FF\uFFFD \n"'))).toEqual({ text: 'a%FF\uFFFD \n"', raw: null, isUnique: true })
  })

  it('a name that spells an escape beside bytes that are escaped cannot be told from another', () => {
    expect(shownName(Buffer.concat([Buffer.from('%FF'), Buffer.from([0xfe])])).isUnique).toBe(false)
  })

  it('an escape that would spell UTF-8 stands for no name but itself', () => {
    expect(rawName('%C3%A9')).toBeUndefined()
  })
})
