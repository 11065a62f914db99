import { BOUNDARY_COLUMNS, rowsOf, STRING_COLUMNS } from './boundaries.ts'
import type { Landing, TableCase } from './project.ts'

/** A checkpoint for each commit but the first, which needs none. */
const EVERY_COMMIT = { checkpoint_interval: 1 }

const parquet = (landing: string): string => `SELECT * FROM read_parquet('${landing}/*.parquet', union_by_name = true)`
const passes = (count: number, files: (pass: number) => Readonly<Record<string, Landing>>) =>
  Array.from({ length: count }, (_, pass) => files(pass))

/** Values that break paths, URIs and SQL; the empty string is NULL in a Delta partition. */
export const AWKWARD = [
  'plain',
  'a b',
  'a=b',
  'a/b',
  '100%',
  '%20',
  'q?x',
  'h#x',
  'a:b',
  '+',
  '&',
  "it's",
  '"q"',
  'a\\b',
  'ünï',
  '\u{1F600}',
  '*',
  '[x]',
  'None',
  'null',
  '__HIVE_DEFAULT_PARTITION__',
  '.',
  '..',
  ' lead',
  'trail ',
  'line\nbreak',
  '{"a":1}',
  'A',
  'a',
]

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const NAMES = `SELECT $1::BIGINT AS "a.b", $2::BIGINT AS "Größe", $3::BIGINT AS "select", $4::BIGINT AS "q""uote", $5::BIGINT AS "back\`tick",
  $6::BIGINT AS "UPPER", $7::BIGINT AS "名前", {'c.d': $8::BIGINT} AS "a"`

export const VALUE_CASES: readonly TableCase[] = [
  {
    name: 'boundaries',
    what: 'every scalar type with its least, greatest and special values',
    config: { file_format: 'parquet', delta: EVERY_COMMIT },
    passes: passes(3, (pass) => ({ [`${pass}.parquet`]: { sql: rowsOf(BOUNDARY_COLUMNS, pass) } })),
    expected: (landing) => `SELECT * REPLACE (u64::DECIMAL(20,0) AS u64, naive AT TIME ZONE 'UTC' AS naive) FROM (${parquet(landing)})`,
  },
  {
    name: 'strings',
    what: 'strings that are long, of many bytes, or ordered otherwise in UTF-16',
    config: { file_format: 'parquet', delta: EVERY_COMMIT },
    passes: passes(3, (pass) => ({ [`${pass}.parquet`]: { sql: rowsOf(STRING_COLUMNS, pass) } })),
    expected: parquet,
  },
  {
    name: 'csv',
    what: 'CSV with inferred and given types',
    config: { file_format: 'csv', columns: { amount: 'DECIMAL(38,18)', day: 'DATE' }, delta: EVERY_COMMIT },
    passes: [
      {
        '1.csv': {
          text: 'id,zip,amount,day,at,flag,ratio,note\n1,00123,0.000000000000000001,1582-10-04,2024-01-01 00:00:00,true,1.5,plain\n',
        },
      },
      {
        '2.csv': {
          text: 'note,id,zip,amount,day,at,flag,ratio\n"a,b ""q""",9223372036854775807,99999,,2024-02-29,,,-0.1\n"",-2,,5,,2024-01-01 12:00:00.123456,false,\n',
        },
      },
    ],
    expected: () => `SELECT * FROM (VALUES
      (1::BIGINT, '00123', '0.000000000000000001'::DECIMAL(38,18), DATE '1582-10-04', TIMESTAMPTZ '2024-01-01 00:00:00+00', true, 1.5::DOUBLE, 'plain'),
      (9223372036854775807, '99999', NULL, DATE '2024-02-29', NULL, NULL, -0.1, 'a,b "q"'),
      (-2, NULL, 5, NULL, TIMESTAMPTZ '2024-01-01 12:00:00.123456+00', false, NULL, '')) AS t(id, zip, amount, "day", "at", flag, ratio, note)`,
  },
  {
    name: 'nested_json',
    what: 'structs, lists and lists of structs from NDJSON',
    config: { file_format: 'ndjson', delta: EVERY_COMMIT },
    passes: [
      { '1.ndjson': { text: '{"id":1,"who":{"name":"Ada","tags":["a","b"]},"lines":[{"sku":"x","n":2},{"sku":"y","n":null}]}\n' } },
      {
        '2.ndjson': {
          text: '{"id":2,"who":null,"lines":[]}\n{"id":3,"who":{"name":null,"tags":null},"lines":null}\n{"lines":[{"n":9007199254740993}],"id":4}\n',
        },
      },
    ],
    expected: (landing) => `SELECT * FROM read_json('${landing}/*.ndjson', format = 'newline_delimited',
      columns = {id: 'BIGINT', who: 'STRUCT("name" VARCHAR, tags VARCHAR[])', lines: 'STRUCT(sku VARCHAR, n BIGINT)[]'})`,
  },
  {
    name: 'nested_parquet',
    what: 'maps, structs of structs and lists of lists from Parquet',
    config: { file_format: 'parquet', delta: EVERY_COMMIT },
    passes: [
      {
        '1.parquet': {
          sql: "SELECT 1::BIGINT AS id, MAP {'k': 1.5::DECIMAL(9,2), 'l': NULL} AS m, {'a': {'b': [1::BIGINT, NULL]}} AS s, [['x'], [], NULL] AS l, '\\xFF\\x00'::BLOB AS bin",
        },
      },
      {
        '2.parquet': {
          sql: "SELECT 2::BIGINT AS id, NULL::MAP(VARCHAR, DECIMAL(9,2)) AS m, {'a': NULL} :: STRUCT(a STRUCT(b BIGINT[])) AS s, NULL::VARCHAR[][] AS l, ''::BLOB AS bin UNION ALL SELECT 3, MAP {}, NULL, [], NULL",
        },
      },
    ],
    expected: parquet,
  },
  {
    name: 'odd_types',
    what: 'types that Delta lacks, stored as text',
    config: { file_format: 'parquet', delta: EVERY_COMMIT },
    passes: [
      {
        '1.parquet': {
          sql: "SELECT 1::BIGINT AS id, TIME '12:34:56.789' AS t, 'f47ac10b-58cc-4372-a567-0e02b2c3d479'::UUID AS u, 'a'::ENUM('a', 'b') AS e",
        },
      },
      { '2.parquet': { sql: "SELECT 2::BIGINT AS id, NULL::TIME AS t, NULL::UUID AS u, 'b'::ENUM('a', 'b') AS e" } },
    ],
    expected: (landing) => `SELECT id, t::VARCHAR AS t, u::VARCHAR AS u, e::VARCHAR AS e FROM (${parquet(landing)})`,
  },
  {
    name: 'names',
    what: 'column names with dots, quotes, keywords, capitals and other alphabets',
    config: { file_format: 'parquet', delta: EVERY_COMMIT },
    passes: passes(2, (pass) => ({ [`${pass}.parquet`]: { sql: NAMES.replaceAll('$', String(pass)) } })),
    expected: parquet,
  },
]

