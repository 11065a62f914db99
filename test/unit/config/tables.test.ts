import { describe, expect, test } from 'vitest'
import { folder, load, problems, table, tableText } from './support.ts'

describe('names of tables', () => {
  test('only table_name and source_path_pattern are required', async () => {
    expect(await table('')).toMatchObject({
      name: 'default.orders',
      strategy: 'append',
      fileFormat: 'csv',
      outputFormat: 'delta',
      sourcePattern: '/project/landing/orders/*.csv',
      targetPath: '/project/tables/default/orders',
      unsupported: [],
    })
  })

  test.each([
    ['"../evil"', '"../evil" is no name: it holds a slash; write the name alone; target_path sets another folder'],
    ['"a\\\\b"', '"a\\\\b" is no name: it holds a slash; write the name alone; target_path sets another folder'],
    ['".."', '".." is no name: it holds a dot; write database_name and table_name apart'],
    ['".hidden"', '".hidden" is no name: it holds a dot; write database_name and table_name apart'],
    ['"a\\0b"', 'a name cannot hold control characters; remove them'],
    ['"a\\nb"', 'a name cannot hold control characters; remove them'],
    ['" a"', '" a" begins or ends with a space; write "a"'],
    ['"a*"', '"a*" holds a character that not every storage takes; remove * ? " < > | : [ ] { }'],
    ['_delta_log', '"_delta_log" is a folder of Delta tables; choose another name'],
    [`"${'x'.repeat(201)}"`, 'the name is longer than 200 bytes; choose a shorter one'],
  ])('a table cannot be named %s', async (name, message) => {
    expect(await problems(`tables:\n- table_name: ${name}\n  source_path_pattern: a.csv`)).toEqual([
      `2:15 tables[0].table_name: ${message} [ING-CONFIG-VALUE]`,
    ])
  })

  test.each(['Ümläut', 'with space', 'dash-ed', '数据', "o'brien", '_staging', 'a%20b'])('a table can be named %s', async (name) => {
    const [found] = (await load({ object: { tables: [{ table_name: name, source_path_pattern: 'a.csv' }] } })).tables
    expect(found?.targetPath).toBe(`/project/tables/default/${name}`)
  })

  test('two tables with one name are told with both places, also when they differ by case alone', async () => {
    const text = `tables:
- {table_name: a, source_path_pattern: a.csv}
- {table_name: a, source_path_pattern: b.csv}
- {table_name: A, source_path_pattern: c.csv}
- {table_name: a, source_path_pattern: d.csv, database_name: other}
`
    expect(await problems(text)).toEqual([
      '3:16 tables[1].table_name: default.a is already defined at --config-json:2:16; rename one, or give it another database_name [ING-CONFIG-DUPLICATE-TABLE]',
      '4:16 tables[2].table_name: default.A and default.a differ by case alone; the first is already defined at --config-json:2:16; rename one, or give it another database_name [ING-CONFIG-DUPLICATE-TABLE]',
    ])
  })

  test('two tables cannot share a folder, nor lie in one another', async () => {
    const text = `tables:
- {table_name: a, source_path_pattern: a.csv}
- {table_name: b, source_path_pattern: b.csv, target_path: ./tables/default/a/}
- {table_name: c, source_path_pattern: c.csv, target_path: ./tables/default/a/c}
- {table_name: d, source_path_pattern: d.csv, target_path: ./tables/default/ab}
- {table_name: e, source_path_pattern: e.csv, target_path: ./tables/default}
`
    expect(await problems(text)).toEqual([
      '3:60 tables[1].target_path: /project/tables/default/a is also the folder of default.a; give one of them another target_path [ING-CONFIG-DUPLICATE-TABLE]',
      '4:60 tables[2].target_path: /project/tables/default/a/c lies in the folder of default.a; give one of them another target_path [ING-CONFIG-DUPLICATE-TABLE]',
      '6:60 tables[4].target_path: /project/tables/default holds the folder of default.a; give one of them another target_path [ING-CONFIG-DUPLICATE-TABLE]',
      '6:60 tables[4].target_path: /project/tables/default holds the folder of default.b; give one of them another target_path [ING-CONFIG-DUPLICATE-TABLE]',
      '6:60 tables[4].target_path: /project/tables/default holds the folder of default.c; give one of them another target_path [ING-CONFIG-DUPLICATE-TABLE]',
      '6:60 tables[4].target_path: /project/tables/default holds the folder of default.d; give one of them another target_path [ING-CONFIG-DUPLICATE-TABLE]',
    ])
  })

  test.each([
    ['./tables/default/orders/*.csv', 'tables[0]'],
    ['./**/*.csv', 'tables[0]'],
    ['./{landing,tables}/**/*.csv', 'tables[0]'],
    ['./*/default/orders/*.parquet', 'tables[0]'],
    ['./tables/default/orders', 'tables[0]'],
    ['./tables/', 'tables[0]'],
    ['./t*s/d[a-f]fault/o?ders/x.csv', 'tables[0]'],
  ])('the pattern %s would load a table into itself', async (pattern) => {
    expect(
      await problems(
        `raw_data_path: .\nprocessed_data_path: tables\ncheckpoint_path: /state\ntables:\n- {table_name: orders, source_path_pattern: "${pattern}", file_format: csv}`,
      ),
    ).toEqual([
      '5:45 tables[0].source_path_pattern: the pattern would look into the folder of default.orders (/project/tables/default/orders); choose a narrower pattern, or keep tables and landing files apart [ING-CONFIG-COMBINATION]',
    ])
  })

  test.each(['./*/*.csv', './landing/**/*.csv', './tables/*.csv', './*/*/*'])('the pattern %s looks beside the tables', async (pattern) => {
    expect(
      await problems(
        `raw_data_path: .\ncheckpoint_path: /state\ntables:\n- {table_name: orders, source_path_pattern: "${pattern}", file_format: csv}`,
      ),
    ).toEqual([])
  })

  test('the state of ingestd is neither read nor overwritten', async () => {
    expect(
      await problems(`raw_data_path: .\nprocessed_data_path: /out\ntables:\n- {table_name: a, source_path_pattern: "**/*.csv"}`),
    ).toEqual([
      '4:40 tables[0].source_path_pattern: the pattern would look into checkpoint_path; choose a narrower pattern or another checkpoint_path [ING-CONFIG-COMBINATION]',
    ])
    expect(await problems(`checkpoint_path: ./tables/default/orders/state\n${tableText('')}`)).toEqual([
      '3:16 tables[0].table_name: the table would lie around checkpoint_path; choose another target_path or checkpoint_path [ING-CONFIG-COMBINATION]',
    ])
  })
})

