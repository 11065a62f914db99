import { describe, expect, test } from 'vitest'
import { folder, load, problems, table, tableText } from './support.ts'

describe('references', () => {
  test('variables, defaults, files and commands come into any text', async () => {
    await using project = await folder({ secret: 'from file\n' })
    const text = tableText('table_comment: "${A}-${B:-b}-${E:-e}-${file:secret}-${cmd:printf \'%s\' x}-$${A}"')
    const config = await load(text, { cwd: project.path, env: { A: 'a', E: '', PATH: process.env['PATH'] } })
    expect(config.tables[0]?.tableComment).toBe('a-b-e-from file-x-${A}')
  })

  test('a value from outside may stand for a number or a word, and stays text where text is asked for', async () => {
    const text = `max_parallel_jobs: \${JOBS}\nenable_metrics: \${YES}\nfile_tracker_database: \${JOBS}\nengine: {threads: "\${JOBS}"}\n${tableText('audit_columns: "${NO}", schema_evolution: "${NO}", table_comment: "${JOBS}", format_options: {skip: "${JOBS}"}')}`
    const config = await load(text, { env: { JOBS: '7', YES: 'true', NO: 'false' } })
    expect(config).toMatchObject({ maxParallelJobs: 7, trackerFile: '/project/state/7.db', engine: { threads: 7 } })
    expect(config.tables[0]).toMatchObject({ auditColumns: false, schemaEvolution: 'fail', tableComment: '7', formatOptions: { skip: 7 } })
  })

  test('what came in is not looked at again', async () => {
    expect((await table('table_comment: "${A}"', { env: { A: '${B}' } })).tableComment).toBe('${B}')
  })

  test('a default may hold a reference, and a command may hold braces', async () => {
    const extras = { cwd: '/tmp', env: { B: 'b', PATH: process.env['PATH'] } }
    expect((await table('table_comment: "${A:-x${B}y}"', extras)).tableComment).toBe('xby')
    expect((await table(`table_comment: "\${cmd:echo a b | awk '{print $2}'}"`, extras)).tableComment).toBe('b')
  })

  test('comments are not read', async () => {
    expect(await problems(`# \${NOPE}\n${tableText('')}`)).toEqual([])
  })

  test.each([
    ['${NOPE}', 'the environment variable NOPE is not set; set it, or give a default: ${NOPE:-value}'],
    ['${__proto__}', 'the environment variable __proto__ is not set; set it, or give a default: ${__proto__:-value}'],
    [
      '${1A}',
      'a ${…} names no variable; write ${NAME}, ${NAME:-default}, ${file:path} or ${cmd:command}, or $${ for the characters themselves',
    ],
    ['${A', 'a ${ has no closing }; close it, or write $${ for the characters themselves'],
    ['${file:/nowhere/x}', 'the file of ${file:/nowhere/x} cannot be read (ENOENT); create it, or correct the path'],
    ['${cmd:exit 3}', 'the command of a ${cmd:…} ended with exit code 3; run it by hand to see why'],
    ['${cmd:echo hunter2 >&2; echo hunter2; exit 1}', 'the command of a ${cmd:…} ended with exit code 1; run it by hand to see why'],
  ])('%s gives nothing', async (text, message) => {
    const found = await problems(`tables:\n- table_name: a\n  source_path_pattern: a.csv\n  table_comment: "${text}"`, {
      cwd: '/tmp',
      env: { PATH: process.env['PATH'] },
    })
    expect(found).toEqual([`4:18 tables[0].table_comment: ${message} [ING-CONFIG-ENV]`])
  })

  test('a reference that gave nothing is one problem, not two', async () => {
    expect(await problems(`max_parallel_jobs: \${NOPE}\ntables:\n- {table_name: "\${NOPE}", source_path_pattern: "\${NOPE}"}`)).toEqual([
      '1:20 max_parallel_jobs: the environment variable NOPE is not set; set it, or give a default: ${NOPE:-value} [ING-CONFIG-ENV]',
      '3:16 tables[0].table_name: the environment variable NOPE is not set; set it, or give a default: ${NOPE:-value} [ING-CONFIG-ENV]',
      '3:48 tables[0].source_path_pattern: the environment variable NOPE is not set; set it, or give a default: ${NOPE:-value} [ING-CONFIG-ENV]',
    ])
  })
})

