import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createIngest } from 'ingestd'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Landing } from '../support/landing.ts'
import { finished, logActions, MAIN, project } from '../support/project.ts'

/** Lands a bad file beside a good one, and answers how the bad one ended; the good one must have loaded. */
async function beside(
  name: string,
  content: string | Uint8Array,
  good: { name: string; content: string } = { name: 'a-good.csv', content: 'id,name\n1,x\n' },
) {
  const suffix = name.slice(name.indexOf('.'))
  const landing = new Landing({
    source_path_pattern: `*${suffix.startsWith('.csv') ? '.csv' : suffix}`,
    columns: { id: 'BIGINT', name: 'VARCHAR' },
  })
  landing.land(good.name, good.content, 1)
  const path = landing.land(name, content, 2)
  const report = await landing.run()
  const tracked = await landing.files()
  expect(tracked.find((file) => file.file_path.endsWith(good.name))?.status).toBe('completed')
  const bad = tracked.find((file) => file.file_path === path)
  return { status: bad?.status, code: bad?.error_code ?? null, message: bad?.error_message ?? '', rows: bad?.rows_loaded, report, landing }
}

describe('content of a CSV file', () => {
  test.each([
    ['ragged rows', 'id,name\n2,y\n3\n4,z\n', 'ING-FILE-RAGGED-ROW', 'line 3'],
    ['too many fields', 'id,name\n2,y,z\n3,w\n', 'ING-FILE-RAGGED-ROW', 'line 2'],
    ['a wrong type in one row', 'id,name\n2,y\nthree,z\n', 'ING-FILE-VALUE', 'line 3'],
    ['duplicate column names', 'id,name,name\n2,y,z\n', 'ING-FILE-DUPLICATE-COLUMN', 'name'],
    ['column names that differ by case', 'id,name,NAME\n2,y,z\n', 'ING-FILE-DUPLICATE-COLUMN', 'NAME'],
    ['a name that Delta forbids', 'id,name,unit price\n2,y,3\n', 'ING-FILE-COLUMN-NAME', 'unit price'],
    ['an open quote at the end', 'id,name\n2,"y', 'ING-FILE-TRUNCATED', ''],
    ['a ragged last record', 'id,name\n2,y\n3', 'ING-FILE-TRUNCATED', ''],
  ])('%s fails its file alone, with the place', async (_what, content, code, place) => {
    const bad = await beside('bad.csv', content)
    expect([bad.status, bad.code]).toEqual(['failed', code])
    expect(bad.message).toContain(place)
    expect(bad.message).toContain('bad.csv')
  })

  test.each([
    ['no bytes', '', 0],
    ['a header alone', 'id,name\n', 0],
    ['a byte order mark', '\ufeffid,name\n2,y\n', 1],
    ['CRLF line ends', 'id,name\r\n2,y\r\n3,z\r\n', 2],
    ['no final newline', 'id,name\n2,y', 1],
  ])('%s is loaded', async (_what, content, rows) => {
    const file = await beside('fine.csv', content)
    expect([file.status, file.rows]).toEqual(['completed', rows])
  })

  test('UTF-16 fails with the option to set, and loads with it', async () => {
    const text = Buffer.from('\ufeffid,name\n2,é\n', 'utf16le')
    const bad = await beside('bad.csv', text)
    expect([bad.status, bad.code]).toEqual(['failed', 'ING-FILE-ENCODING'])
    const landing = new Landing({ format_options: { encoding: 'utf-16' } })
    landing.land('a.csv', text)
    await landing.run()
    expect(await landing.rows()).toEqual([{ id: '2', name: 'é' }])
  })

  test('a truncated gzip is never loaded in part', async () => {
    const whole = gzipSync(`id,name\n${Array.from({ length: 5000 }, (_, row) => `${row},${Math.random()}`).join('\n')}\n`)
    for (const cut of [whole.length - 4, whole.length - 9, Math.floor(whole.length / 2), 20]) {
      const bad = await beside('bad.csv.gz', whole.subarray(0, cut))
      expect([cut, bad.status, bad.code]).toEqual([cut, 'failed', 'ING-FILE-TRUNCATED'])
    }
  })
})

