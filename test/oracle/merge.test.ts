import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { merge } from '../../src/strategies/merge.ts'
import { session } from '../support/session.ts'
import { tableConfig } from '../support/table.ts'
import { histories } from './histories.ts'
import { merged } from './model.ts'
import { PlanTable } from './plan-table.ts'

const RUNS = Number(process.env['INGEST_TEST_RUNS'] ?? '40')

describe.each([
  { name: 'one column', sequences: 1 },
  { name: 'two columns', sequences: 2 },
  { name: 'files', sequences: 0 },
])('rows ordered by $name', ({ sequences }) => {
  const sequenceBy = Array.from({ length: sequences }, (_, index) => `s${index}`)

  test('are those of the model, however they are cut and in whatever order they come', { timeout: 300_000 }, async () => {
    const held = new PlanTable(await session(), merge, tableConfig({ strategy: 'merge', primaryKeys: ['id'], sequenceBy }))
    await fc.assert(
      fc.asyncProperty(histories({ sequences, untracked: true }), async (batches) => {
        await held.clear()
        for (const batch of batches) {
          const { counts } = await held.load(batch)
          const { inserted = 0, updated = 0, deleted = 0, unchanged = 0, superseded = 0 } = counts
          expect(inserted + updated + deleted + unchanged + superseded).toBe(batch.length)
        }
        const rows = await held.rows(`to_json([id, ${sequenceBy.join(', ')}]::bigint[])::varchar as k, to_json([a, u])::varchar as v`)
        const expected = merged(batches.flat()).map(
          ({ key, sequence, tracked, untracked }) => `${JSON.stringify([key, ...sequence])} ${JSON.stringify([tracked, untracked])}`,
        )
        expect(rows.map(({ k, v }) => `${k} ${v}`).toSorted()).toEqual(expected.toSorted())
      }),
      { numRuns: RUNS },
    )
  })
})
