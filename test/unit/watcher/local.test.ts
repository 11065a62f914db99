import { execFileSync } from 'node:child_process'
import { chmodSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { land, landingFolder, landRaw, listerOf, listing, refusal } from './support.ts'

/** Rights bind nobody who is root, so the work is done as another user then. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

describe('a listing of local folders', () => {
  it('gives size, time in nanoseconds and a version of both', async () => {
    const root = landingFolder()
    const path = land(join(root, 'a.csv'), 'hello')
    execFileSync('touch', ['-d', '2023-01-02T03:04:05.123456789Z', path])
    const { files } = await listing(listerOf(`${root}/*.csv`))
    const modifiedNs = 1_672_628_645_123_456_789n
    expect(files).toEqual([{ path, rawPath: null, size: 5n, modifiedNs, version: `5-${modifiedNs}` }])
  })

  it('takes compressed files, and nothing that differs by case or depth', async () => {
    const root = landingFolder()
    for (const name of ['a.csv', 'b.csv.gz', 'c.csv.zst', 'd.CSV', 'e.txt', 'sub/f.csv']) land(join(root, name))
    expect((await listing(listerOf(`${root}/*.csv`))).paths).toEqual(['a.csv', 'b.csv.gz', 'c.csv.zst'].map((name) => join(root, name)))
  })

  it('names with all that shells and statements stumble over are files like others', async () => {
    const root = landingFolder()
    const names = [
      'a b.csv',
      'q\'uo"te.csv',
      'new\nline.csv',
      '100%.csv',
      '%FF.csv',
      'h#ash.csv',
      '[x].csv',
      '{a,b}.csv',
      '*.csv',
      '😀.csv',
      'ü\uFFFD.csv',
      ' .csv',
      'back\\slash.csv',
      '-.csv',
    ]
    for (const name of names) land(join(root, name))
    const lister = listerOf(`${root}/*.csv`)
    const { files, problems } = await listing(lister)
    expect(files.map((file) => file.path).sort()).toEqual(names.map((name) => `${root}/${name}`).sort())
    expect(files.every((file) => file.rawPath === null)).toBe(true)
    expect(problems).toEqual([])
    for (const name of names) expect(refusal(await lister.look(`${root}/${name}`))).toBeUndefined()
  })

  it('a name that is not UTF-8 is shown percent-encoded and keeps its bytes', async () => {
    const root = landingFolder()
    const raw = landRaw(root, Buffer.from([0x61, 0xff, 0x2e, 0x63, 0x73, 0x76]))
    const folder = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xc3])])
    mkdirSync(folder)
    const nested = Buffer.concat([folder, Buffer.from('/b.csv')])
    writeFileSync(nested, 'y')
    const lister = listerOf(`${root}/**/*.csv`)
    const { files } = await listing(lister)
    expect(files.map(({ path, rawPath }) => [path, rawPath]).sort()).toEqual([
      [`${root}/%C3/b.csv`, nested.toString('base64')],
      [`${root}/a%FF.csv`, raw.toString('base64')],
    ])
    for (const file of files) expect((await lister.look(file.path)).file).toEqual(file)
  })

  it('of a name that is not UTF-8 and one that spells the same the latter is taken, and the other is reported', async () => {
    const root = landingFolder()
    landRaw(root, Buffer.from([0x61, 0xff, 0x2e, 0x63, 0x73, 0x76]))
    landRaw(root, Buffer.concat([Buffer.from('%FE'), Buffer.from([0xff]), Buffer.from('.csv')]))
    landRaw(root, Buffer.from([0xff, 0x2e, 0x74, 0x78, 0x74]))
    land(join(root, 'a%FF.csv'), 'real')
    const lister = listerOf(`${root}/*.csv`)
    const { files, problems } = await listing(lister)
    expect(files.map(({ path, rawPath, size }) => [path, rawPath, size])).toEqual([[`${root}/a%FF.csv`, null, 4n]])
    expect(problems.map(({ code, message }) => [code, message]).sort()).toEqual(
      ['%FE%FF.csv', 'a%FF.csv'].map((name) => [
        'ING-SOURCE-NAME',
        `${root}/${name} is not taken: its name is not UTF-8 and is shown like another name`,
      ]),
    )
    expect((await lister.look(`${root}/a%FF.csv`)).file?.size).toBe(4n)
  })

  it('a folder named like a file is entered only where the pattern leads below it', async () => {
    const root = landingFolder()
    land(join(root, 'x.csv/inner.csv'))
    expect((await listing(listerOf(`${root}/*.csv`))).paths).toEqual([])
    expect((await listing(listerOf(`${root}/**/*.csv`))).paths).toEqual([`${root}/x.csv/inner.csv`])
    expect(refusal(await listerOf(`${root}/*.csv`).look(`${root}/x.csv`))).toBe('regular_file: it is a folder')
  })

  it('pipes, sockets and links that lead nowhere are not taken and not opened', async () => {
    const root = landingFolder()
    execFileSync('sh', ['-c', 'mkfifo "$0"', join(root, 'pipe.csv')])
    const server = createServer().listen(join(root, 's.csv'))
    await new Promise((resolve) => server.once('listening', resolve))
    symlinkSync('nowhere', join(root, 'dangling.csv'))
    symlinkSync('self.csv', join(root, 'self.csv'))
    symlinkSync('pipe.csv', join(root, 'topipe.csv'))
    symlinkSync('/dev/null', join(root, 'null.csv'))
    land(join(root, 'a.csv'))
    const lister = listerOf(`${root}/*.csv`)
    expect(await listing(lister)).toMatchObject({ paths: [`${root}/a.csv`], problems: [], waiting: [] })
    expect(refusal(await lister.look(`${root}/pipe.csv`))).toBe('regular_file: it is a pipe')
    expect(refusal(await lister.look(`${root}/topipe.csv`))).toBe('regular_file: it is a pipe')
    expect(refusal(await lister.look(`${root}/s.csv`))).toBe('regular_file: it is a socket')
    expect(refusal(await lister.look(`${root}/null.csv`))).toBe('regular_file: it is a device')
    expect(refusal(await lister.look(`${root}/dangling.csv`))).toBe('exists: it is a link that leads nowhere')
    expect(refusal(await lister.look(`${root}/self.csv`))).toBe('exists: it is a link that leads nowhere')
    await new Promise((resolve) => server.close(resolve))
  })

  it('links to files and folders are followed, and a circle of them ends', async () => {
    const root = landingFolder()
    const outside = landingFolder()
    land(join(outside, 'far/o.csv'), 'outside')
    land(join(root, 'd/a.csv'))
    symlinkSync(join(outside, 'far'), join(root, 'd/far'))
    symlinkSync(join(outside, 'far/o.csv'), join(root, 'link.csv'))
    symlinkSync('..', join(root, 'd/up'))
    symlinkSync('.', join(root, 'here'))
    lutimesSync(join(root, 'link.csv'), 1, 1)
    const lister = listerOf(`${root}/**/*.csv`)
    const { files, problems, paths } = await listing(lister)
    expect(paths).toEqual(['d/a.csv', 'd/far/o.csv', 'link.csv'].map((name) => join(root, name)))
    expect(files.find((file) => file.path.endsWith('link.csv'))).toMatchObject({ size: 7n, modifiedNs: 1_600_000_000_000_000_000n })
    expect(problems).toEqual([])
    expect(refusal(await lister.look(`${root}/d/up/link.csv`))).toBe(
      `exists: ${root}/d/up leads back to a folder that it lies in; files there are found by the shorter path`,
    )
  })

  it('a link that leads above the base does not lead back into it', async () => {
    const root = landingFolder()
    land(join(root, 'in/a.csv'))
    land(join(root, 'b.csv'))
    symlinkSync('..', join(root, 'in/up'))
    const lister = listerOf(`${root}/in/**/*.csv`)
    expect((await listing(lister)).paths).toEqual([`${root}/in/a.csv`, `${root}/in/up/b.csv`])
    expect(refusal(await lister.look(`${root}/in/up/in/a.csv`))).toMatch(/^exists: .*\/in\/up\/in leads back to a folder that it lies in/)
  })

  it('a folder that may not be listed is a problem, and the rest goes on', async () => {
    const root = landingFolder()
    land(join(root, 'open/a.csv'))
    land(join(root, 'shut/b.csv'))
    land(join(root, 'blind/c.csv'))
    land(join(root, 'blind/d.csv'))
    for (const [name, mode] of [
      ['', 0o755],
      ['shut', 0o000],
      ['blind', 0o444],
    ] as const)
      chmodSync(join(root, name), mode)
    const lister = listerOf(`${root}/*/*.csv`)
    const { problems, paths, shut, blind } = await asNobody(async () => ({
      ...(await listing(lister)),
      shut: await lister.look(`${root}/shut/b.csv`),
      blind: await lister.look(`${root}/blind/c.csv`),
    }))
    for (const name of ['shut', 'blind']) chmodSync(join(root, name), 0o755)
    expect(paths).toEqual([`${root}/open/a.csv`])
    expect(problems.map(({ code, message }) => [code, message]).sort()).toEqual([
      ['ING-SOURCE-UNREADABLE', `${root}/blind cannot be listed: permission denied`],
      ['ING-SOURCE-UNREADABLE', `${root}/shut cannot be listed: permission denied`],
    ])
    expect(refusal(shut)).toBe(`exists: ${root}/shut cannot be listed: permission denied`)
    expect(refusal(blind)).toBe(`exists: ${root}/blind cannot be listed: permission denied`)
  })

  it('a base folder that may not be listed is a problem', async () => {
    const root = landingFolder()
    land(join(root, 'a.csv'))
    chmodSync(root, 0o000)
    const { problems } = await asNobody(() => listing(listerOf(`${root}/*.csv`)))
    chmodSync(root, 0o755)
    expect(problems.map(({ code }) => code)).toEqual(['ING-SOURCE-UNREADABLE'])
  })

  it('a base folder that does not exist, or is a file, is a problem and no error', async () => {
    const root = landingFolder()
    land(join(root, 'file'))
    for (const [pattern, message] of [
      [`${root}/none/*.csv`, `the source ${root}/none does not exist`],
      [`${root}/file/*.csv`, `the source ${root}/file is not a folder`],
      [`${root}/none.csv`, `the source ${root}/none.csv does not exist`],
    ] as const) {
      const { files, problems } = await listing(listerOf(pattern))
      expect(files).toEqual([])
      expect(problems.map((problem) => [problem.code, problem.message])).toEqual([['ING-SOURCE-MISSING', message]])
    }
    expect(refusal(await listerOf(`${root}/none/*.csv`).look(`${root}/none/a.csv`))).toBe(`exists: the folder ${root}/none does not exist`)
  })

  it('a pattern without a glob is a file, or a folder with all that is below it', async () => {
    const root = landingFolder()
    for (const name of ['c/a.csv', 'c/d/b.csv', 'other.csv']) land(join(root, name))
    expect((await listing(listerOf(`${root}/c`))).paths).toEqual([`${root}/c/a.csv`, `${root}/c/d/b.csv`])
    expect((await listing(listerOf(`${root}/c/`))).paths).toEqual([`${root}/c/a.csv`, `${root}/c/d/b.csv`])
    expect((await listing(listerOf(`${root}/c/a.csv`))).paths).toEqual([`${root}/c/a.csv`])
  })

  it('folders that the pattern cannot lead into are not looked at', async () => {
    const root = landingFolder()
    land(join(root, 'a/x/b.csv'))
    for (const name of ['a/x/deeper', 'a/_hidden', 'a/y.tmp', 'other']) {
      mkdirSync(join(root, name), { recursive: true })
      chmodSync(join(root, name), 0o000)
    }
    chmodSync(root, 0o755)
    const { paths, problems } = await asNobody(() => listing(listerOf(`${root}/{a,none}/*/b.csv`)))
    expect(paths).toEqual([`${root}/a/x/b.csv`])
    expect(problems).toEqual([])
  })

  it('ignored names are not taken, nor is what lies in an ignored folder', async () => {
    const root = landingFolder()
    for (const name of ['a.csv', '.a.csv', '_a.csv', 'b.csv.tmp', '_tmp/c.csv', '.git/d.csv', 'up.part/e.csv', 'skip/f.csv', 'g-old.csv'])
      land(join(root, name))
    const lister = listerOf(`${root}/**`, { ignore: ['skip', '*-old.csv'] })
    expect((await listing(lister)).paths).toEqual([`${root}/a.csv`])
    expect(refusal(await lister.look(`${root}/_tmp/c.csv`))).toBe('not_ignored: the folder "_tmp" is ignored: its name begins with _')
    expect(refusal(await lister.look(`${root}/g-old.csv`))).toBe('not_ignored: watch.ignore has *-old.csv')
  })

  it('a landing folder whose own name would be ignored is listed, since it is named outright', async () => {
    const root = landingFolder()
    land(join(root, '_in/.now/a.csv'))
    expect((await listing(listerOf(`${root}/_in/.now/*.csv`))).paths).toHaveLength(1)
  })
})