describe('content of other formats', () => {
  const good = { name: 'a-good.ndjson', content: '{"id":1,"name":"x"}\n' }

  test('invalid JSON in the middle fails its file with the line', async () => {
    const bad = await beside('bad.ndjson', '{"id":2,"name":"y"}\n{"id":,}\n{"id":3,"name":"z"}\n', good)
    expect([bad.status, bad.code]).toEqual(['failed', 'ING-FILE-JSON'])
    expect(bad.message).toContain('line 2')
  })

  test('an open JSON value at the end is a truncated file', async () => {
    const bad = await beside('bad.ndjson', '{"id":2,"name":"y"}\n{"id":3,"na', good)
    expect([bad.status, bad.code]).toEqual(['failed', 'ING-FILE-TRUNCATED'])
  })

  test('a cut Parquet file is truncated, another format is told as such', async () => {
    const landing = new Landing({ source_path_pattern: '*.parquet' })
    const { DuckDBInstance } = await import('@duckdb/node-api')
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const whole = landing.land('a.parquet', '', 1)
    await connection.run(`COPY (SELECT i AS id FROM range(1000) AS t(i)) TO '${whole}' (FORMAT parquet)`)
    connection.closeSync()
    const bytes = readFileSync(whole)
    const cut = landing.land('cut.parquet', bytes.subarray(0, bytes.length - 10), 2)
    const other = landing.land('other.parquet', 'this is no parquet file, but text', 3)
    const report = await landing.run()
    expect(report.tables[0]?.files).toMatchObject({ loaded: 1, failed: 2 })
    expect(Object.fromEntries(report.tables[0]?.errors.map((error) => [error.file, error.code]) ?? [])).toEqual({
      [cut]: 'ING-FILE-TRUNCATED',
      [other]: 'ING-FILE-FORMAT',
    })
  })
})

describe('names', () => {
  test('file names with every awkward character load, each under its own name', async () => {
    const landing = new Landing({})
    const names = [
      'with space.csv',
      "quo'te.csv",
      'dou"ble.csv',
      'new\nline.csv',
      'per%20cent.csv',
      'ha#sh.csv',
      'br[a]cket.csv',
      'st*r?.csv',
      'cur{l}y.csv',
      'back\\slash.csv',
      'emoji 🦆.csv',
      'semi;colon.csv',
      "');drop table x;--.csv",
    ]
    for (const [index, name] of names.entries()) landing.land(name, `id,name\n${index},${index}\n`, index)
    const report = await landing.run()
    expect(report.tables[0]).toMatchObject({ status: 'pass', files: { loaded: names.length } })
    const rows = await landing.rows('id, _source_file')
    expect(rows.map((row) => row['_source_file'])).toEqual(names.map((name) => landing.path('landing', name)))
    expect((await landing.files()).map((file) => file.file_path).toSorted()).toEqual(
      names.map((name) => landing.path('landing', name)).toSorted(),
    )
  })

  test('a name that is not UTF-8 loads with its bytes percent-encoded', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n', 1)
    writeFileSync(
      Buffer.concat([Buffer.from(`${landing.path('landing')}/bad-`), Buffer.from([0xff, 0xfe]), Buffer.from('.csv')]),
      'id\n2\n',
    )
    expect((await landing.run()).tables[0]).toMatchObject({ files: { loaded: 2 } })
    expect((await landing.rows('parse_filename(_source_file) as file')).map((row) => row['file'])).toEqual(['a.csv', 'bad-%FF%FE.csv'])
    expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass', files: { loaded: 0 } })
  })

  test('a folder that is named like a file is not a file', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n')
    mkdirSync(landing.path('landing/folder.csv'))
    expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass', files: { loaded: 1 } })
  })
})

describe('files that move', () => {
  test('a file that is deleted after it was listed fails, one that changed goes back to pending, the rest loads', async () => {
    const landing = new Landing({})
    const gone = landing.land('gone.csv', 'id\n1\n', 1)
    landing.land('moves.csv', 'id\n2\n', 2)
    landing.land('stays.csv', 'id\n3\n', 3)
    const report = await landing.use((ingest) =>
      ingest.run({
        onEvent: (event) => {
          if (event.kind !== 'batchStarted') return
          rmSync(gone)
          landing.land('moves.csv', 'id\n22\n', 4)
        },
      }),
    )
    expect(report.tables[0]?.errors[0]).toMatchObject({ file: gone, code: 'ING-FILE-GONE' })
    await landing.run()
    expect(await landing.rows()).toEqual([{ id: '3' }, { id: '22' }])
    expect(await landing.states()).toEqual(['gone.csv failed', 'moves.csv completed', 'stays.csv completed'])
  })
})

