import type { Filter } from './readers.ts'

/** A column with the values that statistics and encodings get wrong: three passes, so that files have different bounds. */
export interface BoundaryColumn {
  readonly name: string
  /** The DuckDB type of the landing file. */
  readonly duckdb: string
  /** What its filters compare with. */
  readonly type: string
  /** Values of each pass as text that DuckDB casts; null is NULL. */
  readonly passes: readonly (readonly (string | null)[])[]
  /** Constants of the filters, where they are not the values themselves. */
  readonly constants?: readonly string[]
}

const OPS = ['=', '<', '<=', '>', '>='] as const

export const BOUNDARY_COLUMNS: readonly BoundaryColumn[] = [
  {
    name: 'i8',
    duckdb: 'TINYINT',
    type: 'bigint',
    passes: [
      ['-128', '-1'],
      ['0', null],
      ['1', '127'],
    ],
    constants: ['-128', '0', '127'],
  },
  { name: 'i16', duckdb: 'SMALLINT', type: 'bigint', passes: [['-32768'], ['0', null], ['32767']] },
  { name: 'i32', duckdb: 'INTEGER', type: 'bigint', passes: [['-2147483648'], ['0', null], ['2147483647']] },
  {
    name: 'i64',
    duckdb: 'BIGINT',
    type: 'bigint',
    passes: [
      ['-9223372036854775808', '-9007199254740993'],
      ['-9007199254740992', '0', null, '9007199254740992'],
      ['9007199254740993', '9223372036854775807'],
    ],
  },
  {
    name: 'u64',
    duckdb: 'UBIGINT',
    type: 'decimal(20,0)',
    passes: [['0'], ['9223372036854775808', null], ['18446744073709551615']],
  },
  {
    name: 'dec9',
    duckdb: 'DECIMAL(9,2)',
    type: 'decimal(9,2)',
    passes: [
      ['-9999999.99', '-0.01'],
      ['0', null],
      ['0.1', '9999999.99'],
    ],
  },
  {
    name: 'dec18',
    duckdb: 'DECIMAL(18,6)',
    type: 'decimal(18,6)',
    passes: [['-999999999999.999999'], ['0.000001', null], ['999999999999.999999']],
  },
  {
    name: 'dec38',
    duckdb: 'DECIMAL(38,0)',
    type: 'decimal(38,0)',
    passes: [
      ['-99999999999999999999999999999999999999', '-12345678901234567890123456789012345678'],
      ['0', null, '9007199254740993'],
      ['12345678901234567890123456789012345678', '99999999999999999999999999999999999999'],
    ],
  },
  {
    name: 'dec38s',
    duckdb: 'DECIMAL(38,18)',
    type: 'decimal(38,18)',
    passes: [['-99999999999999999999.999999999999999999'], ['0.000000000000000001', null], ['12345678901234567890.123456789012345678']],
  },
  {
    name: 'f64',
    duckdb: 'DOUBLE',
    type: 'double',
    passes: [
      ['-inf', '-1.7976931348623157e308'],
      ['-0.0', null, '5e-324', '0.1'],
      ['nan', '1e300', 'inf'],
    ],
    constants: ['-Infinity', '0.0', '-0.0', '5e-324', '0.1', '5.0', '1e300', 'Infinity', 'NaN'],
  },
  { name: 'zero', duckdb: 'DOUBLE', type: 'double', passes: [['-0.0'], ['-0.0', '0.0'], ['0.0', null]], constants: ['0.0', '-0.0'] },
  { name: 'nan', duckdb: 'DOUBLE', type: 'double', passes: [['nan'], ['nan', '1.0'], [null]], constants: ['5.0', '1.0', 'NaN'] },
  {
    name: 'f32',
    duckdb: 'FLOAT',
    type: 'float',
    passes: [
      ['-3.4028235e38', '-0.0'],
      ['0.5', null],
      ['nan', '3.4028235e38'],
    ],
    constants: ['0.0', '0.5', '1.5'],
  },
  { name: 'flag', duckdb: 'BOOLEAN', type: 'boolean', passes: [['false'], ['true', null], ['true', 'false']] },
  {
    name: 'day',
    duckdb: 'DATE',
    type: 'date',
    passes: [
      ['0001-01-01', '1582-10-04', '1582-10-15'],
      ['1969-12-31', '1970-01-01', null],
      ['2024-02-29', '9999-12-31'],
    ],
  },
  // Beyond what statistics may hold: filters still have to find the rows.
  {
    name: 'far',
    duckdb: 'DATE',
    type: 'date',
    passes: [['0044-03-15 (BC)', '1500-02-28'], ['2024-01-01'], ['10000-01-01', null]],
    constants: ['0001-01-01', '2024-01-01', '9999-12-31'],
  },
  {
    name: 'at',
    duckdb: 'TIMESTAMPTZ',
    type: 'timestamp',
    passes: [
      ['1582-10-04 23:59:59.999999+00', '1899-12-31 23:59:59.999999+00', '1900-01-01 00:00:00+00'],
      ['1969-12-31 23:59:59.999999+00', '1970-01-01 00:00:00.000001+00', null],
      ['2024-03-31 01:30:00.999999+00', '2038-01-19 03:14:08.000500+00', '9999-12-31 23:59:59.999999+00'],
    ],
    constants: [
      '1582-10-04T23:59:59.999999Z',
      '1900-01-01T00:00:00Z',
      '1969-12-31T23:59:59.999999Z',
      '1970-01-01T00:00:00.000001Z',
      '2024-03-31T01:30:00.999999Z',
      '2024-03-31T01:30:00.999000Z',
      '2038-01-19T03:14:08.000500Z',
      '9999-12-31T23:59:59.999999Z',
    ],
  },
  // A time without a zone in the landing file is one in UTC in the table.
  {
    name: 'naive',
    duckdb: 'TIMESTAMP',
    type: 'timestamp',
    passes: [['1970-01-01 00:00:00'], ['2024-07-01 12:00:00.123456', null], ['2024-10-27 02:30:00.999999']],
    constants: ['1970-01-01T00:00:00Z', '2024-07-01T12:00:00.123456Z', '2024-10-27T02:30:00.999999Z'],
  },
]

