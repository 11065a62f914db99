import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/errors/errors.ts'
import { folder, load, problems, tableText } from './support.ts'

describe('messages of the config', () => {
  test('all problems are told at once, each with file, line, column, key and remedy', async () => {
    await using project = await folder({
      'ingest.yaml': `raw_data_path: ./landing
max_paralel_jobs: 4
max_parallel_jobs: many
timeout_minutes: \${NOPE}
tables:
  - table_name: ../evil
    source_path_pattern: customers/*.csv
    loading_strategy: appnd
  - table_name: b
    schema_evolution: {mode: evlve}
    columns: {a: BIGNT}
  - 17
`,
    })
    expect(await problems({ file: 'ingest.yaml' }, { cwd: project.path })).toEqual([
      'ingest.yaml:2:1 max_paralel_jobs: unknown key; did you mean max_parallel_jobs? [ING-CONFIG-UNKNOWN-KEY]',
      'ingest.yaml:3:20 max_parallel_jobs: must be a whole number from 1 to 1024, is "many"; write for example max_parallel_jobs: 4 [ING-CONFIG-VALUE]',
      'ingest.yaml:4:18 timeout_minutes: the environment variable NOPE is not set; set it, or give a default: ${NOPE:-value} [ING-CONFIG-ENV]',
      'ingest.yaml:6:17 tables[0].table_name: "../evil" is no name: it holds a slash; write the name alone; target_path sets another folder [ING-CONFIG-VALUE]',
      'ingest.yaml:8:23 tables[0].loading_strategy: there is no strategy "appnd"; did you mean append? [ING-CONFIG-VALUE]',
      'ingest.yaml:9:5 tables[1].source_path_pattern: is required; add it, for example source_path_pattern: customers/*.csv [ING-CONFIG-MISSING]',
      'ingest.yaml:10:30 tables[1].schema_evolution.mode: must be one of evolve, widen, rescue, ignore, fail, is "evlve"; did you mean evolve? [ING-CONFIG-VALUE]',
      'ingest.yaml:11:18 tables[1].columns.a: BIGNT is not a type; did you mean BIGINT? [ING-CONFIG-VALUE]',
      'ingest.yaml:12:5 tables[2]: must be a map of keys, is 17; write that instead [ING-CONFIG-VALUE]',
    ])
  })

  test('the error carries the issues as values', async () => {
    const error = await load('max_parallel_jobs: 0\ntables: []').catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error).toMatchObject({
      code: 'ING-CONFIG-VALUE',
      issues: [
        {
          file: '--config-json',
          line: 1,
          column: 20,
          key: 'max_parallel_jobs',
          problem: 'must be a whole number from 1 to 1024, is 0',
          code: 'ING-CONFIG-VALUE',
        },
      ],
    })
  })

  test('a file that is not there is told with what to do', async () => {
    const error = await load({ file: 'nowhere.yaml' }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'ING-CONFIG-NOT-FOUND',
      message: 'the config file nowhere.yaml does not exist',
      hint: 'pass --config FILE, set INGEST_CONFIG, or create one with: ingest init DIR',
    })
  })

  test('a config without a name is INGEST_CONFIG, then ingest.yaml', async () => {
    await using project = await folder({ 'ingest.yaml': tableText(''), 'other.yaml': tableText('database_name: other') })
    const first = await load({}, { cwd: project.path })
    const second = await load({}, { cwd: project.path, env: { INGEST_CONFIG: 'other.yaml' } })
    expect([first.tables[0]?.name, second.tables[0]?.name]).toEqual(['default.orders', 'other.orders'])
  })

  test.each([
    [
      'a: [1, 2',
      '1:9: Flow sequence in block collection must be sufficiently indented and end with a ]; mend the YAML here [ING-CONFIG-SYNTAX]',
    ],
    ['tables: []\ntables: []', '2:1: Map keys must be unique; write the key once [ING-CONFIG-SYNTAX]'],
    ['tables:\n\t- table_name: a', '2:1: Tabs are not allowed as indentation; indent with spaces [ING-CONFIG-SYNTAX]'],
    ['- a', '1:1: a config is a map of keys; write for example raw_data_path: ./landing [ING-CONFIG-SYNTAX]'],
    ['just text', '1:1: a config is a map of keys; write for example raw_data_path: ./landing [ING-CONFIG-SYNTAX]'],
  ])('%j is told as no config', async (text, message) => {
    expect(await problems(text)).toEqual([message])
  })

  test.each([
    ['source_path: a.csv', 'unknown key; did you mean source_path_pattern?'],
    ['guard: {max_shrink: 1}', 'unknown key; remove it, or write one of '],
    ['target_path: ~/lake', '~ is not understood here; write ${HOME}/lake'],
    ['source_path_pattern: ~/in/*.csv', '~ is not understood here; write ${HOME}/in/*.csv'],
  ])('%s is told with what to write instead', async (keys, message) => {
    expect((await problems(`tables:\n  - { table_name: a, ${keys} }`)).join('\n')).toContain(message)
  })

  test('a nesting that no config has is refused', async () => {
    expect(await problems(`a: ${'['.repeat(100)}${']'.repeat(100)}`)).toEqual([
      '1:1: the config is nested more than 64 levels deep; mend the YAML here [ING-CONFIG-SYNTAX]',
    ])
  })

  test('an alias bomb is refused', async () => {
    const lines = [
      'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
      ...Array.from({ length: 8 }, (_, index) => `a${index + 1}: &a${index + 1} [${`*a${index}, `.repeat(9)}*a${index}]`),
    ]
    const [message] = await problems(lines.join('\n'))
    expect(message).toMatch(/^1:1: the text cannot be read as YAML: Excessive alias count/)
  })

  test('a file that is not UTF-8 is refused', async () => {
    await using project = await folder({})
    const { writeFile } = await import('node:fs/promises')
    await writeFile(`${project.path}/ingest.yaml`, Buffer.from([0x61, 0x3a, 0x20, 0xff]))
    await expect(load({ file: 'ingest.yaml' }, { cwd: project.path })).rejects.toThrow('the config file ingest.yaml is not UTF-8')
  })

  test('an empty config says what is missing', async () => {
    expect(await problems('# nothing yet\n')).toEqual([
      '1:1 tables: is required; add a list of tables, each with table_name and source_path_pattern [ING-CONFIG-MISSING]',
    ])
  })

  test('JSON is taken as well', async () => {
    const config = await load('{"raw_data_path": "/raw", "tables": [{"table_name": "a", "source_path_pattern": "a/*.json"}]}')
    expect(config.tables[0]).toMatchObject({ name: 'default.a', fileFormat: 'json', sourcePattern: '/raw/a/*.json' })
  })

  test('an object names keys without lines', async () => {
    expect(await problems({ object: { tables: [{ table_name: 'a', source_path_pattern: 'a.csv', audit_columns: 'maybe' }] } })).toEqual([
      'tables[0].audit_columns: must be true or false, is "maybe"; write for example audit_columns: true [ING-CONFIG-VALUE]',
    ])
  })

  test('an object that holds itself is refused', async () => {
    const object: Record<string, unknown> = {}
    object['tables'] = [object]
    await expect(load({ object })).rejects.toThrow('the config object cannot be written as JSON')
  })

  test('merge keys and anchors of YAML work, and a problem names where the value stands', async () => {
    const text = `x-base: &base {max_files_per_batch: 5}
tables:
- <<: *base
  table_name: a
  source_path_pattern: a.csv
`
    expect(await problems(text)).toEqual(['1:1 x-base: unknown key; remove it [ING-CONFIG-UNKNOWN-KEY]'])
    const config = await load(`defaults: &d {max_files_per_batch: 5}\ntables:\n- <<: *d\n  table_name: a\n  source_path_pattern: a.csv\n`)
    expect(config.tables[0]?.maxFilesPerBatch).toBe(5)
  })

  test('the words of YAML 1.1 and of Python are understood', async () => {
    const config = await load(`log_level: warning\n${tableText('audit_columns: no, schema_evolution: yes')}`)
    expect([config.logLevel, config.tables[0]?.auditColumns, config.tables[0]?.schemaEvolution]).toEqual(['WARN', false, 'evolve'])
  })

  test('a key with nothing behind it is not set', async () => {
    const config = await load(`http:\nlog_level:\n${tableText('partition_columns: , watch: ~')}`)
    expect([config.logLevel, config.tables[0]?.partitionColumns, config.tables[0]?.watch.settleMs]).toEqual(['INFO', [], 2000])
  })

  test('secrets never stand in a message', async () => {
    const text = `tracker_url: 5\nconnections: {a: {type: mssql, server: s, database: d, password: {x: hunter2}, port: "\${PW}"}}\ntables: []`
    const messages = (await problems(text, { env: { PW: 'hunter2' } })).join('\n')
    expect(messages).toContain('connections.a.password: must be text, is a map')
    expect(messages).toContain('connections.a.port: must be a whole number from 1 to 65535, is other text')
    expect(messages).not.toContain('hunter2')
  })
})
