import { expect, test } from 'vitest'
import { raw, sql } from '../../../src/engine/sql.ts'
import type { Manifest } from '../../../src/model/manifest.ts'
import type { TableConfig } from '../../../src/model/table.ts'
import { standingOf } from '../../../src/pipeline/quarantine-rows.ts'
import type { OpenTable } from '../../../src/stores/store.ts'
import { session as openedSession } from '../../support/session.ts'
import { tableConfig } from '../../support/table.ts'

/** Batches in their order, a day apart: what one of them did beside loading a file. */
type Step = { readonly to?: number | null; readonly full?: true; readonly took?: readonly string[]; readonly lost?: true }

const DAY_MS = 86_400_000

function manifests(steps: readonly Step[]): readonly Manifest[] {
  let previous: bigint | null = null
  return steps.flatMap((step, index) => {
    const batch = BigInt(index + 1)
    const { to, full, took, lost } = step
    if (lost) return []
    const made: Manifest = {
      ...{ format: 2, appId: 'a', batch, batchId: `b${batch}`, previous, table: 't', files: [], reader: null, sideFiles: [] },
      createdAt: new Date((index + 1) * DAY_MS).toISOString(),
      ...(full ? { replacesAll: true } : {}),
      ...(took === undefined ? {} : { resubmit: { ids: took, files: [] } }),
      ...(to === undefined ? {} : { restore: { version: 0n, batch: to === null ? null : BigInt(to), files: 'pending' } }),
    }
    previous = batch
    return [made]
  })
}

/** Rows `id@batch` that are open after the steps, and those that are over so many days after the first. */
async function standing(
  steps: readonly Step[],
  rows: readonly string[],
  { days = 0, ...changes }: Partial<TableConfig> & { days?: number } = {},
) {
  const session = await openedSession()
  const chain = manifests(steps)
  const target = {
    lastBatch: async () => chain.at(-1)?.batch ?? null,
    readManifest: async (batch: bigint) => chain.find((one) => one.batch === batch),
  } as Partial<OpenTable> as OpenTable
  const values = rows.map((row) => row.split('@')).map(([id, batch]) => `('${id}', 'b${batch}', ${batch})`)
  await session.run(sql`create temp table q (id varchar, _batch_id varchar, _batch_number bigint)`)
  await session.run(sql`insert into q values ${raw(values.join(', '))}`)
  const quarantine = { current: async () => sql`select * from q` } as Partial<OpenTable> as OpenTable
  const given = { table: tableConfig(changes), appId: 'a', session, target, quarantine }
  const { isOpen, isOver } = await standingOf(given, days * DAY_MS)
  const found = await session.rows(sql`select id || '@' || _batch_number as row, ${isOpen} as open, ${isOver} as over from q order by all`)
  const those = (name: string) => found.filter((row) => row[name]).map((row) => String(row['row']))
  return { open: those('open'), over: those('over') }
}

test('rows of batches that the table has are open', async () => {
  expect(await standing([{}, {}], ['x@1', 'y@2'])).toEqual({ open: ['x@1', 'y@2'], over: [] })
})

test('rows of a batch that never reached the table are over as soon as a later one did', async () => {
  expect(await standing([{}, { lost: true }], ['x@1', 'y@2'])).toEqual({ open: ['x@1'], over: [] })
  expect(await standing([{}, { lost: true }, {}], ['x@1', 'y@2'])).toEqual({ open: ['x@1'], over: ['y@2'] })
})

test('rows that a later batch took are resolved, and those that it rejected again are open', async () => {
  const steps = [{}, { took: ['x', 'y'] }]
  expect(await standing(steps, ['x@1', 'y@1', 'y@2', 'z@1'])).toEqual({ open: ['y@2', 'z@1'], over: [] })
  // 30 days is what the log reaches back.
  expect(await standing(steps, ['x@1', 'y@1', 'y@2', 'z@1'], { days: 33 })).toEqual({ open: ['y@2', 'z@1'], over: ['x@1', 'y@1'] })
  expect(await standing(steps, ['x@1'], { days: 3, outputFormat: 'parquet' })).toEqual({ open: [], over: ['x@1'] })
})

test('a restore undoes what came after its batch, also what was taken', async () => {
  expect(await standing([{}, { took: ['x'] }, {}, { to: 1 }], ['x@1', 'y@3'])).toEqual({ open: ['x@1'], over: [] })
  expect(await standing([{}, { took: ['x'] }, {}, { to: 1 }, { to: 3 }], ['x@1', 'y@3'])).toEqual({ open: ['y@3'], over: [] })
  expect(await standing([{}, {}, { to: null }], ['x@1', 'y@2'])).toEqual({ open: [], over: [] })
})

test('a full drop, and a snapshot of a table, leave nothing of what was before', async () => {
  const overwrite = { strategy: 'overwrite' } as const
  expect(await standing([{}, { full: true }, {}], ['x@1', 'y@2', 'z@3'])).toEqual({ open: ['y@2', 'z@3'], over: [] })
  expect(await standing([{}, {}, { took: ['y'] }], ['x@1', 'y@2', 'z@2'], overwrite)).toEqual({ open: ['z@2'], over: [] })
  const partitions = { strategy: 'overwrite', overwriteScope: 'partition' } as const
  expect(await standing([{}, {}], ['x@1', 'y@2'], partitions)).toEqual({ open: ['x@1', 'y@2'], over: [] })
})

test('what was undone is over when no restore reaches back to it', async () => {
  const steps = [{}, { full: true as const }, {}, { full: true as const }]
  expect(await standing(steps, ['x@1', 'y@3', 'z@4'], { days: 33 })).toEqual({ open: ['z@4'], over: ['x@1'] })
  expect(await standing(steps, ['x@1', 'y@3', 'z@4'], { days: 35 })).toEqual({ open: ['z@4'], over: ['x@1', 'y@3'] })
  // Until the restore the first was in the table.
  expect(await standing([{}, { full: true }, { to: 1 }, { full: true }], ['x@1'], { days: 33 })).toEqual({ open: [], over: [] })
})
