import fc from 'fast-check'
import type { Delivered } from './model.ts'

/** Rows in files, and the files in batches, in the order in which they come. */
export type Batches = readonly (readonly Delivered[])[]

export interface HistoryShape {
  /** Number of columns in `sequence_by`. */
  readonly sequences: number
  readonly untracked: boolean
}

interface Drawn {
  readonly key: number
  readonly sequence: readonly number[]
  readonly tracked: string | null
  readonly untracked: string | null
  readonly deleted: boolean
  readonly file: number
}

/** Few keys, times and values, so that ties, returns and equal neighbours are common. */
export function histories({ sequences, untracked }: HistoryShape): fc.Arbitrary<Batches> {
  const row: fc.Arbitrary<Drawn> = fc.record({
    key: fc.integer({ min: 1, max: 2 }),
    sequence: fc.tuple(...Array.from({ length: sequences }, (_, index) => fc.integer({ min: 1, max: index === 0 ? 7 : 2 }))),
    tracked: fc.constantFrom('a', 'b', null),
    untracked: untracked ? fc.constantFrom('x', 'y') : fc.constant(null),
    deleted: fc.nat(4).map((drawn) => drawn === 0),
    file: fc.nat(4),
  })
  return fc
    .record({ rows: fc.array(row, { minLength: 1, maxLength: 10 }), batchOf: fc.array(fc.nat(4), { minLength: 5, maxLength: 5 }) })
    .map(cut)
}

/** Files are named against the order of their times; which batch a file comes with has nothing to do with either. */
function cut({ rows, batchOf }: { readonly rows: readonly Drawn[]; readonly batchOf: readonly number[] }): Batches {
  const delivered = rows.map(({ file, ...row }, index) => ({
    ...row,
    file: { modified: 1_700_000_000 + Math.floor(file / 2), path: `/landing/${9 - file}.csv` },
    row: index,
    batch: batchOf[file] ?? 0,
  }))
  return [0, 1, 2, 3, 4].map((batch) => delivered.filter((row) => row.batch === batch)).filter((batch) => batch.length > 0)
}

export interface SnapshotBatch {
  readonly rows: readonly Delivered[]
  readonly files: readonly Delivered['file'][]
  /** Deletes of the keys that the snapshot before had. */
  readonly missing: readonly Delivered[]
}

/** Full snapshots in the order of their times, several in a batch, some of them empty. */
export function snapshots(): fc.Arbitrary<readonly SnapshotBatch[]> {
  const snapshot = fc.dictionary(fc.constantFrom('1', '2', '3'), fc.constantFrom('a', 'b'))
  return fc
    .array(fc.array(snapshot, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((batches) => batches.map((batch, index) => batch.map((values, place) => ({ values, time: 1_700_000_000 + index * 3 + place }))))
    .map((batches) => {
      const all = batches.flat()
      return batches.map((batch) => ({
        files: batch.map(({ time }) => fileOf(time)),
        rows: batch.flatMap(({ values, time }) => Object.entries(values).map(([key, tracked]) => snapshotRow(key, time, tracked))),
        missing: batch.flatMap((one) => {
          const before = all[all.indexOf(one) - 1]?.values ?? {}
          return Object.keys(before).flatMap((key) => (key in one.values ? [] : [snapshotRow(key, one.time, null)]))
        }),
      }))
    })
}

function snapshotRow(key: string, time: number, tracked: string | null): Delivered {
  return { key: Number(key), sequence: [], tracked, untracked: null, deleted: tracked === null, file: fileOf(time), row: 0 }
}

function fileOf(time: number): Delivered['file'] {
  return { modified: time, path: `/landing/${time}.csv` }
}
