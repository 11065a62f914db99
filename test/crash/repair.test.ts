import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REPAIR_FAILPOINTS } from '../../src/lib/failpoint.ts'
import { query } from '../support/engine.ts'
import { campaignProject } from './campaign.ts'

const TABLE = { table_name: 't', source_path_pattern: '*.parquet', audit_columns: false, watch: { settle_seconds: 0 } }
const MERGE = { ...TABLE, loading_strategy: 'merge', primary_keys: ['id'], sequence_by: 'at' }

test.each([
  ...REPAIR_FAILPOINTS.map((name) => [name, 'delta', false] as const),
  ...REPAIR_FAILPOINTS.map((name) => [name, 'delta', true] as const),
  ...REPAIR_FAILPOINTS.map((name) => [name, 'parquet', false] as const),
])('a repair killed at %s is made or not made (%s, deletion vectors: %s), and the next one mends', async (name, format, vectors) => {
  const settings = { output_format: format, delta: { deletion_vectors: vectors } }
  const made = campaignProject({ tables: [{ ...TABLE, ...settings }] })
  const rows = "(1::bigint, 'a', 1::bigint, 's'), (1, 'b', 2, 's'), (2, 'c', 1, 's'), (null, 'd', 1, 's')"
  const file = made.path('x.parquet')
  await query(`copy (select * from (values ${rows}) as t(id, name, "at", _sequence)) to '${file}' (format parquet)`)
  made.write('landing/x.parquet', readFileSync(file))
  expect((await made.command(['run', '--json'])).code).toBe(0)
  made.configure({ tables: [{ ...MERGE, ...settings }] })
  const killed = await made.run(['validate', 't', '--repair', '--json'], { INGEST_FAILPOINT: name })
  expect(killed.signal).toBe('SIGKILL')
  const seen = await made.json<unknown[]>(['query', 'select id, name from "default".t order by all'])
  expect(seen).toHaveLength(name === 'repair-after-commit' ? 2 : 4)
  expect((await made.command(['run', '--json'])).code).toBe(0)
  expect((await made.command(['validate', 't', '--repair', '--json'])).code).toBe(0)
  expect((await made.command(['vacuum', '--tables', 't', '--retention', '0 hours', '--force', '--json'])).code).toBe(0)
  expect(await made.json(['query', 'select id, name from "default".t order by all'])).toEqual([
    { id: 1, name: 'b' },
    { id: 2, name: 'c' },
  ])
})
