import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import fc from 'fast-check'
import picomatch from 'picomatch'
import { expect, it } from 'vitest'
import { listerOf, listing, refusal } from './support.ts'

const PATTERNS = [
  '*.csv',
  '*/*.csv',
  '**/*.csv',
  '**',
  'a/**/b/*',
  'a/**/*.csv',
  '*/b/**',
  '{a,b/c}/*.csv',
  '[ab]/?.csv',
  '**/b/**/*.csv',
  'a',
  'a/b',
  'a/a.csv',
  '*/a.csv',
  '{a,a/b}/{a,c}.csv',
  '**/a*/**',
]

const FOLDERS = ['a', 'a', 'b', 'b', 'c', 'a.csv', '_a']
const NAMES = ['a.csv', 'b.csv', 'c.csv', 'a.csv.gz', 'c.CSV', 'a', 'b', '_a.csv', 'a.tmp', 'x.bak', 'ü.csv']

interface Node {
  readonly path: readonly string[]
  readonly kind: 'file' | 'folder' | 'link'
  /** Which of the nodes a link leads to. */
  readonly target: number
}

const nodeOf = (...kinds: readonly Node['kind'][]): fc.Arbitrary<Node> =>
  fc.record({
    path: fc
      .tuple(fc.array(fc.constantFrom(...FOLDERS), { maxLength: 3 }), fc.constantFrom(...NAMES))
      .map(([folders, name]) => [...folders, name]),
    kind: fc.constantFrom(...kinds),
    target: fc.nat(12),
  })

/** Few links: the paths through folders that all lead to each other are as many as their orders. */
const tree: fc.Arbitrary<readonly Node[]> = fc
  .tuple(
    fc.array(nodeOf('file', 'file', 'file', 'folder'), { minLength: 4, maxLength: 14, size: 'max' }),
    fc.array(nodeOf('link'), { maxLength: 3 }),
  )
  .map(([nodes, links]) => [...nodes.slice(0, 4), ...links, ...nodes.slice(4)])

/** Makes what can be made: a node whose place is taken, or whose folder is a file, is left out. */
function make(root: string, nodes: readonly Node[]): void {
  const made = [root]
  for (const { path, kind, target } of nodes) {
    const at = join(root, ...path)
    try {
      mkdirSync(dirname(at), { recursive: true })
      if (kind === 'file') writeFileSync(at, 'x', { flag: 'wx' })
      else if (kind === 'folder') mkdirSync(at)
      else symlinkSync(relative(dirname(at), made[target % made.length] ?? root), at)
      made.push(at)
    } catch {
      // Random trees clash with themselves; what exists by now is the tree.
    }
  }
}

interface Seen {
  /** Absolute. */
  readonly path: string
  readonly isFile: boolean
}

/** Everything below a folder, links followed, none into a folder that it lies in; ignored folders are entered, too. */
function everything(base: string): readonly Seen[] {
  const walk = (folder: string, above: readonly number[]): readonly Seen[] =>
    readdirSync(folder).flatMap((name) => {
      const path = `${folder}/${name}`
      const stats = statSync(path, { throwIfNoEntry: false })
      if (stats === undefined) return [{ path, isFile: false }]
      if (!stats.isDirectory()) return [{ path, isFile: true }]
      const self = { path, isFile: false }
      return above.includes(stats.ino) ? [self] : [self, ...walk(path, [...above, stats.ino])]
    })
  const stats = statSync(base, { throwIfNoEntry: false })
  return stats?.isDirectory() === true ? walk(base, [stats.ino]) : []
}

const isIgnored = (path: string, base: string) =>
  path
    .slice(base.length + 1)
    .split('/')
    .some((name) => /^[._]|\.(tmp|part|crdownload|filepart|bak)$/.test(name))

function isMatched(pattern: string, path: string): boolean {
  const options = { dot: true, nonegate: true, noext: true }
  if (pattern === path || (!/[*?[{]/.test(pattern) && path.startsWith(`${pattern}/`))) return true
  if (!/[*?[{]/.test(pattern)) return false
  // A trailing ** of picomatch also takes the folder itself.
  const files = pattern.endsWith('/**') ? `${pattern}/*` : pattern
  if (picomatch.isMatch(path, files, options)) return true
  return (
    /\.csv$/.test(pattern.replace(/\{a,c\}/, '')) &&
    /\.(gz|zst)$/.test(path) &&
    picomatch.isMatch(path.replace(/\.(gz|zst)$/, ''), files, options)
  )
}

it('a listing finds exactly the files that comparing every path finds, and a look at each path agrees', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.constantFrom(...PATTERNS), async (nodes, pattern) => {
      const root = mkdtempSync(join(tmpdir(), 'ingestd-agree-'))
      try {
        make(root, nodes)
        const lister = listerOf(`${root}/${pattern}`, { ignore: ['*.bak'] })
        const all = everything(lister.base)
        const isTaken = ({ path, isFile }: Seen) =>
          isFile && isMatched(pattern, path.slice(root.length + 1)) && !isIgnored(path, lister.base)
        const { paths, problems } = await listing(lister)
        expect(paths).toEqual(
          all
            .filter(isTaken)
            .map(({ path }) => path)
            .sort(),
        )
        expect(problems.filter(({ code }) => code !== 'ING-SOURCE-MISSING')).toEqual([])
        // Also names below folders that were not entered, which a listing must not know and a look must refuse.
        for (const path of all.flatMap((one) => (one.isFile ? [one.path] : [one.path, `${one.path}/a.csv`]))) {
          const sighting = await lister.look(path)
          expect([path, refusal(sighting) === undefined]).toEqual([path, paths.includes(path)])
        }
      } finally {
        rmSync(root, { recursive: true, force: true })
      }
    }),
    { numRuns: 200 },
  )
})
