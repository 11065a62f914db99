import { utimesSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { localBlobs } from '../../../src/blobs/local.ts'
import { raw, sql } from '../../../src/engine/sql.ts'
import { mergedWith, readSideFiles, removeSideFiles, writeSideFiles } from '../../../src/stores/side-files.ts'
import type { ObservationShape } from '../../../src/stores/store.ts'
import { Bench } from './support.ts'

const SHAPE: ObservationShape = {
  columns: [
    { name: 'id', type: 'BIGINT' },
    { name: 'at', type: 'TIMESTAMP WITH TIME ZONE' },
    { name: '_sequence', type: 'VARCHAR' },
    { name: '__deleted', type: 'BOOLEAN' },
  ],
  keys: ['id'],
  order: ['at', '_sequence'],
  observes: 'newest',
  lateWindowMs: 86_400_000,
}

function namer(): () => string {
  let names = 0
  return () => {
    names += 1
    return `id${names}`
  }
}

async function side(shape: Partial<ObservationShape> = {}) {
  const bench = await Bench.make()
  onTestFinished(() => bench[Symbol.asyncDispose]())
  const blobs = localBlobs(bench.root)
  let batch = 0n
  let inForce: readonly string[] = []
  const io = { name: 'default.t', blobs, session: bench.session, newId: namer() }
  return {
    bench,
    blobs,
    inForce: () => inForce,
    /** Observes rows of (id, day, deleted) with the next batch. */
    async observe(rows: string) {
      batch += 1n
      const observe = raw(
        `select id::bigint as id, timestamptz '2024-01-01' + interval 1 day * d as "at", d::varchar as _sequence, x as __deleted from (values ${rows}) as v(id, d, x)`,
      )
      inForce = await writeSideFiles({ ...SHAPE, ...shape, observe, previous: inForce, batch, batchId: `b${batch}` }, io)
      return inForce
    },
    rows: async (of = SHAPE) =>
      (await bench.session.rows(sql`select id, _sequence, __deleted from (${await readSideFiles(inForce, of, io)}) order by all`)).map(
        (row) => Object.values(row).join(' '),
      ),
  }
}

test('each batch adds a file, and what is observed is read back', async () => {
  const files = await side()
  await files.observe(`(1, 5, true)`)
  await files.observe(`(2, 6, false)`)
  expect(files.inForce()).toHaveLength(2)
  expect(await files.rows()).toEqual(['1 5 true', '2 6 false'])
})

test('nothing observed is no file', async () => {
  const files = await side()
  expect(await files.observe(`(1, 5, true)`)).toEqual([expect.stringMatching(/^_ingestd\/observations\/0{19}1-id1-1\.observed$/)])
  await files.bench.session.run(raw('create temp table nothing (id bigint)'))
  const before = files.inForce()
  const inForce = await writeSideFiles(
    {
      ...SHAPE,
      observe: raw('select 1 as id, now() as "at", null as _sequence, true as __deleted where false'),
      previous: before,
      batch: 2n,
      batchId: 'b',
    },
    { name: 't', blobs: files.blobs, session: files.bench.session, newId: () => 'x' },
  )
  expect(inForce).toEqual(before)
})

test('files of one size are made one, which keeps the newest of each key', async () => {
  const files = await side()
  for (const row of [`(1, 5, true)`, `(1, 9, false)`, `(2, 1, true)`, `(1, 7, true)`]) await files.observe(row)
  expect(files.inForce()).toHaveLength(1)
  expect(await files.rows()).toEqual(['1 9 false', '2 1 true'])
})

test('where every observation counts, those beyond the late window of their key go', async () => {
  const files = await side({ observes: 'every' })
  for (const row of [`(1, 1, false)`, `(1, 8, false)`, `(1, 9, false)`, `(2, 1, true)`]) await files.observe(row)
  expect(await files.rows()).toEqual(['1 8 false', '1 9 false', '2 1 true'])
})

test('few files are read however many batches there were, and each row is written a few times', () => {
  let inForce: string[] = []
  let written = 0n
  for (let batch = 0; batch < 2000; batch += 1) {
    const merged = mergedWith(10n, inForce)
    const gone = new Set(merged)
    const rows = merged.reduce((sum, path) => sum + BigInt(/-(\d+)\./.exec(path)?.[1] ?? 0), 10n)
    written += rows
    inForce = [...inForce.filter((path) => !gone.has(path)), `f-${batch}-${rows}.observed`]
    expect(inForce.length).toBeLessThan(24)
  }
  expect(written).toBeLessThan(20_000n * 12n)
})

test('a missing file and other keys are told', async () => {
  const files = await side()
  await files.observe(`(1, 5, true)`)
  await expect(files.rows({ ...SHAPE, columns: [...SHAPE.columns, { name: 'other', type: 'BIGINT' }] })).rejects.toMatchObject({
    code: 'ING-TABLE-KEYS',
  })
  await files.blobs.remove(files.inForce()[0] ?? '')
  await expect(files.rows()).rejects.toMatchObject({ code: 'ING-TABLE-LOG' })
})

test('files go only when they are out of force for long enough, by the time when they were superseded', async () => {
  const files = await side()
  const listed = async () =>
    (await files.blobs.list('_ingestd/observations')).map(({ path }) => path).filter((path) => path.endsWith('.observed'))
  const old = new Date(1_600_000_000_000)
  for (let batch = 0; batch < 3; batch += 1) {
    await files.observe(`(${batch}, 5, true)`)
    utimesSync(files.blobs.localPath(files.inForce().at(-1) ?? ''), old, old)
  }
  await files.observe(`(3, 5, true)`)
  expect(await listed()).toHaveLength(4)
  // Superseded just now, though their own time is long ago.
  await removeSideFiles(files.inForce(), 1_650_000_000_000, files.blobs)
  expect(await listed()).toHaveLength(4)
  await removeSideFiles(files.inForce(), Date.now() + 60_000, files.blobs)
  expect(await listed()).toEqual(files.inForce())
})