const LONG = 'x'.repeat(300)
const ACCENTS = 'é'.repeat(200)
const DELETES = '\u007F'.repeat(300)
const PREFIX = 'p'.repeat(32)

/** Strings around the cut at 32 characters, and around what orders differently in UTF-16 and UTF-8. */
export const STRING_COLUMNS: readonly BoundaryColumn[] = [
  {
    name: 'plain',
    duckdb: 'VARCHAR',
    type: 'string',
    passes: [
      ['', 'a'],
      [null, "it's", 'back\\slash'],
      ['tab\there', 'line\nbreak', '"quoted"', 'z'],
    ],
  },
  {
    name: 'long',
    duckdb: 'VARCHAR',
    type: 'string',
    passes: [
      [LONG, `${LONG}y`],
      [null, `${LONG}z`],
      [LONG.slice(0, 32), LONG.slice(0, 33)],
    ],
  },
  {
    name: 'accents',
    duckdb: 'VARCHAR',
    type: 'string',
    passes: [[ACCENTS], [`${ACCENTS}z`, null], [`${'é'.repeat(31)}\u{1F600}`, `${'é'.repeat(32)}\u{1F600}`]],
  },
  { name: 'deletes', duckdb: 'VARCHAR', type: 'string', passes: [[DELETES], ['\u007F', null], [`${PREFIX}\u007F`, `${PREFIX}\u0080`]] },
  {
    name: 'planes',
    duckdb: 'VARCHAR',
    type: 'string',
    passes: [
      ['\uFFFD', '\u{1F600}'],
      ['\uE000', null, '\u{10FFFF}'],
      [`${PREFIX}\uFFFD`, `${PREFIX}\u{1F600}`, '\u{10FFFF}'.repeat(70)],
    ],
  },
  {
    name: 'ties',
    duckdb: 'VARCHAR',
    type: 'string',
    passes: [
      [PREFIX, `${PREFIX}a`],
      [`${PREFIX}b`, null],
      [`${PREFIX}\u{10FFFF}`, `${PREFIX}\u{10FFFF}a`],
    ],
  },
]

/** Comparisons of each column with each of its constants, and with NULL. */
export function filtersOf(columns: readonly BoundaryColumn[]): readonly Filter[] {
  return columns.flatMap(({ name: column, type, passes, constants }) => {
    const values = constants ?? [...new Set(passes.flat().filter((value) => value !== null))]
    const comparisons = values.flatMap((value) => OPS.map((op): Filter => ({ column, type, op, value })))
    return [{ column, type, op: 'null' }, { column, type, op: 'not null' }, ...comparisons]
  })
}

/** Rows of one pass as a DuckDB query: row n has the n-th value of each column, or NULL. */
export function rowsOf(columns: readonly BoundaryColumn[], pass: number): string {
  const height = Math.max(...columns.map((column) => column.passes[pass]?.length ?? 0))
  const rows = Array.from({ length: height }, (_, row) => {
    const values = columns.map(({ name, duckdb, passes }) => `${quoted(passes[pass]?.[row] ?? null)}::${duckdb} AS ${name}`)
    return `SELECT ${pass * 100 + row}::BIGINT AS id, ${values.join(', ')}`
  })
  return rows.join(' UNION ALL ')
}

function quoted(value: string | null): string {
  return value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`
}
