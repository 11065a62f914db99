import { expect, test } from 'vitest'
import type { Manifest } from '../../../src/model/manifest.ts'
import { restoredFiles } from '../../../src/pipeline/undone.ts'

/** Batches by number: files as `path@version`, or the batch that a restore went back to. */
type Batches = Readonly<Record<number, { readonly files?: readonly string[]; readonly to?: number | null; readonly full?: true }>>

function manifests(batches: Batches): Map<bigint, Manifest> {
  const numbers = Object.keys(batches).map(Number)
  return new Map(
    numbers.map((number, index) => {
      const { files = [], to, full } = batches[number] ?? {}
      const previous = index === 0 ? null : BigInt(numbers[index - 1] ?? 0)
      return [BigInt(number), manifest(BigInt(number), previous, files, { to, full })]
    }),
  )
}

function manifest(
  batch: bigint,
  previous: bigint | null,
  files: readonly string[],
  { to, full }: { readonly to: number | null | undefined; readonly full: true | undefined },
): Manifest {
  return {
    format: to === undefined ? 1 : 2,
    appId: 'ingestd/x/t',
    batch,
    batchId: `b${batch}`,
    previous,
    table: 't',
    createdAt: '2026-01-01T00:00:00.000Z',
    files: files.map((file) => {
      const [path = '', version = ''] = file.split('@')
      const rows = { read: 1n, loaded: 1n, rejected: 0n, filtered: 0n, deduplicated: 0n }
      return { path, version, rawPath: null, size: 1n, modifiedNs: 1n, unit: path, rows }
    }),
    reader: null,
    sideFiles: [],
    ...(full ? { replacesAll: true } : {}),
    ...(to === undefined ? {} : { restore: { version: 0n, batch: to === null ? null : BigInt(to), files: 'pending' as const } }),
  }
}

/** What going back to a batch does, as `path undone→loaded by`. */
async function restored(batches: Batches, to: number | null): Promise<readonly string[]> {
  const known = manifests(batches)
  const previous = [...known.keys()].at(-1) ?? null
  const files = await restoredFiles({ previous, batch: to === null ? null : BigInt(to) }, async (number) => {
    const found = known.get(number)
    if (found === undefined) throw new Error(`no manifest ${number}`)
    return found
  })
  return files
    .map(({ path, undone, loaded }) => `${path} ${undone ?? '-'}→${loaded === null ? '-' : `${loaded.version} ${loaded.batchId}`}`)
    .sort()
}

test('loads after the batch are undone, those up to it stay', async () => {
  const batches = { 1: { files: ['a@1'] }, 2: { files: ['b@1', 'c@1'] }, 3: { files: ['d@1'] } }
  expect(await restored(batches, 1)).toEqual(['b 1→-', 'c 1→-', 'd 1→-'])
  expect(await restored(batches, null)).toEqual(['a 1→-', 'b 1→-', 'c 1→-', 'd 1→-'])
  expect(await restored(batches, 3)).toEqual([])
})

test('an earlier load of a path that is undone is found among those that stay', async () => {
  expect(await restored({ 1: { files: ['a@1', 'b@1'] }, 2: { files: ['a@2'] }, 3: { files: ['a@3'] } }, 1)).toEqual(['a 3→1 b1'])
})

test('a restore of a version before an earlier restore brings back what that one undid', async () => {
  const batches = { 1: { files: ['a@1'] }, 2: { files: ['b@1'] }, 3: { to: 1 }, 4: { files: ['c@1'] } }
  expect(await restored(batches, 2)).toEqual(['b -→1 b2', 'c 1→-'])
  expect(await restored(batches, 3)).toEqual(['c 1→-'])
  expect(await restored(batches, 1)).toEqual(['c 1→-'])
})

test('a path that was loaded again after a restore stands for the older load once that is in force', async () => {
  const batches = { 1: { files: ['a@1'] }, 2: { files: ['b@1'] }, 3: { to: 1 }, 4: { files: ['b@1'] } }
  expect(await restored(batches, 2)).toEqual(['b 1→1 b2'])
})

test('restores of restores, and of the time before any load', async () => {
  const batches = { 1: { files: ['a@1'] }, 2: { to: null }, 3: { files: ['b@1'] }, 4: { to: 1 }, 5: { to: 3 } }
  expect(await restored(batches, 4)).toEqual(['a -→1 b1', 'b 1→-'])
  expect(await restored(batches, 2)).toEqual(['b 1→-'])
})

test('a full drop ends what was in force before it', async () => {
  const batches = { 1: { files: ['a@1', 'b@1'] }, 2: { files: ['a@1'], full: true as const }, 3: { files: ['b@1'] } }
  // Its rows left with the full drop: the load of batch 1 is not in force.
  expect(await restored(batches, 2)).toEqual(['b 1→-'])
  expect(await restored(batches, 1)).toEqual(['a 1→1 b1', 'b 1→1 b1'])
})

test('mended rows that are undone count as rejected again, those that come back as loaded', async () => {
  const rows = { read: 1n, loaded: 1n, rejected: 0n, filtered: 0n, deduplicated: 0n }
  const known = manifests({ 1: { files: ['a@1', 'b@1'] }, 2: {}, 3: {}, 4: { files: ['c@1'] } })
  for (const batch of [2n, 3n]) {
    const found = known.get(batch)
    const files = [{ path: 'a', version: '1', batchId: 'b1', rows }]
    if (found) known.set(batch, { ...found, resubmit: { ids: [`${batch}`], files } })
  }
  const back = async (previous: bigint, batch: bigint) => {
    const files = await restoredFiles({ previous, batch }, async (number) => {
      const found = known.get(number)
      if (found === undefined) throw new Error(`no manifest ${number}`)
      return found
    })
    return files.map(
      (file) => `${file.path} ${file.undone ?? '-'}→${file.loaded?.rows.loaded ?? '-'} + ${file.loaded?.rows.rejected ?? '-'}`,
    )
  }
  expect(await back(4n, 2n)).toEqual(['c 1→- + -', 'a -→2 + -1'])
  expect(await back(3n, 1n)).toEqual(['a -→1 + 0'])
  expect(await back(1n, 3n)).toEqual(['a -→3 + -2'])
  expect(await back(2n, 2n)).toEqual([])
})