describe('paths', () => {
  test('relative paths start at the folder of the config file, wherever the command runs', async () => {
    await using project = await folder({ 'conf/ingest.yaml': `raw_data_path: ../raw\n${tableText('target_path: ./out')}` })
    const config = await load({ file: 'conf/ingest.yaml' }, { cwd: project.path })
    expect(config).toMatchObject({ file: `${project.path}/conf/ingest.yaml`, checkpointPath: `${project.path}/conf/state` })
    expect(config.tables[0]).toMatchObject({ sourcePattern: `${project.path}/raw/orders/*.csv`, targetPath: `${project.path}/conf/out` })
  })

  test.each([
    ['file:///data/a%20b/*.csv', '/data/a b/*.csv'],
    ['file://localhost/data/x.csv', '/data/x.csv'],
    ['/mnt/raw//customers/./*.csv', '/mnt/raw/customers/*.csv'],
    ['../x/*.csv', '/project/x/*.csv'],
    ['a/../b/*.csv', '/project/landing/b/*.csv'],
    ['./**/*.csv', '/project/landing/**/*.csv'],
    ['a.csv/', '/project/landing/a.csv/'],
    ['/data/a.csv/', '/data/a.csv/'],
  ])('the source %s is %s', async (pattern, absolute) => {
    const config = await load(`tables:\n- {table_name: a, source_path_pattern: "${pattern}", target_path: /out/a}\ncheckpoint_path: /state`)
    expect(config.tables[0]?.sourcePattern).toBe(absolute)
  })

  test('glob characters of the folder itself stand for themselves', async () => {
    const config = await load(`raw_data_path: "/data/[raw] (1)"\n${tableText('')}`)
    expect(config.tables[0]?.sourcePattern).toBe('/data/\\[raw\\] (1)/orders/*.csv')
  })

  test.each([
    ['file://server/x.csv', 'a file:// URL must hold an absolute path of this machine; write file:///path, or the path alone'],
    ['file:///a%zz.csv', 'a % in a file:// URL must be followed by two hexadecimal digits; write %25 for the character itself'],
    ['a/*/../b.csv', '.. cannot stand behind a glob; write the path without ..'],
    [
      '{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}.csv',
      'the braces stand for more than 1024 alternatives; write fewer braces, or make several tables of it',
    ],
    ['a\\0b.csv', 'a path cannot hold a NUL character; remove it'],
    ['ftp://host/x.csv', 'ftp:// is no scheme that ingestd knows; write a path, file://, s3://, gs://, az:// or abfss://'],
  ])('the source %s is refused', async (pattern, message) => {
    expect(await problems(`tables:\n- table_name: a\n  source_path_pattern: "${pattern}"`)).toEqual([
      `3:24 tables[0].source_path_pattern: ${message} [ING-CONFIG-VALUE]`,
    ])
  })

  test.each([
    ['a/*.csv', 'csv'],
    ['a/*.CSV.GZ', 'csv'],
    ['a/*.tsv', 'csv'],
    ['a/*.json', 'json'],
    ['a/*.jsonl.zst', 'ndjson'],
    ['a/*.{csv,csv.gz}', 'csv'],
    ['a/{b,c}/*.parquet', 'parquet'],
  ])('the format of %s is %s', async (pattern, format) => {
    const config = await load({ object: { tables: [{ table_name: 'a', source_path_pattern: pattern }] } })
    expect(config.tables[0]?.fileFormat).toBe(format)
  })

  test.each(['a/*', 'a/*.txt', 'a/*.{csv,json}', 'a/**'])('the format of %s must be written', async (pattern) => {
    expect(await problems({ object: { tables: [{ table_name: 'a', source_path_pattern: pattern }] } })).toEqual([
      'tables[0].file_format: the suffix of source_path_pattern does not tell the format; add file_format: csv, json, ndjson or parquet [ING-CONFIG-MISSING]',
    ])
  })
})

