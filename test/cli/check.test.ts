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

test('a strategy that does not find the package is told how it would', async () => {
  using folder = scratch({
    'ingest.yaml': JSON.stringify({ tables: [{ table_name: 't', source_path_pattern: '*.csv', loading_strategy: './mine.mjs' }] }),
    'mine.mjs': "import { defineStrategy } from 'ingestd'\nexport default defineStrategy({})\n",
    'landing/a.csv': 'id\n1\n',
  })
  const { code, stdout } = await ingest(['check'], { cwd: folder.path })
  expect(stdout).toMatch(
    /^FAILED +strategy +default\.t: .*mine\.mjs cannot be loaded: .*\n +hint: install the package where the module is: npm install/m,
  )
  expect(code).toBe(1)
})

test('a skipped file is explained with what takes it back', async () => {
  using folder = scratch({
    'ingest.yaml': JSON.stringify({ tables: [{ table_name: 't', source_path_pattern: '*.csv', watch: { settle_seconds: 0 } }] }),
    'landing/a.csv': 'id\n1\nx"\n',
    'landing/b.csv': 'id\n1\n',
  })
  const call = (...args: readonly string[]) => ingest(args, { cwd: folder.path })
  await call('run', '--var', 'tables.t.columns.id=BIGINT')
  expect((await call('skip', 'landing/a.csv')).code).toBe(0)
  expect((await call('explain', 'landing/a.csv')).stdout).toMatch(
    /NO +not_skipped +skipped by hand; it waits for: ingest retry FILE, or for new content/,
  )
})