describe('config', () => {
  const config = (tables: unknown, more: Record<string, unknown> = {}) =>
    createIngest({ config: { tables, ...more } as Record<string, unknown> })
  const table = { table_name: 't', source_path_pattern: 'l/*.csv' }

  test.each([
    ['an unknown key', [{ ...table, loading_stratgy: 'append' }], 'did you mean loading_strategy?'],
    ['a table name that leaves its folder', [{ ...table, table_name: '../evil' }], 'table_name'],
    [
      'two tables with one target',
      [
        { ...table, target_path: 'x' },
        { ...table, table_name: 'u', target_path: 'x' },
      ],
      'target',
    ],
    ['two tables with one name', [table, table], 'default.t'],
  ])('%s is refused', async (_what, tables, words) => {
    await expect(config(tables)).rejects.toThrow(words)
  })

  test('a locked tracker is said to be locked, exit 4', async () => {
    const made = project({ tables: [{ table_name: 't', source_path_pattern: '*.csv', watch: { settle_seconds: 0 } }] })
    made.write('landing/a.csv', 'id\n1\n')
    await made.run(['run'])
    const { default: Database } = await import('better-sqlite3')
    const lock = new Database(made.path('state/metadata.db'))
    lock.exec('begin exclusive')
    const blocked = await made.run(['run', '--json'])
    lock.close()
    expect([blocked.code, JSON.parse(blocked.stdout).error.code]).toEqual([4, 'ING-TRACKER-LOCKED'])
  })
})

describe('targets', () => {
  test('a foreign table with a feature that is not written is refused by name, and stays as it is', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n')
    const log = join(landing.table, '_delta_log')
    mkdirSync(log, { recursive: true })
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] }
    const metaData = {
      id: 'x',
      format: { provider: 'parquet', options: {} },
      schemaString: '{"type":"struct","fields":[]}',
      partitionColumns: [],
      configuration: { 'delta.enableRowTracking': 'true' },
    }
    writeFileSync(join(log, '00000000000000000000.json'), `${JSON.stringify({ protocol })}\n${JSON.stringify({ metaData })}\n`)
    const report = await landing.run()
    expect(report.tables[0]?.errors[0]).toMatchObject({ file: null, code: 'ING-TABLE-FEATURE' })
    expect(report.tables[0]?.errors[0]?.message).toContain('rowTracking')
    expect(logActions(landing.table)).toHaveLength(2)
    expect(await landing.states()).toEqual([])
  })

  test('a target folder that holds other files is refused', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n')
    mkdirSync(landing.table, { recursive: true })
    writeFileSync(join(landing.table, 'mine.txt'), 'x')
    expect((await landing.run()).tables[0]?.errors[0]).toMatchObject({ code: 'ING-TABLE-NOT-EMPTY' })
  })

  test('a full disk costs an attempt, and the files load when there is room', async (context) => {
    const landing = new Landing({}, { retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 } })
    landing.land('a.csv', `id,text\n${Array.from({ length: 60_000 }, (_, row) => `${row},${Math.random()}`).join('\n')}\n`)
    mkdirSync(landing.path('tables'))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', landing.path('tables')]).status !== 0)
      return context.skip('needs the right to mount a tmpfs: run the tests as root')
    const unmount = () => spawnSync('umount', [landing.path('tables')])
    onTestFinished(() => void unmount())
    const report = await landing.run()
    unmount()
    expect(report.tables[0]?.errors[0]).toMatchObject({ code: 'ING-STORAGE-FULL' })
    expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass', files: { loaded: 1 } })
  })

  test('an unreadable file fails alone, an unreadable folder is told, a read-only target is told', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('drops from root to nobody: run the tests as root')
    const nobody = { uid: 65_534, gid: 65_534 }
    const reads = spawnSync(process.execPath, ['--check', MAIN], nobody).status === 0
    if (!reads) return context.skip('nobody may not read the checkout: run the tests from a folder that all users can enter')
    const made = project({ tables: [{ table_name: 't', source_path_pattern: '**/*.csv', watch: { settle_seconds: 0 } }] })
    made.write('landing/a.csv', 'id\n1\n')
    chmodSync(made.write('landing/secret.csv', 'id\n2\n'), 0o000)
    made.write('landing/closed/b.csv', 'id\n3\n')
    chmodSync(made.path('landing/closed'), 0o000)
    for (const folder of ['', 'landing', 'state', 'tables']) {
      mkdirSync(made.path(folder), { recursive: true })
      chownSync(made.path(folder), 65_534, 65_534)
    }
    const asNobody = async () =>
      JSON.parse((await finished(spawn(process.execPath, [MAIN, 'run', '--json'], { cwd: made.folder, ...nobody }))).stdout).tables[0]
    const first = await asNobody()
    expect(first.errors.map((error: { code: string }) => error.code).toSorted()).toEqual(['ING-FILE-UNREADABLE', 'ING-SOURCE-UNREADABLE'])
    expect(first.files).toMatchObject({ loaded: 1, failed: 1 })
    made.write('landing/c.csv', 'id\n4\n')
    chmodSync(made.path('tables/default/t/_ingestd'), 0o555)
    chmodSync(made.path('tables/default/t/_delta_log'), 0o555)
    expect((await asNobody()).errors.map((error: { code: string }) => error.code)).toContain('ING-STORAGE-READ-ONLY')
  })
})
