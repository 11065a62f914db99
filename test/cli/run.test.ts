import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, ingest, scratch } from './ingest.ts'

const CONFIG = `raw_data_path: ./landing
checkpoint_path: ./state
processed_data_path: ./lake
max_parallel_jobs: 2
defaults:
  database_name: shop
  watch: { settle_seconds: 0 }
tables:
  - { table_name: customers, source_path_pattern: "customers/*.csv" }
  - table_name: orders
    source_path_pattern: orders/*.csv
    columns: { id: BIGINT, amount: "DECIMAL(12,2)" }
`

const FILES = {
  'ingest.yaml': CONFIG,
  'landing/customers/a.csv': 'id,name\n1,Ada\n2,"O\'Hara, Grace"\n',
  'landing/customers/b.csv': 'name,id\nAlan,3\n',
  'landing/orders/good.csv': 'id,amount\n1,1234567890.23\n2,0.10\n',
  'landing/orders/bad.csv': 'id,amount\n3,1.00\n4,twelve\n',
}

/** Times and speeds differ from run to run. */
function timeless(text: string): string {
  return text
    .replaceAll(/\d+\.\ds\b/g, 'Ns')
    .replaceAll(/[\d,]+ rows\/s/g, 'N rows/s')
    .replaceAll(/[\d.]+ k?M?B\/s/g, 'N B/s')
}