export const PARTITION_CASES: readonly TableCase[] = [
  {
    name: 'awkward_partitions',
    what: 'partition values that break paths and URIs',
    config: { file_format: 'parquet', partition_columns: ['part'], delta: EVERY_COMMIT },
    passes: passes(2, (pass) => ({
      [`${pass}.parquet`]: {
        sql: `SELECT (row_number() OVER ())::BIGINT AS id, part FROM (VALUES ${AWKWARD.map((text) => `(${literal(text)})`).join(', ')}, (NULL)) AS t(part)`,
      },
    })),
    expected: parquet,
  },
  {
    name: 'typed_partitions',
    what: 'partition columns of every type',
    config: { file_format: 'parquet', partition_columns: ['i', 'd', 'n', 'b', 'f', 'at'], delta: EVERY_COMMIT },
    passes: [
      {
        '1.parquet': {
          sql: `SELECT * FROM (VALUES
            (1::BIGINT, '-9223372036854775808'::BIGINT, DATE '1582-10-04', '1.50'::DECIMAL(9,2), true, 1.5::DOUBLE, TIMESTAMPTZ '2024-01-02 03:04:05.123456+00'),
            (2, 9007199254740993, DATE '9999-12-31', '0.00', false, 'inf', TIMESTAMPTZ '1969-12-31 23:59:59+00')) AS t(id, i, d, n, b, f, "at")`,
        },
      },
      {
        '2.parquet': {
          sql: `SELECT * FROM (VALUES
            (3::BIGINT, 0::BIGINT, DATE '2024-02-29', '9999999.99'::DECIMAL(9,2), true, 1e-7::DOUBLE, TIMESTAMPTZ '2024-01-02 00:00:00+00'),
            (4, NULL, NULL, NULL, NULL, NULL, NULL)) AS t(id, i, d, n, b, f, "at")`,
        },
      },
    ],
    expected: parquet,
  },
  {
    name: 'negative_partitions',
    what: 'partition values below zero, and floats that are no number',
    config: { file_format: 'parquet', partition_columns: ['n', 'f'], delta: EVERY_COMMIT },
    passes: [
      { '1.parquet': { sql: "SELECT 1::BIGINT AS id, '-1.50'::DECIMAL(9,2) AS n, 'nan'::DOUBLE AS f" } },
      { '2.parquet': { sql: "SELECT 2::BIGINT AS id, '-0.01'::DECIMAL(9,2) AS n, '-inf'::DOUBLE AS f" } },
    ],
    expected: parquet,
    unreadable: { arrow: 'delta-rs hands pyarrow a decimal below zero as -1.-50' },
  },
]