describe('options of a format', () => {
  test('an option that the format lacks is told with the nearest', async () => {
    expect(await problems(tableText('format_options: {delimitr: ";", header: 1, null_values: [5], compression: gz}'))).toEqual([
      '2:76 tables[0].format_options.delimitr: csv has no option "delimitr"; did you mean delimiter? [ING-CONFIG-UNKNOWN-KEY]',
      '2:99 tables[0].format_options.header: must be true or false; write for example header: true [ING-CONFIG-VALUE]',
      '2:115 tables[0].format_options.null_values: must be text or a list of text; write for example null_values: ["", NULL] [ING-CONFIG-VALUE]',
      '2:133 tables[0].format_options.compression: must be one of auto, none, gzip, zstd, bzip2, zip; write for example compression: auto [ING-CONFIG-VALUE]',
    ])
  })

  test('names that every object has are no options', async () => {
    expect(await problems(tableText('format_options: {constructor: x, toString: y}'))).toEqual([
      '2:76 tables[0].format_options.constructor: csv has no option "constructor"; remove it [ING-CONFIG-UNKNOWN-KEY]',
      '2:92 tables[0].format_options.toString: csv has no option "toString"; remove it [ING-CONFIG-UNKNOWN-KEY]',
    ])
  })

  test('a single text stands for a list of one', async () => {
    expect((await table('format_options: {null_values: NA}')).formatOptions).toEqual({ null_values: ['NA'] })
  })
})

