import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TableConfig } from '../../src/model/table.ts'
import { scd2 } from '../../src/strategies/scd2.ts'
import { session } from '../support/session.ts'
import { tableConfig } from '../support/table.ts'
import { type Batches, histories, snapshots } from './histories.ts'
import { history } from './model.ts'
import { PlanTable } from './plan-table.ts'

const RUNS = Number(process.env['INGEST_TEST_RUNS'] ?? '40')

function config(changes: Partial<TableConfig> = {}): TableConfig {
  return { ...tableConfig({ strategy: 'scd2', primaryKeys: ['id'], ...changes }) }
}

const SHAPES = [
  { name: 'ordered by one column', sequences: 1, untracked: false },
  { name: 'ordered by two columns', sequences: 2, untracked: false },
  { name: 'ordered by files', sequences: 0, untracked: false },
  { name: 'with untracked columns', sequences: 1, untracked: true },
  { name: 'with untracked columns, ordered by files', sequences: 0, untracked: true },
]

describe.each(SHAPES)('histories $name', ({ sequences, untracked }) => {
  const sequenceBy = Array.from({ length: sequences }, (_, index) => `s${index}`)
  const table = config({ sequenceBy, trackingColumns: untracked ? ['a'] : [] })

  test('are those of the model, however the rows are cut and in whatever order they come', { timeout: 300_000 }, async () => {
    const engine = await session()
    const held = new PlanTable(engine, scd2, table)
    await fc.assert(
      fc.asyncProperty(histories({ sequences, untracked }), async (batches: Batches) => {
        await held.clear()
        for (const batch of batches) {
          const { counts } = await held.load(batch)
          const { inserted = 0, updated = 0, deleted = 0, unchanged = 0, superseded = 0 } = counts
          expect(inserted + updated + deleted + unchanged + superseded).toBe(batch.length)
        }
        expect(await versionsOf(held, sequences)).toEqual(expected(batches, sequences))
      }),
      { numRuns: RUNS },
    )
  })
})

describe('full snapshots', () => {
  test('end what they lack, however many come in one batch', { timeout: 300_000 }, async () => {
    const engine = await session()
    const held = new PlanTable(engine, scd2, config({ keyed: { ...tableConfig().keyed, missingMeansDeleted: true } }))
    await fc.assert(
      fc.asyncProperty(snapshots(), async (batches) => {
        await held.clear()
        for (const { rows, files } of batches) await held.load(rows, files)
        const told = batches.flatMap(({ rows, missing }) => [...rows, ...missing])
        expect(await versionsOf(held, 0)).toEqual(expected([told], 0))
      }),
      { numRuns: RUNS },
    )
  })
})

async function versionsOf(held: PlanTable, sequences: number): Promise<readonly string[]> {
  const date = sequences === 0 ? (column: string) => `epoch(${column})::bigint` : (column: string) => column
  const order = Array.from({ length: sequences }, (_, index) => `s${index}`).join(', ')
  const rows = await held.rows(
    `to_json([id, ${date('effective_date')}, ${date('end_date')}])::varchar as k, to_json([a, u])::varchar as v, to_json([${order}]::bigint[])::varchar as s, is_current as c`,
  )
  return rows.map(({ k, v, s, c }) => `${k} ${v} ${s} ${c}`).toSorted()
}

function expected(batches: Batches, sequences: number): readonly string[] {
  return history(batches.flat())
    .map(({ key, from, until, tracked, untracked, sequence }) => {
      const order = JSON.stringify(sequence.slice(0, sequences))
      return `${JSON.stringify([key, from, until])} ${JSON.stringify([tracked, untracked])} ${order} ${until === null}`
    })
    .toSorted()
}
