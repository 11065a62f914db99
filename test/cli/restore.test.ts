import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ingest, scratch } from './ingest.ts'

const CONFIG = `raw_data_path: ./landing
checkpoint_path: ./state
processed_data_path: ./lake
log_level: ERROR
tables:
  - { table_name: orders, source_path_pattern: "*.csv", max_files_per_batch: 1, watch: { settle_seconds: 0 } }
  - { table_name: flat, source_path_pattern: "*.csv", output_format: parquet, watch: { settle_seconds: 0 } }
`

describe('older versions on the command line', () => {
  const folder = scratch({ 'ingest.yaml': CONFIG, 'landing/1.csv': 'id\n1\n', 'landing/2.csv': 'id\n2\n', 'landing/3.csv': 'id\n3\n' })
  const call = (...args: string[]) => ingest(args, { cwd: folder.path })
  const rows = async (...args: string[]) =>
    (await call('query', 'select id from default.orders order by id', '--format', 'csv', ...args)).stdout

  beforeAll(async () => {
    expect((await call('run')).code).toBe(0)
  })
  afterAll(() => folder[Symbol.dispose]())

  test('query --at takes versions and times', async () => {
    expect(await rows('--at', 'orders=1')).toBe('id\n1\n2\n')
    expect(await rows('--at', 'default.orders=2999-01-01')).toBe('id\n1\n2\n3\n')
    const { code, stderr } = await call('query', 'select id from default.orders', '--at', 'orders=9')
    expect(stderr).toContain('error: default.orders: version 9 is not to be had; versions 0 to 2 are [ING-TABLE-VERSION]\n  hint: ')
    expect(code).toBe(1)
  })

  test.each([
    [['--at', 'orders'], 'It must be table=version or table=timestamp, as analytics.orders=12.'],
    [['--at', 'orders=1', '--at', 'orders=2'], 'orders was given before.'],
    [['--at', 'orders=soon'], '"soon" is neither a version nor a timestamp [ING-USAGE]'],
    [['--at', 'nowhere=1'], 'the config has no table nowhere'],
    [['--at', 'flat=1'], 'a version of default.flat was given, and the query does not name it'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await call('query', 'select id from default.orders', ...args)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  test('restore asks which version, what becomes of later files, and whether it may', async () => {
    expect((await call('restore', 'orders')).stderr).toBe(
      'error: restore to which version? [ING-USAGE]\n  hint: ingest history orders shows them; give --version N or --timestamp TIME\n',
    )
    expect((await call('restore', 'orders', '--version', '0')).stderr).toBe(
      'error: what shall become of files that were loaded later? [ING-USAGE]\n  hint: give --files pending (the next run loads them again) or --files skipped\n',
    )
    const asked = await call('restore', 'orders', '--version', '0', '--files', 'pending')
    expect(asked.stderr).toBe(
      'error: a restore takes back what was loaded later, and there is no terminal to ask on [ING-USAGE]\n  hint: add --yes\n',
    )
    expect(asked.code).toBe(2)
    const both = await call('restore', 'orders', '--version', '0', '--timestamp', '2024-01-01', '--files', 'pending')
    expect(both.stderr).toContain("option '--version <n>' cannot be used with option '--timestamp <time>'")
    expect((await call('restore', 'orders', '--version', '-1', '--files', 'pending')).code).toBe(2)
  })

  test('it tells what it would do, and does it', async () => {
    const dry = await call('restore', 'orders', '--version', '1', '--files', 'skipped', '--dry-run')
    expect(dry.stdout).toMatch(
      /^Would restore default\.orders from version 2 to version 1: 0 data files back \(0 B\), 1 data file out \(\d.*B\)\.\nLanding files: 1 file skipped\.\n$/,
    )
    expect(await rows()).toBe('id\n1\n2\n3\n')
    const done = await call('restore', 'orders', '--version', '1', '--files', 'skipped', '--yes')
    expect(done.stdout).toMatch(/^Restored default\.orders to version 1 as version 3: 0 data files back \(0 B\), 1 data file out /)
    expect(done.code).toBe(0)
    expect(await rows()).toBe('id\n1\n2\n')
    // What changes nothing is not asked about.
    expect((await call('restore', 'orders', '--version', '3', '--files', 'skipped')).stdout).toBe(
      'default.orders is at version 3: nothing to restore.\n',
    )
    const again = JSON.parse((await call('restore', 'orders', '--version', '2', '--files', 'pending', '--yes', '--json')).stdout)
    expect(again).toMatchObject({
      table: 'default.orders',
      dry_run: false,
      from_version: 3,
      to_version: 2,
      version: 4,
      files: { completed: 1 },
    })
  })

  test('history tells restores, batches and their files', async () => {
    const { stdout } = await call('history', 'orders')
    const [head, last] = stdout.split('\n')
    expect(head).toMatch(/^VERSION +TIME +OPERATION +BATCH +FILES +ADDED +REMOVED +ROWS +WRITTEN BY$/)
    expect(last).toMatch(/^ +4 +20\d\d-\S+Z +RESTORE to 2 +5 +0 +1 +0 +1 +ingestd\//)
    const commits = JSON.parse((await call('history', 'orders', '--json', '--limit', '2')).stdout)
    expect(Object.keys(commits[0])).toEqual([
      'version',
      'timestamp',
      'operation',
      'operation_parameters',
      'operation_metrics',
      'only_in_checkpoint',
      'batch',
      'batch_id',
      'files',
      'files_added',
      'files_removed',
      'rows',
      'engine',
      'user_metadata',
    ])
    expect(commits).toHaveLength(2)
  })

  test('a table of Parquet files alone cannot go back', async () => {
    const { code, stderr } = await call('restore', 'flat', '--version', '0', '--files', 'pending', '--yes')
    expect(stderr).toBe(
      'error: default.flat has output_format: parquet, which keeps the files of its current version alone [ING-TABLE-VERSION]\n  hint: older versions are for output_format: delta\n',
    )
    expect(code).toBe(1)
  })

  test('what explains a file knows of the restore', async () => {
    const report = JSON.parse((await call('explain', join(folder.path, 'landing/3.csv'), '--json')).stdout)
    const orders = [report].flat().find((one: { table: string }) => one.table === 'default.orders')
    expect(orders.history.map((event: { to: string; reason: string | null }) => `${event.to} ${event.reason ?? ''}`.trim())).toEqual([
      'pending seen',
      'processing',
      'completed',
      'skipped the table was restored to version 1',
      'completed the table was restored to version 2',
    ])
  })
})
