import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ingest, scratch } from './ingest.ts'

const TABLE = {
  table_name: 't',
  source_path_pattern: '*.csv',
  watch: { settle_seconds: 0 },
  table_properties: { owner: 'sales', 'delta.constraints.positive': 'id > 0' },
}

test('properties that a table cannot keep, or was made without, are told', async () => {
  using folder = scratch({ 'landing/a.csv': 'id\n1\n' })
  const write = (properties: Readonly<Record<string, string>>) =>
    writeFileSync(join(folder.path, 'ingest.yaml'), JSON.stringify({ tables: [{ ...TABLE, table_properties: properties }] }))
  const call = (...args: readonly string[]) => ingest(args, { cwd: folder.path })

  write({ 'delta.constraints.shape': "name rlike 'x'" })
  const unknown = await call('check')
  expect(unknown.stdout).toMatch(
    /^FAILED +properties +default\.t: default\.t has the constraint shape \(name rlike 'x'\), which ingestd cannot keep/m,
  )
  expect(unknown.code).toBe(1)

  write(TABLE.table_properties)
  expect((await call('check')).stdout).toMatch(/^ok +properties +default\.t: owner, delta\.constraints\.positive$/m)
  await call('run')
  expect((await call('check')).code).toBe(0)

  write({ owner: 'finance', 'delta.constraints.positive': 'id > 0' })
  const changed = await call('check')
  expect(changed.stdout).toMatch(/^FAILED +properties +default\.t: the table does not have them so: owner$/m)
  expect(changed.code).toBe(1)
})