describe('a project with one broken file', () => {
  const folder = scratch(FILES)
  const call = (...args: string[]) => ingest(args, { cwd: folder.path })
  let dry: Ended
  let left: readonly string[]
  let first: Ended
  let second: Ended

  beforeAll(async () => {
    dry = await call('run', '--dry-run', '--verbose')
    left = readdirSync(folder.path).sort()
    first = await call('run')
    second = await call('run', '--json')
  })
  afterAll(() => folder[Symbol.dispose]())

  test('the dry run tells what would load, and leaves nothing behind', () => {
    expect(dry.stdout).toContain('[1 of 2] shop.customers\n')
    expect(dry.stdout).toContain(
      `    source    ${join(folder.path, 'landing/customers/*.csv')}\n    target    ${join(folder.path, 'lake/shop/customers')}\n`,
    )
    expect(dry.stdout).toContain('    files     2 to load (')
    expect(dry.stdout).toContain('    rows      3 inserted, 0 updated, 0 deleted, 0 unchanged, 0 rejected\n')
    expect(dry.stdout).toContain('Dry run, nothing was changed: 3 files (80 B) would load into 2 tables.')
    expect(left).toEqual(['ingest.yaml', 'landing'])
  })

  test('a run ends with a line for each table, the failed file, and Done', () => {
    const lines = timeless(first.stdout).trimEnd().split('\n')
    expect(lines[0]).toBe('[1 of 2] FINISHED shop.customers in Ns (3 rows, 2 files)')
    expect(lines[1]).toBe('[2 of 2] ERROR shop.orders in Ns (2 rows, 1 file, 1 failed)')
    expect(lines[2]).toMatch(/^ {4}error: .*bad\.csv.*line 3.*\[ING-FILE-VALUE\]$/)
    expect(lines[3]).toMatch(/^ {6}hint: /)
    expect(lines.slice(-3)).toEqual(['', 'Done. PASS=1 WARN=0 ERROR=1 SKIP=0 TOTAL=2', '5 rows in 3 files (80 B) in Ns: N rows/s, N B/s'])
    expect(first.code).toBe(1)
  })

  test('the next run loads nothing, and a file that failed before is no failure of it', () => {
    const report = JSON.parse(second.stdout)
    expect(report.totals).toMatchObject({ pass: 2, error: 0, total: 2, files: 0, rows: 0 })
    expect(report.tables[0]).toMatchObject({ table: 'shop.customers', strategy: 'append', status: 'pass', version: null, errors: [] })
    expect(Object.keys(report.tables[0].files)).toEqual(['loaded', 'failed', 'skipped', 'pending'])
    expect(second.code).toBe(0)
  })

  test('status is a table for people and a document for programs', async () => {
    const text = await call('status')
    const [head, customers, orders, , error, see] = text.stdout.split('\n')
    expect(head).toMatch(/^TABLE +STRATEGY +PENDING +PROCESSING +COMPLETED +FAILED +SKIPPED +ROWS +REJECTED +SIZE +LAST LOADED$/)
    expect(customers).toMatch(/^shop\.customers +append +0 +0 +2 +0 +0 +3 +0 +47 B +20\d\d-.*Z$/)
    expect(orders).toMatch(/^shop\.orders +append +0 +0 +1 +1 +0 +2 +0 +33 B +20\d\d-.*Z$/)
    expect(error).toMatch(/^shop\.orders: .*line 3/)
    expect(see).toBe('see: ingest files --status failed')
    const report = JSON.parse((await call('status', '--json', '--tables', 'orders')).stdout)
    expect(report.tables).toHaveLength(1)
    expect(report.tables[0].files).toEqual({ pending: 0, held: 0, processing: 0, completed: 1, failed: 1, skipped: 0 })
  })

  test('files shows the rows of the tracker, all of them or the wanted ones', async () => {
    const rows = JSON.parse((await call('files', '--json')).stdout)
    expect(rows.map((row: { file_path: string; status: string }) => [row.file_path, row.status]).sort()).toEqual([
      [join(folder.path, 'landing/customers/a.csv'), 'completed'],
      [join(folder.path, 'landing/customers/b.csv'), 'completed'],
      [join(folder.path, 'landing/orders/bad.csv'), 'failed'],
      [join(folder.path, 'landing/orders/good.csv'), 'completed'],
    ])
    expect(JSON.parse((await call('files', '--json', '--limit', '1')).stdout)).toHaveLength(1)
    const failed = await call('files', '--status', 'failed')
    expect(failed.stdout.trimEnd().split('\n')).toHaveLength(2)
    expect(failed.stdout).toMatch(
      /^STATUS +TABLE +ROWS +REJECTED +SIZE +UPDATED +FILE +WHY\nfailed +shop\.orders .*bad\.csv +ING-FILE-VALUE\n$/,
    )
    expect((await call('files', '--json', '--status', 'processing')).stdout).toBe('[]\n')
  })

  test('explain names the decision that said no, for people and for programs', async () => {
    const text = await call('explain', 'orders/bad.csv')
    expect(text.stdout).toContain('  table    shop.orders\n  status   failed\n  verdict  not loaded\n')
    expect(text.stdout).toMatch(/^ {2}NO {3}not_failed .*ING-FILE-VALUE/m)
    const report = JSON.parse((await call('explain', join(folder.path, 'landing/orders/good.csv'), '--json')).stdout)
    expect(Object.keys(report)).toEqual(['file', 'table', 'status', 'verdict', 'steps', 'history'])
    expect(report).toMatchObject({ table: 'shop.orders', status: 'completed', verdict: 'loaded' })
    const unknown = await call('explain', 'orders/GOOD.CSV')
    expect(unknown.stdout).toContain('  table    no table takes it\n')
    expect(unknown.code).toBe(0)
  })

  test('query prints tables, CSV and JSON; decimals stay exact', async () => {
    const sql = 'SELECT id, amount, NULL AS nothing FROM shop.orders ORDER BY id'
    expect((await call('query', sql)).stdout).toBe('id         amount  nothing\n 1  1234567890.23     NULL\n 2           0.10     NULL\n')
    expect((await call('query', sql, '--format', 'csv')).stdout).toBe('id,amount,nothing\n1,1234567890.23,\n2,0.10,\n')
    const rows = JSON.parse((await call('query', sql, '--json')).stdout)
    expect(rows[0].amount).toBe('1234567890.23')
    expect((await call('query', 'SELECT 1 AS one WHERE false', '--json')).stdout).toBe('[]\n')
    expect((await call('query', "SELECT name FROM shop.customers WHERE name LIKE 'O%'", '--format', 'csv')).stdout).toBe(
      'name\n"O\'Hara, Grace"\n',
    )
  })

  test('a wrong query is told once and ends with 2', async () => {
    const { code, stdout } = await call('query', 'SELECT FROM nowhere', '--json')
    expect(JSON.parse(stdout).error.code).toBe('ING-QUERY')
    expect(code).toBe(2)
  })

  test('history shows the commits of a table', async () => {
    const [commit] = JSON.parse((await call('history', 'customers', '--json')).stdout)
    expect(commit).toMatchObject({ version: 0, batch: 1, files: 2, rows: 3 })
    expect((await call('history', 'shop.customers')).stdout).toMatch(
      /^VERSION +TIME +OPERATION +BATCH +FILES +ADDED +REMOVED +ROWS +WRITTEN BY\n +0 +20/,
    )
  })

  test('a table that the config lacks ends with 2 and the nearest name', async () => {
    const { code, stderr } = await call('run', '--tables', 'custmers')
    expect(stderr).toBe(
      'error: the config has no table custmers [ING-CONFIG-TABLE-UNKNOWN]\n  hint: did you mean shop.customers? The config has shop.customers, shop.orders\n',
    )
    expect(code).toBe(2)
  })

  test('a full drop is asked about, and refused where nobody can answer', async () => {
    const { code, stderr } = await call('run', '--full-drop')
    expect(stderr).toBe(
      'error: --full-drop replaces all rows of the tables, and there is no terminal to ask on [ING-USAGE]\n  hint: add --yes\n',
    )
    expect(code).toBe(2)
  })

  test('after mending the file retry lets the next run load it; skip sets one aside', async () => {
    const skipped = await call('skip', 'orders/bad.csv')
    expect(skipped.stdout).toBe('Skipped 1 file. Take back with: ingest retry FILE\n')
    expect((await call('retry', '--all-failed')).stdout).toBe('No file to retry.\n')
    writeFileSync(join(folder.path, 'landing/orders/bad.csv'), 'id,amount\n3,1.00\n4,12\n')
    expect(JSON.parse((await call('retry', 'orders/bad.csv', '--json')).stdout)).toEqual({ files: 1 })
    const { code, stdout } = await call('run', '--tables', 'shop.orders')
    expect(timeless(stdout).split('\n')[0]).toBe('[1 of 1] FINISHED shop.orders in Ns (2 rows, 1 file)')
    expect(code).toBe(0)
    expect((await call('query', 'SELECT count(*) AS n FROM shop.orders', '--format', 'csv')).stdout).toBe('n\n4\n')
  })

  test('a file that the tracker does not know cannot be retried', async () => {
    const { code, stderr } = await call('retry', 'orders/absent.csv')
    expect(stderr).toContain('[ING-FILE-UNKNOWN]')
    expect(code).toBe(2)
  })

  test('check passes on a sound project', async () => {
    const { code, stdout } = await call('check')
    expect(stdout).toMatch(/All \d+ checks passed\.\n$/)
    expect(code).toBe(0)
    expect(JSON.parse((await call('debug', '--json')).stdout).ok).toBe(true)
  })
})