describe('keys that need or contradict one another', () => {
  test.each([
    [
      'loading_strategy: overwrite, overwrite_scope: partition',
      'overwrite_scope',
      'overwrite_scope: partition needs partition_columns; add them, or set overwrite_scope: table [ING-CONFIG-COMBINATION]',
    ],
    [
      'deduplicate: true, loading_strategy: overwrite',
      'deduplicate',
      'overwrite does not use deduplicate; remove it, or set loading_strategy: append [ING-CONFIG-COMBINATION]',
    ],
    [
      'snapshot_unit: folder',
      'snapshot_unit',
      'append does not use snapshot_unit; remove it, or set loading_strategy: overwrite [ING-CONFIG-COMBINATION]',
    ],
    [
      'primary_keys: [id]',
      'primary_keys',
      'append does not use primary_keys; remove it, or set loading_strategy: merge or scd2 [ING-CONFIG-COMBINATION]',
    ],
    [
      'tracking_columns: [id]',
      'tracking_columns',
      'append does not use tracking_columns; remove it, or set loading_strategy: scd2 [ING-CONFIG-COMBINATION]',
    ],
    [
      'loading_strategy: ./own.mjs, delete_when: x',
      'delete_when',
      'a custom strategy does not use delete_when; remove it, or set loading_strategy: merge or scd2 [ING-CONFIG-COMBINATION]',
    ],
    [
      'loading_strategy: merge, primary_keys: [id], sequence_by: [at, ID]',
      'sequence_by',
      'ID is a key: it is the same in all versions of a row; name a column that grows with each version [ING-CONFIG-COMBINATION]',
    ],
    ['loading_strategy: merge', 'primary_keys', 'merge needs primary_keys; add them, for example primary_keys: [id] [ING-CONFIG-MISSING]'],
    [
      'loading_strategy: merge, primary_keys: [id], insert_only: true, merge_update_columns: [a]',
      'insert_only',
      'insert_only never updates, but merge_update_columns names columns to update; remove one of them [ING-CONFIG-COMBINATION]',
    ],
    [
      'loading_strategy: scd2, primary_keys: [id], scd2_end_date_column: effective_date',
      'scd2_end_date_column',
      'the three scd2 columns must have different names; rename one [ING-CONFIG-COMBINATION]',
    ],
    [
      'output_format: parquet, delta: {deletion_vectors: true}',
      'delta.deletion_vectors',
      'a Parquet folder cannot have deletion vectors; remove it, or set output_format: delta [ING-CONFIG-COMBINATION]',
    ],
    [
      'output_format: parquet, delta: {change_data_feed: true}',
      'delta.change_data_feed',
      'a Parquet folder cannot have a change data feed; remove it, or set output_format: delta [ING-CONFIG-COMBINATION]',
    ],
    [
      'loading_strategy: overwrite, force_reload_after: 7 days',
      'force_reload_after',
      'force_reload_after needs skip_unchanged: true; add it, or remove force_reload_after [ING-CONFIG-COMBINATION]',
    ],
    [
      'transform: {params: {a: 1}}',
      'transform.params',
      'params need sql, file or module; add one of them, or remove params [ING-CONFIG-COMBINATION]',
    ],
    ['watch: {mode: cron}', 'watch.mode', 'mode: cron needs watch.cron; add it, for example cron: "0 2 * * *" [ING-CONFIG-COMBINATION]'],
    [
      'watch: {cron: "61 * * * *"}',
      'watch.cron',
      '"61 * * * *" is no cron expression; write for example "0 2 * * *" [ING-CONFIG-COMBINATION]',
    ],
    [
      'watch: {mode: poll, cron: "0 2 * * *"}',
      'watch.cron',
      'mode: poll does not use watch.cron; remove it, or set mode: cron [ING-CONFIG-COMBINATION]',
    ],
    [
      'watch: {marker: ../x}',
      'watch.marker',
      'a marker is the name of a file in the same folder; write for example "{name}.done" or _SUCCESS [ING-CONFIG-COMBINATION]',
    ],
    [
      'watch: {marker: "{name}"}',
      'watch.marker',
      'a file cannot be its own marker; write for example "{name}.done" [ING-CONFIG-COMBINATION]',
    ],
    [
      'partition_columns: [day], exclude_columns: [Day]',
      'partition_columns[0]',
      'day is in exclude_columns; remove it from one of them [ING-CONFIG-COMBINATION]',
    ],
    [
      'partition_columns: [day], columns: [id]',
      'partition_columns[0]',
      'day is not among columns; add it there, or remove it here [ING-CONFIG-COMBINATION]',
    ],
    [
      'partition_columns: [day], rename_columns: {day: date}',
      'partition_columns[0]',
      'day is renamed to date; write date [ING-CONFIG-COMBINATION]',
    ],
    [
      'columns: [a, b], exclude_columns: [b]',
      'exclude_columns[0]',
      'b is also in columns; remove it from one of them [ING-CONFIG-COMBINATION]',
    ],
    ['rename_columns: {a: x, b: X}', 'rename_columns.b', 'two columns are renamed to X; choose another name [ING-CONFIG-COMBINATION]'],
    ['columns: {a: BIGINT, A: VARCHAR}', 'columns.A', 'another column differs by case alone; remove one of them [ING-CONFIG-VALUE]'],
    ['source: {type: mssql}', 'source', 'a source needs table or query; add one, for example table: dbo.orders [ING-CONFIG-COMBINATION]'],
    [
      'source: {type: mssql, table: a, query: b}',
      'source.query',
      'a source has a table or a query, not both; remove one of them [ING-CONFIG-COMBINATION]',
    ],
    ['connection: lake', 'connection', 'connections has no "lake"; define it under connections [ING-CONFIG-COMBINATION]'],
    [
      'table_properties: {ingestd.tracker: x}',
      'table_properties.ingestd.tracker',
      'properties that begin with ingestd. are its own; choose another name [ING-CONFIG-VALUE]',
    ],
    [
      'loading_strategy: overwrite, table_properties: {delta.appendOnly: "true"}',
      'table_properties.delta.appendOnly',
      'overwrite removes rows, which an append-only table forbids; remove delta.appendOnly, or set loading_strategy: append [ING-CONFIG-COMBINATION]',
    ],
  ])('{%s} is refused', async (keys, key, message) => {
    const found = (await problems(tableText(keys))).map((line) => line.replace(/^\d+:\d+ tables\[0\]\./, ''))
    expect(found).toEqual([`${key}: ${message}`])
  })

  test('a renamed column can be a partition column', async () => {
    expect(await table('partition_columns: [date], rename_columns: {day: date}, columns: [day, id]')).toMatchObject({
      partitionColumns: ['date'],
      renameColumns: { day: 'date' },
    })
  })

  test('a combination rests on no key that is wrong already', async () => {
    expect(await problems(tableText('loading_strategy: overwrite, overwrite_scope: partition, partition_columns: 5'))).toHaveLength(1)
  })
})

describe('strategies', () => {
  test('a module is named by its path from the config file', async () => {
    await using project = await folder({
      'conf/ingest.yaml': tableText('loading_strategy: ./own.mjs, primary_keys: [id], deduplicate: [id]'),
    })
    const config = await load({ file: 'conf/ingest.yaml' }, { cwd: project.path })
    expect(config.tables[0]).toMatchObject({
      strategy: `${project.path}/conf/own.mjs`,
      primaryKeys: ['id'],
      deduplicate: ['id'],
      unsupported: [],
    })
  })

  test('a name that every object has is no strategy', async () => {
    expect(await problems(tableText('loading_strategy: constructor'))).toHaveLength(1)
  })
})