const day = (n: number): string => `DATE '2024-01-01' + ${n}`

export const HISTORY_CASES: readonly TableCase[] = [
  {
    name: 'many_commits',
    what: '25 appends with checkpoints on the way',
    config: { file_format: 'csv' },
    passes: passes(25, (pass) => ({ [`${pass}.csv`]: { text: `id,name\n${pass},n${pass}\n${pass + 100},m${pass}\n` } })),
    expected: () => "SELECT i::BIGINT AS id, 'n' || i AS name FROM range(25) t(i) UNION ALL SELECT i + 100, 'm' || i FROM range(25) t(i)",
  },
  {
    name: 'evolved',
    what: 'columns added on the way, at the top and missing again',
    config: { file_format: 'parquet', schema_evolution: true, delta: EVERY_COMMIT },
    passes: [
      { '1.parquet': { sql: "SELECT 1::BIGINT AS id, 'a' AS name" } },
      { '2.parquet': { sql: "SELECT 2::BIGINT AS id, 'b' AS name, 1.5::DECIMAL(9,2) AS price, ['x'] AS tags" } },
      { '3.parquet': { sql: `SELECT 3::BIGINT AS id, ${day(0)} AS day` } },
    ],
    expected: parquet,
  },
  {
    name: 'nested_evolved',
    what: 'fields of structs, in lists too, added on the way',
    config: { file_format: 'parquet', schema_evolution: true, delta: EVERY_COMMIT },
    passes: [
      { '1.parquet': { sql: "SELECT 1::BIGINT AS id, {'a': 1::INT} AS s, [{'x': 1::INT}] AS l" } },
      { '2.parquet': { sql: `SELECT 2::BIGINT AS id, {'a': 2::INT, 'b': {'c': ${day(0)}}} AS s, [{'x': 2::INT, 'y': 'z'}] AS l` } },
    ],
    expected: () => `SELECT id, s::STRUCT(a INT, b STRUCT(c DATE)) AS s, l::STRUCT(x INT, y VARCHAR)[] AS l
      FROM (VALUES (1::BIGINT, {'a': 1, 'b': NULL}, [{'x': 1, 'y': NULL}]), (2, {'a': 2, 'b': {'c': ${day(0)}}}, [{'x': 2, 'y': 'z'}])) AS t(id, s, l)`,
  },
  {
    name: 'map_evolved',
    what: 'a field of the structs in a map added on the way',
    config: { file_format: 'parquet', schema_evolution: true, delta: EVERY_COMMIT },
    passes: [
      { '1.parquet': { sql: "SELECT 1::BIGINT AS id, MAP {'k': {'p': 'q'}} AS m" } },
      { '2.parquet': { sql: "SELECT 2::BIGINT AS id, MAP {'k': {'p': 'q', 'r': 1.5::DOUBLE}} AS m" } },
    ],
    expected: () => `SELECT id, m::MAP(VARCHAR, STRUCT(p VARCHAR, r DOUBLE)) AS m
      FROM (VALUES (1::BIGINT, MAP {'k': {'p': 'q', 'r': NULL}}), (2, MAP {'k': {'p': 'q', 'r': 1.5}})) AS t(id, m)`,
    unreadable: { 'delta-rs': 'casts no structs within maps' },
  },
  {
    name: 'widened',
    what: 'columns and nested fields widened on the way, some of them twice',
    config: { file_format: 'parquet', schema_evolution: { mode: 'widen' }, delta: EVERY_COMMIT },
    passes: [
      {
        '1.parquet': {
          sql: "SELECT 1::BIGINT AS id, 1::SMALLINT AS n, 1.5::FLOAT AS f, 1.5::DECIMAL(3,1) AS p, DATE '2024-01-01' AS d, {'a': 1::INT} AS s, MAP {1::INT: [1::INT]} AS m",
        },
      },
      { '2.parquet': { sql: 'SELECT 2::BIGINT AS id, 70000::INT AS n, 1e300::DOUBLE AS f, 123.25::DECIMAL(5,2) AS p' } },
      {
        '3.parquet': {
          sql: `SELECT 3::BIGINT AS id, 5000000000::BIGINT AS n, 12345678901234567890.125::DECIMAL(23,3) AS p, TIMESTAMP '2024-01-02 03:04:05.123456' AS d,
            {'a': 5000000000::BIGINT} AS s, MAP {5000000000::BIGINT: [5000000000::BIGINT]} AS m`,
        },
      },
    ],
    expected:
      () => `SELECT id, n::BIGINT AS n, f::DOUBLE AS f, p::DECIMAL(23,3) AS p, d::TIMESTAMP AS d, s::STRUCT(a BIGINT) AS s, m::MAP(BIGINT, BIGINT[]) AS m
      FROM (VALUES (1::BIGINT, 1, 1.5::DOUBLE, 1.5::DECIMAL(23,3), TIMESTAMP '2024-01-01', {'a': 1}, MAP {1: [1::BIGINT]}),
        (2, 70000, 1e300, 123.25, NULL, NULL, NULL),
        (3, 5000000000, NULL, 12345678901234567890.125, TIMESTAMP '2024-01-02 03:04:05.123456', {'a': 5000000000}, MAP {5000000000: [5000000000]})) AS t(id, n, f, p, d, s, m)`,
    unreadable: {
      'delta-rs': 'refuses the feature typeWidening',
      arrow: 'refuses the feature typeWidening',
      spark: 'Delta 3.3 knows the changes of the preview alone',
    },
  },
  {
    name: 'rescued',
    what: 'what does not fit as JSON beside it',
    config: { file_format: 'csv', schema_evolution: { mode: 'rescue' }, delta: EVERY_COMMIT },
    passes: [{ '1.csv': { text: 'id,n\n1,1\n' } }, { '2.csv': { text: 'id,n,more\n2,"x ""y""",ü\n' } }],
    expected: (landing) => `SELECT * FROM (VALUES (1::BIGINT, 1::BIGINT, NULL),
      (2, NULL, '{"n":"x \\"y\\"","more":"ü","_file_path":"${landing}/2.csv"}')) AS t(id, n, _rescued_data)`,
  },
  {
    name: 'overwritten',
    what: 'a snapshot replaces the one before',
    config: { file_format: 'parquet', loading_strategy: 'overwrite', delta: EVERY_COMMIT },
    passes: passes(3, (pass) => ({ [`${pass}.parquet`]: { sql: `SELECT (i * ${pass + 1})::BIGINT AS id FROM range(10) t(i)` } })),
    expected: (landing) => `SELECT * FROM read_parquet('${landing}/2.parquet')`,
  },
  {
    name: 'partitions_overwritten',
    what: 'a snapshot replaces the partitions that it holds',
    config: {
      file_format: 'parquet',
      loading_strategy: 'overwrite',
      overwrite_scope: 'partition',
      partition_columns: ['country'],
      delta: EVERY_COMMIT,
    },
    passes: [
      { '1.parquet': { sql: "SELECT * FROM (VALUES (1::BIGINT, 'DE'), (2, 'FR'), (3, NULL)) AS t(id, country)" } },
      { '2.parquet': { sql: "SELECT * FROM (VALUES (4::BIGINT, 'FR'), (5, 'IT')) AS t(id, country)" } },
      { '3.parquet': { sql: 'SELECT 6::BIGINT AS id, NULL::VARCHAR AS country' } },
    ],
    expected: () => "SELECT * FROM (VALUES (1::BIGINT, 'DE'), (4, 'FR'), (5, 'IT'), (6, NULL)) AS t(id, country)",
  },
  {
    name: 'deduplicated',
    what: 'rows that are in the table already are not added again',
    config: { file_format: 'csv', deduplicate: true, delta: EVERY_COMMIT },
    passes: [{ '1.csv': { text: 'id,name\n1,a\n1,a\n2,\n' } }, { '2.csv': { text: 'id,name\n2,\n3,c\n' } }],
    expected: () => "SELECT * FROM (VALUES (1::BIGINT, 'a'), (2, NULL), (3, 'c')) AS t(id, name)",
  },
  {
    name: 'parquet_output',
    what: 'a table kept as plain Parquet has a log like any other, without checkpoints',
    checkpoint: false,
    config: { file_format: 'csv', output_format: 'parquet', loading_strategy: 'overwrite' },
    passes: passes(2, (pass) => ({ [`${pass}.csv`]: { text: `id,name\n${pass},n${pass}\n` } })),
    expected: () => "SELECT 1::BIGINT AS id, 'n1' AS name",
  },
]
