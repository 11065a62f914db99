import { utimesSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { PlacedProject } from '../support/places.ts'
import { logActions } from '../support/project.ts'
import { localSource } from './campaign.ts'

const STRATEGY = fileURLToPath(new URL('../../examples/upsert-by-key.mjs', import.meta.url))
const FILES = 24
const MODES = [
  { deletion_vectors: false, change_data_feed: false },
  { deletion_vectors: true, change_data_feed: false },
  { deletion_vectors: false, change_data_feed: true },
  { deletion_vectors: true, change_data_feed: true },
]

interface Row {
  readonly id: number
  readonly name: string
  readonly op: string
}

/** Numbers that look like chance and are the same each time. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

/** Files in the order of their time; keys come again within a file, in other files, after they were deleted, and never. */
function filesOf(seed: number): readonly (readonly Row[])[] {
  const next = random(seed)
  return Array.from({ length: FILES }, (_, file) =>
    Array.from({ length: 30 }, (_, row) => ({
      id: Math.floor(next() * (file === 0 ? 400 : 120)),
      name: `f${file}r${row}`,
      op: next() < 0.25 ? 'd' : 'u',
    })),
  )
}

function landed(
  seed: number,
  delta: (typeof MODES)[number],
  table: Record<string, unknown> = {},
): { made: PlacedProject; expected: readonly string[] } {
  const made = localSource({
    // Each kill costs the files of the batch an attempt, and here the same ones are killed nine times.
    retry_attempts: 20,
    retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
    tables: [
      {
        table_name: 't',
        source_path_pattern: 't/*.csv',
        loading_strategy: STRATEGY,
        primary_keys: ['id'],
        max_files_per_batch: 2,
        watch: { settle_seconds: 0 },
        delta: { ...delta, checkpoint_interval: 4 },
        ...table,
      },
    ],
  })
  const held = new Map<number, Row>()
  filesOf(seed).forEach((rows, file) => {
    const path = made.write(
      `landing/t/${String(file).padStart(3, '0')}.csv`,
      `id,name,op\n${rows.map(({ id, name, op }) => `${id},${name},${op}`).join('\n')}\n`,
    )
    utimesSync(path, 1_700_000_000 + file, 1_700_000_000 + file)
    for (const row of rows) {
      if (row.op === 'd') held.delete(row.id)
      else held.set(row.id, row)
    }
  })
  return { made, expected: [...held.values()].map(({ id, name }) => `${id} ${name}`).sort() }
}

async function queried(made: PlacedProject, text: string): Promise<readonly string[]> {
  const rows = await made.json<Record<string, unknown>[]>(['query', text])
  return rows.map((row) => Object.values(row).join(' ')).sort()
}

async function expectRows(made: PlacedProject, expected: readonly string[], delta: (typeof MODES)[number]): Promise<void> {
  expect(await queried(made, 'select id, name from default.t')).toEqual(expected)
  const actions = logActions(await made.table('t'))
  const versions = [...new Set(actions.map(({ version }) => version))]
  expect(versions).toEqual(versions.map((_, index) => index))
  const batches = actions.flatMap(({ action }) => (action['txn'] ? [String(action['txn']['version'])] : []))
  expect(new Set(batches).size).toBe(batches.length)
  expect(actions.some(({ action }) => action['add']?.['deletionVector'] !== undefined)).toBe(delta.deletion_vectors)
  expect(actions.some(({ action }) => action['cdc'] !== undefined)).toBe(delta.change_data_feed)
  const files = await made.json<{ status: string; rows_read: number; rows_loaded: number }[]>(['files', '--limit', '1000'])
  expect(files.map((file) => `${file.status} ${file.rows_read} ${file.rows_loaded}`)).toEqual(
    Array.from({ length: FILES }, () => 'completed 30 30'),
  )
  if (!delta.change_data_feed) return
  // Who applies the changes of all versions comes to what the table holds.
  const sign = `case when _change_type in ('insert', 'update_postimage') then 1 else -1 end`
  const replayed = `select id, name from table_changes('default.t', 0) group by id, name having sum(${sign}) > 0`
  expect(await queried(made, replayed)).toEqual(expected)
  expect(
    await queried(made, `select id, name from table_changes('default.t', 0) group by id, name having sum(${sign}) not in (0, 1)`),
  ).toEqual([])
}

test.each(MODES)('upserts and deletes over many batches are what a model says: %o', async (delta) => {
  const { made, expected } = landed(7, delta)
  const { code, stdout, stderr } = await made.command(['run', '--json'])
  expect(code, stdout + stderr).toBe(0)
  await expectRows(made, expected, delta)
})

const STEPS = [
  'after-plan:2',
  'after-removal:1',
  'after-changes:1',
  'after-stage:1',
  'after-manifest:1',
  'commit-before-link:1',
  'commit-after-link:1',
  'after-commit:1',
  'before-settle:1',
]

/** Each way of taking rows out and of telling changes, in one table or in the other. */
const KILLED = MODES.filter(({ deletion_vectors: vectors, change_data_feed: feed }) => vectors === feed)

test.each(KILLED)('kills at every step lose no change and double none: %o', async (delta) => {
  const { made, expected } = landed(11, delta)
  for (const step of STEPS) {
    const { signal } = await made.run(['run', '--json'], { INGEST_FAILPOINT: step })
    // The first batch adds to an empty table, and takes nothing out of it.
    expect(signal, step).toBe('SIGKILL')
  }
  for (let attempt = 0; attempt < 3; attempt += 1) await made.command(['run', '--json'])
  await expectRows(made, expected, delta)
})

test('a partitioned table, and a dry run that counts', async () => {
  const delta = { deletion_vectors: true, change_data_feed: true }
  const { made, expected } = landed(3, delta, { partition_columns: ['op'] })
  const dry = await made.json<{ tables: { plan: { rows: unknown } }[] }>(['run', '--dry-run'])
  expect(dry.tables).toHaveLength(1)
  const { code, stdout } = await made.command(['run', '--json'])
  expect(code, stdout).toBe(0)
  await expectRows(made, expected, delta)
})
