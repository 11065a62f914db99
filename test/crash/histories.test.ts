import { utimesSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FAILPOINTS, KEYED_FAILPOINTS, REMOVAL_FAILPOINTS } from '../../src/lib/failpoint.ts'
import { histories } from '../oracle/histories.ts'
import { landedFiles, tableOf, tableQuery } from '../oracle/landed.ts'
import { told } from '../oracle/model.ts'
import { crash, finish, localSource } from './campaign.ts'

const RUNS = Number(process.env['INGEST_TEST_RUNS'] ?? '4')
const SEQUENCES = 1

const POINTS = [...FAILPOINTS.filter((name) => name !== 'after-reopen'), ...KEYED_FAILPOINTS, ...REMOVAL_FAILPOINTS]

test.for([
  { strategy: 'merge', settings: {} },
  { strategy: 'merge', settings: { delta: { deletion_vectors: true, change_data_feed: true } } },
  { strategy: 'scd2', settings: {} },
  { strategy: 'scd2', settings: { delta: { deletion_vectors: true, change_data_feed: true } } },
  { strategy: 'scd2', settings: { output_format: 'parquet' } },
] as const)('a kill in any batch leaves the table of the model: $strategy $settings', async ({ strategy, settings }) => {
  const table = {
    table_name: 't',
    source_path_pattern: '*.csv',
    watch: { settle_seconds: 0 },
    ...tableOf(strategy, SEQUENCES, true),
    ...settings,
  }
  await fc.assert(
    fc.asyncProperty(
      histories({ sequences: SEQUENCES, untracked: true }),
      fc.infiniteStream(fc.constantFrom(...POINTS)),
      async (batches, points) => {
        const made = localSource({ tables: [table] })
        try {
          for (const batch of batches) {
            for (const { name, content, second } of landedFiles(batch, SEQUENCES)) {
              const path = made.write(`landing/${name}`, content)
              utimesSync(path, 1_700_000_000 + second, 1_700_000_000 + second)
            }
            const { value: point } = points.next()
            // Some points are not reached by every batch: then the run simply ends.
            await crash(made, { failpoint: `${point}:1` })
            await finish(made)
          }
          const rows = await made.json<{ told: string }[]>(['query', tableQuery(strategy, SEQUENCES)])
          expect(rows.map((row) => row.told).toSorted()).toEqual(told(strategy, batches.flat()))
          expect((await made.command(['validate', 't', '--json'])).code).toBe(0)
        } finally {
          made.remove()
        }
      },
    ),
    { numRuns: RUNS },
  )
})
