import { closeSync, mkdirSync, openSync, readdirSync, rmSync, unlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { land, landingFolder, landRaw, listerOf, listing, refusal } from './support.ts'

const NOW = 1_700_000_000_000
const clock = { now: () => NOW }

describe('complete files', () => {
  it('a file younger than settle_seconds waits, and says for how long', async () => {
    const root = landingFolder()
    land(join(root, 'old.csv'), 'x', NOW - 2000)
    land(join(root, 'young.csv'), 'x', NOW - 500)
    const lister = listerOf(`${root}/*.csv`, { settleMs: 2000 }, clock)
    const { paths, waiting } = await listing(lister)
    expect(paths).toEqual([`${root}/old.csv`])
    expect(waiting.map(({ file, reason, readyInMs }) => [file.path, reason, readyInMs])).toEqual([[`${root}/young.csv`, 'settling', 1500]])
    expect(refusal(await lister.look(`${root}/young.csv`))).toBe(
      'settled: it was modified 2023-11-14T22:13:19.500Z and may still be changing: settle_seconds is 2, complete in 1.5 s if left alone',
    )
  })

  it('a modified time in the future counts as now', async () => {
    const root = landingFolder()
    land(join(root, 'a.csv'), 'x', NOW + 9e9)
    const { waiting } = await listing(listerOf(`${root}/*.csv`, { settleMs: 2000 }, clock))
    expect(waiting.map(({ readyInMs }) => readyInMs)).toEqual([2000])
  })

  it('a file waits for a marker beside it, and markers are never taken', async () => {
    const root = landingFolder()
    for (const name of ['a.csv', 'a.csv.done', 'b.csv']) land(join(root, name))
    const lister = listerOf(`${root}/*`, { marker: '{name}.done' })
    const { paths, waiting } = await listing(lister)
    expect(paths).toEqual([`${root}/a.csv`])
    expect(waiting.map(({ file, reason, readyInMs }) => [file.path, reason, readyInMs])).toEqual([[`${root}/b.csv`, 'marker', null]])
    expect(refusal(await lister.look(`${root}/b.csv`))).toBe('marker: its marker b.csv.done is not there')
    expect(refusal(await lister.look(`${root}/a.csv.done`))).toBe('not_ignored: it is a marker (watch.marker is {name}.done)')
  })

  it('the marker of a folder vouches for the files of that folder alone', async () => {
    const root = landingFolder()
    for (const name of ['d1/a.csv', 'd1/_SUCCESS', 'd1/sub/b.csv', 'd2/c.csv']) land(join(root, name))
    const { paths, waiting } = await listing(listerOf(`${root}/**/*.csv`, { marker: '_SUCCESS' }))
    expect(paths).toEqual([`${root}/d1/a.csv`])
    expect(waiting.map(({ file }) => file.path).sort()).toEqual([`${root}/d1/sub/b.csv`, `${root}/d2/c.csv`])
  })

  it('a name that is not UTF-8 has its marker by its bytes', async () => {
    const root = landingFolder()
    landRaw(root, Buffer.from([0xff, 0x2e, 0x63, 0x73, 0x76]))
    const lister = listerOf(`${root}/*`, { marker: '{name}.done' })
    expect((await listing(lister)).waiting).toHaveLength(1)
    landRaw(root, Buffer.concat([Buffer.from([0xff]), Buffer.from('.csv.done')]))
    expect((await listing(lister)).paths).toEqual([`${root}/%FF.csv`])
    expect(refusal(await lister.look(`${root}/%FF.csv`))).toBeUndefined()
  })

  it('modified_after leaves out older files', async () => {
    const root = landingFolder()
    land(join(root, 'old.csv'), 'x', NOW - 5000)
    land(join(root, 'new.csv'), 'x', NOW - 3000)
    const lister = listerOf(`${root}/*.csv`, { modifiedAfterMs: NOW - 4000 }, clock)
    expect(await listing(lister)).toMatchObject({ paths: [`${root}/new.csv`], waiting: [] })
    expect(refusal(await lister.look(`${root}/old.csv`))).toBe(
      'modified_after: it was modified 2023-11-14T22:13:15.000Z, before modified_after 2023-11-14T22:13:16.000Z',
    )
  })
})

describe('explaining a path', () => {
  it('names every decision of a file that is taken', async () => {
    const root = landingFolder()
    const path = land(join(root, 'a.csv'))
    const lister = listerOf(`${root}/*.csv`, { marker: '_OK', modifiedAfterMs: 0, settleMs: 1000 })
    land(join(root, '_OK'))
    const { steps, file } = await lister.look(`${root}//sub/../a.csv`)
    expect(file?.path).toBe(path)
    expect(steps.map(({ check, passed }) => [check, passed])).toEqual(
      ['matched', 'not_ignored', 'exists', 'regular_file', 'modified_after', 'settled', 'marker'].map((check) => [check, true]),
    )
  })

  it('says what a file that is not there lacks', async () => {
    const root = landingFolder()
    const lister = listerOf(`${root}/*.csv`)
    expect(refusal(await lister.look(`${root}/a.csv`))).toBe('exists: there is no such file')
    expect(refusal(await lister.look(`${root}/a.CSV`))).toBe(
      `matched: matches orders but for the suffix .CSV, it takes .csv (the pattern is ${root}/*.csv)`,
    )
    expect(refusal(await lister.look(root))).toBe(`matched: lies outside ${root}`)
    expect(refusal(await lister.look(`${root}/a\0.csv`))).toBe('exists: there is no such file')
    expect(refusal(await lister.look(`${root}/${'a'.repeat(300)}.csv`))).toBe('exists: there is no such file')
  })
})

describe('pages', () => {
  it('hold at most 10,000 files, and a listing can be ended between them', async () => {
    const root = landingFolder()
    mkdirSync(join(root, 'd'))
    for (let n = 0; n < 10_050; n += 1) closeSync(openSync(join(root, 'd', `${n}.csv`), 'w'))
    const lister = listerOf(`${root}/*/*.csv`)
    const sizes: number[] = []
    const paths = new Set<string>()
    for await (const page of lister.pages(new AbortController().signal)) {
      sizes.push(page.files.length)
      for (const file of page.files) paths.add(file.path)
    }
    // A page ends with a chunk.
    expect(sizes).toHaveLength(2)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10_000)
    expect(paths.size).toBe(10_050)
    const before = openFiles()
    for await (const _ of lister.pages(new AbortController().signal)) break
    const abort = new AbortController()
    const reason = new Error('stopped')
    await expect(
      (async () => {
        for await (const _ of lister.pages(abort.signal)) abort.abort(reason)
      })(),
    ).rejects.toBe(reason)
    expect(openFiles()).toBe(before)
  })

  it('files that come and go while a folder is listed end no listing', async () => {
    const root = landingFolder()
    for (let n = 0; n < 10_200; n += 1) closeSync(openSync(join(root, `${n}.csv`), 'w'))
    mkdirSync(join(root, 'sub'))
    const pages = listerOf(`${root}/**/*.csv`).pages(new AbortController().signal)
    let isFirst = true
    for await (const page of pages) {
      expect(page.problems).toEqual([])
      if (isFirst) for (let n = 0; n < 10_200; n += 1) unlinkSync(join(root, `${n}.csv`))
      if (isFirst) rmSync(root, { recursive: true })
      isFirst = false
    }
    expect(isFirst).toBe(false)
  })

  it('of nothing there are none', async () => {
    const root = landingFolder()
    utimesSync(root, 1, 1)
    expect((await listing(listerOf(`${root}/*.csv`))).pages).toBe(0)
  })
})

function openFiles(): number {
  return readdirSync(process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd').length
}