describe('overrides', () => {
  test('an option goes before the environment, which goes before the file', async () => {
    const text = `max_parallel_jobs: 1\nretry_attempts: 1\ntimeout_minutes: 1\n${tableText('')}`
    const env = { INGEST_MAX_PARALLEL_JOBS: '2', INGEST_RETRY_ATTEMPTS: '2', DATALOADER_RETRY_ATTEMPTS: '9' }
    const config = await load(text, { env, overrides: ['max_parallel_jobs=3'] })
    expect([config.maxParallelJobs, config.retryAttempts, config.timeoutMs]).toEqual([3, 2, 60_000])
  })

  test('variables of the old loader and nested keys are known', async () => {
    const env = {
      DATALOADER_LOG_LEVEL: 'DEBUG',
      INGEST_ENGINE_MEMORY_LIMIT: '1GB',
      INGEST_RETRY_BACKOFF_FACTOR: '3',
      INGEST_RAW_DATA_PATH: '/raw',
      INGEST_FILE_TRACKER_DATABASE: '2024',
    }
    const config = await load(tableText(''), { env })
    expect(config).toMatchObject({
      logLevel: 'DEBUG',
      engine: { memory: { bytes: 1_000_000_000 } },
      retryBackoff: { factor: 3 },
      rawDataPath: '/raw',
      trackerFile: '/project/state/2024.db',
    })
  })

  test('other variables that begin alike are left alone', async () => {
    const env = {
      INGEST_FAILPOINT: 'after-claim',
      INGEST_TEST_X: '1',
      INGEST_CONFIG: 'x',
      INGEST_PASSWORD: 'x',
      INGEST_TABLES: '[]',
      INGEST_LOG_LEVEL: '',
    }
    expect(await problems(tableText(''), { env })).toEqual([])
  })

  test('a wrong variable is told by its name, without its value', async () => {
    expect(await problems(tableText(''), { env: { INGEST_MAX_PARALLEL_JOBS: 'many' } })).toEqual([
      'INGEST_MAX_PARALLEL_JOBS max_parallel_jobs: must be a whole number from 1 to 1024, is other text; write for example max_parallel_jobs: 4 [ING-CONFIG-VALUE]',
    ])
  })

  test('a key of a table is named by its bare or its qualified name', async () => {
    const text = `tables:\n- {table_name: a, source_path_pattern: a.csv, database_name: x}\n- {table_name: b, source_path_pattern: b.csv}`
    const overrides = [
      'tables.a.audit_columns=false',
      'tables.x.a.watch.settle_seconds=0',
      'tables.default.b.partition_columns=[day, hour]',
      'tables.b.table_comment=2024',
      'tables.b.table_properties.delta.appendOnly=true',
    ]
    const [a, b] = (await load(text, { overrides })).tables
    expect(a).toMatchObject({ auditColumns: false, watch: { settleMs: 0 } })
    expect(b).toMatchObject({ partitionColumns: ['day', 'hour'], tableComment: '2024', tableProperties: { 'delta.appendOnly': 'true' } })
  })

  test('what an option replaces need not be there', async () => {
    const text = `max_parallel_jobs: \${NOPE}\n${tableText('table_comment: "${NOPE}"')}`
    const config = await load(text, { overrides: ['max_parallel_jobs=2', 'tables.orders.table_comment=x'] })
    expect([config.maxParallelJobs, config.tables[0]?.tableComment]).toEqual([2, 'x'])
  })

  test.each([
    [
      'x',
      '--var: an override must be key=value; write for example --var max_parallel_jobs=2 or --var tables.orders.audit_columns=false [ING-CONFIG-VALUE]',
    ],
    [
      'a..b=1',
      '--var: an override must be key=value; write for example --var max_parallel_jobs=2 or --var tables.orders.audit_columns=false [ING-CONFIG-VALUE]',
    ],
    ['max_jobs=1', '--var max_jobs: unknown key; remove it [ING-CONFIG-UNKNOWN-KEY]'],
    ['log_levle=INFO', '--var log_levle: unknown key; did you mean log_level? [ING-CONFIG-UNKNOWN-KEY]'],
    ['__proto__.polluted=1', '--var __proto__: unknown key; remove it [ING-CONFIG-UNKNOWN-KEY]'],
    [
      'tables.ordres.audit_columns=1',
      '--var tables.ordres.audit_columns: there is no table ordres; did you mean tables.orders? [ING-CONFIG-TABLE-UNKNOWN]',
    ],
    [
      'tables.orders.audit_colums=true',
      '--var tables.orders.audit_colums: unknown key; did you mean audit_columns? [ING-CONFIG-UNKNOWN-KEY]',
    ],
    [
      'tables.orders.audit_columns=maybe',
      '--var tables.orders.audit_columns: must be true or false, is other text; write for example audit_columns: true [ING-CONFIG-VALUE]',
    ],
  ])('--var %s is refused', async (override, message) => {
    const found = await problems(tableText(''), { overrides: [override] })
    expect(found).toEqual([message])
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  test('a bare name of two tables is refused', async () => {
    const text = `tables:\n- {table_name: a, source_path_pattern: a.csv, database_name: x}\n- {table_name: a, source_path_pattern: b.csv, database_name: y}`
    expect(await problems(text, { overrides: ['tables.a.audit_columns=false'] })).toEqual([
      '--var tables.a.audit_columns: a names x.a and y.a; write tables.x.a [ING-CONFIG-TABLE-UNKNOWN]',
    ])
  })
})

describe('defaults', () => {
  test('maps merge by key, lists and all else replace', async () => {
    const text = `defaults:
  database_name: analytics
  partition_columns: [a, b]
  watch: {settle_seconds: 9, marker: _SUCCESS}
  format_options: {delimiter: ";", header: true}
tables:
- {table_name: x, source_path_pattern: x.csv, partition_columns: [c], watch: {marker: null, ignore: ["*.x"]}, format_options: {header: false}}
- {table_name: y, source_path_pattern: y.csv}
`
    const [x, y] = (await load(text)).tables
    expect(x).toMatchObject({
      name: 'analytics.x',
      partitionColumns: ['c'],
      watch: { settleMs: 9000, marker: null, ignore: ['*.x'] },
      formatOptions: { delimiter: ';', header: false },
    })
    expect(y).toMatchObject({
      name: 'analytics.y',
      partitionColumns: ['a', 'b'],
      watch: { settleMs: 9000, marker: '_SUCCESS', ignore: [] },
      formatOptions: { delimiter: ';', header: true },
    })
  })

  test('a wrong default is told once, where it stands, also without tables', async () => {
    const tables = 'tables:\n- {table_name: x, source_path_pattern: x.csv}\n- {table_name: y, source_path_pattern: y.csv}'
    const message =
      '1:34 defaults.watch.settle_seconds: must be a number from 0 to 86400, is "x"; write for example settle_seconds: 2 [ING-CONFIG-VALUE]'
    expect(await problems(`defaults: {watch: {settle_seconds: x}}\n${tables}`)).toEqual([message.replace('1:34', '1:36')])
    expect(await problems('defaults: {watch: {settle_seconds: x}}\ntables: []')).toEqual([message.replace('1:34', '1:36')])
  })

  test('a key of another strategy is for the tables that use it', async () => {
    const text = `defaults: {primary_keys: [id], snapshot_unit: folder, deduplicate: true}\ntables:\n- {table_name: x, source_path_pattern: x.csv}\n- {table_name: y, source_path_pattern: y.csv, loading_strategy: overwrite}`
    const [x, y] = (await load(text)).tables
    expect(x).toMatchObject({ deduplicate: true, primaryKeys: [], snapshotUnit: 'file' })
    expect(y).toMatchObject({ deduplicate: false, primaryKeys: [], snapshotUnit: 'folder' })
  })
})

describe('include', () => {
  const files = {
    'ingest.yaml':
      'include: ["tables/**/*.yaml", more.yaml]\ndefaults: {database_name: d}\ntables:\n- {table_name: main, source_path_pattern: main.csv}\n',
    'tables/a.yaml': 'table_name: a\nsource_path_pattern: a.csv\n',
    'tables/deep/b.yaml': '- {table_name: b, source_path_pattern: b.csv}\n- {table_name: c, source_path_pattern: "${C}.csv"}\n',
    'tables/notes.txt': 'not a config',
    'more.yaml': '# nothing yet\n',
  }

  test('each file is a table or a list of tables, with the same defaults and references', async () => {
    await using project = await folder(files)
    const config = await load({ file: 'ingest.yaml' }, { cwd: project.path, env: { C: 'sea' } })
    expect(config.tables.map(({ name }) => name)).toEqual(['d.main', 'd.a', 'd.b', 'd.c'])
    expect(config.tables[3]?.sourcePattern).toBe(`${project.path}/landing/sea.csv`)
  })

  test('a problem names the included file and its line', async () => {
    await using project = await folder({
      ...files,
      'tables/a.yaml': 'table_name: a\nsource_path_patern: a.csv\n',
      'tables/deep/b.yaml': '- {table_name: b, source_path_pattern: b.csv}\n- table_name: c\n  source_path_pattern: "${C}.csv"\n',
      'more.yaml': 'a: [\n',
    })
    expect(await problems({ file: 'ingest.yaml' }, { cwd: project.path })).toEqual([
      'more.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]; mend the YAML here [ING-CONFIG-SYNTAX]',
      'tables/deep/b.yaml:3:24 [1].source_path_pattern: the environment variable C is not set; set it, or give a default: ${C:-value} [ING-CONFIG-ENV]',
      'tables/a.yaml:1:1 source_path_pattern: is required; add it, for example source_path_pattern: customers/*.csv [ING-CONFIG-MISSING]',
      'tables/a.yaml:2:1 source_path_patern: unknown key; did you mean source_path_pattern? [ING-CONFIG-UNKNOWN-KEY]',
    ])
  })

  test('a file that is named and not there is told, a glob without files is not', async () => {
    await using project = await folder({ 'ingest.yaml': 'include: [nowhere.yaml, "none/*.yaml"]\n' })
    expect(await problems({ file: 'ingest.yaml' }, { cwd: project.path })).toEqual([
      'ingest.yaml:1:11 include[0]: the included file nowhere.yaml does not exist; create it, or correct the pattern [ING-CONFIG-NOT-FOUND]',
    ])
  })

  test('a whole config cannot be included', async () => {
    await using project = await folder({ 'ingest.yaml': 'include: [a.yaml, b.yaml]\n', 'a.yaml': 'tables: []\n', 'b.yaml': 'just text\n' })
    expect(await problems({ file: 'ingest.yaml' }, { cwd: project.path })).toEqual([
      'a.yaml:1:1: an included file is a table or a list of tables; write the keys of the table, or a list of such maps [ING-CONFIG-VALUE]',
      'b.yaml:1:1: an included file is a table or a list of tables; write the keys of the table, or a list of such maps [ING-CONFIG-VALUE]',
    ])
  })

  test('a table of the config and one of an included file cannot share a name', async () => {
    await using project = await folder({ ...files, 'tables/a.yaml': 'table_name: main\nsource_path_pattern: a.csv\n' })
    expect(await problems({ file: 'ingest.yaml' }, { cwd: project.path, env: { C: 'c' } })).toEqual([
      'tables/a.yaml:1:13 table_name: d.main is already defined at ingest.yaml:4:16; rename one, or give it another database_name [ING-CONFIG-DUPLICATE-TABLE]',
    ])
  })

  test('a folder cannot be included', async () => {
    await using project = await folder({ 'ingest.yaml': 'include: [a.yaml]\n', 'a.yaml/b.txt': '' })
    expect(await problems({ file: 'ingest.yaml' }, { cwd: project.path })).toEqual([
      'ingest.yaml:1:11 include[0]: the included file a.yaml is a folder; create it, or correct the pattern [ING-CONFIG-NOT-FOUND]',
    ])
  })
})
