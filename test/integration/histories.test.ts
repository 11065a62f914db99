import fc from 'fast-check'
import { expect, test } from 'vitest'
import { histories } from '../oracle/histories.ts'
import { landedFiles, tableOf, tableQuery } from '../oracle/landed.ts'
import { told } from '../oracle/model.ts'
import { Landing } from '../support/landing.ts'

const RUNS = Number(process.env['INGEST_TEST_RUNS'] ?? '2')

const MODES = [
  { mode: 'copy-on-write', settings: {} },
  { mode: 'deletion vectors', settings: { delta: { deletion_vectors: true, change_data_feed: true } } },
  { mode: 'parquet', settings: { output_format: 'parquet' } },
] as const
const SHAPES = [
  { strategy: 'merge', sequences: 1, untracked: true },
  { strategy: 'merge', sequences: 0, untracked: false },
  { strategy: 'scd2', sequences: 1, untracked: true },
  { strategy: 'scd2', sequences: 2, untracked: false },
  { strategy: 'scd2', sequences: 0, untracked: false },
] as const

test.for(MODES.flatMap((mode) => SHAPES.map((shape) => ({ ...mode, ...shape }))))(
  'tables are those of the model, whatever the order and the cuts: $mode, $strategy by $sequences columns, untracked $untracked',
  { timeout: 600_000 },
  async ({ settings, strategy, sequences, untracked }) => {
    await fc.assert(
      fc.asyncProperty(histories({ sequences, untracked }), fc.boolean(), async (batches, oneByOne) => {
        const limits = oneByOne ? { max_files_per_batch: 1 } : {}
        const landing = new Landing({ ...tableOf(strategy, sequences, untracked), ...settings, ...limits })
        for (const batch of batches) {
          for (const { name, content, second } of landedFiles(batch, sequences)) landing.land(name, content, second)
          const { tables } = await landing.run()
          expect(tables[0]?.errors).toEqual([])
        }
        expect(await tableText(landing, tableQuery(strategy, sequences))).toEqual(told(strategy, batches.flat()))
      }),
      { numRuns: RUNS },
    )
  },
)

async function tableText(landing: Landing, text: string): Promise<readonly string[]> {
  const lines: string[] = []
  await landing.use((ingest) =>
    ingest.query(text, async ({ chunks }) => {
      for await (const chunk of chunks) lines.push(...chunk.map(([line]) => String(line)))
    }),
  )
  return lines.toSorted()
}