describe('exit codes', () => {
  test('a key that is not built fails its table alone, with 1', async () => {
    using folder = scratch({
      ...FILES,
      'ingest.yaml': CONFIG.replace('  - table_name: orders', '  - table_name: orders\n    pre_sql: select 1'),
    })
    const { code, stdout } = await ingest(['run'], { cwd: folder.path })
    expect(timeless(stdout)).toContain(
      '[1 of 2] FINISHED shop.customers in Ns (3 rows, 2 files)\n[2 of 2] ERROR shop.orders in Ns (0 rows, 0 files)\n',
    )
    expect(stdout).toContain('[ING-CONFIG-UNSUPPORTED]')
    expect(code).toBe(1)
  })

  test('a tracker that cannot be opened ends with 4, and is told as JSON', async () => {
    using folder = scratch({ ...FILES, state: 'a file where a folder belongs' })
    const { code, stdout } = await ingest(['run', '--json'], { cwd: folder.path })
    expect(JSON.parse(stdout).error.code).toMatch(/^ING-(TRACKER|STORAGE)/)
    expect(code).toBe(4)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends a run with 130, and the next run loads everything', async (signal) => {
    using folder = scratch({ ...FILES, 'ingest.yaml': CONFIG.replace('settle_seconds: 0', 'settle_seconds: 20') })
    const started = Date.now()
    const stopped = await ingest(['run'], {
      cwd: folder.path,
      // The files are young: the run waits for them to settle, and is told to stop meanwhile.
      started: ({ kill }) =>
        void waitFor(() => existsSync(join(folder.path, 'state/metadata.db'))).then(() => setTimeout(() => kill(signal), 500)),
    })
    expect(stopped.code).toBe(130)
    expect(Date.now() - started).toBeLessThan(15_000)
    const next = JSON.parse((await ingest(['run', '--json', '--var', 'defaults.watch.settle_seconds=0'], { cwd: folder.path })).stdout)
    expect(next.totals).toMatchObject({ files: 3, rows: 5 })
    expect(JSON.parse((await ingest(['files', '--status', 'processing', '--json'], { cwd: folder.path })).stdout)).toEqual([])
  })
})

async function waitFor(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 50))
}
