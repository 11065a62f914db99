import { type CorpusTable, failed, hex, joined, loaded, type Parquet, table, without } from './make.ts'

const ROWS = "select 1::bigint as id, 'x' as name"
const one = (sql: string, damage?: Parquet['damage']): Parquet => ({ parquet: sql, ...(damage === undefined ? {} : { damage }) })
const good = loaded(1, { id: 1, name: 'x' })

const files = table(
  'parquet_files',
  { columns: { id: 'BIGINT', name: 'VARCHAR' }, file_format: 'parquet' },
  {
    'good.parquet': [one(ROWS), good],
    'no-rows.parquet': [one(`${ROWS} where false`), loaded(0)],
    'no-bytes.parquet': ['', failed('FILE-EMPTY')],
    'magic-alone.parquet': ['PAR1', failed('FILE-TRUNCATED')],
    'cut-footer.parquet': [one(ROWS, (bytes) => without(bytes, 6)), failed('FILE-TRUNCATED')],
    'cut-half.parquet': [one(ROWS, (bytes) => bytes.subarray(0, bytes.length >> 1)), failed('FILE-TRUNCATED')],
    'cut-head.parquet': [one(ROWS, (bytes) => bytes.subarray(20)), failed('FILE-FORMAT')],
    'garbage-behind.parquet': [one(ROWS, (bytes) => joined(bytes, 'garbage')), failed('FILE-TRUNCATED')],
    'doubled.parquet': [one(ROWS, (bytes) => joined(bytes, bytes)), loaded(1)],
    'footer-length.parquet': [one(ROWS, (bytes) => joined(bytes.subarray(0, -8), hex('ffffff7f'), 'PAR1')), failed('FILE-TRUNCATED')],
    'zero-footer-length.parquet': [one(ROWS, (bytes) => joined(bytes.subarray(0, -8), hex('00000000'), 'PAR1')), failed('FILE-TRUNCATED')],
    'zeros.parquet': [Buffer.alloc(100), failed('FILE-FORMAT')],
    'text.parquet': ['id,name\n1,x\n', failed('FILE-FORMAT')],
    'encrypted.parquet': [one(ROWS, (bytes) => joined('PARE', bytes.subarray(4, -4), 'PARE')), failed('FILE-FORMAT')],
    'reordered.parquet': [one("select 'x' as name, 1::bigint as id"), good],
    'missing-column.parquet': [one('select 1::bigint as id'), loaded(1, { id: 1 })],
    'more-columns.parquet': [one(`${ROWS}, [1, 2] as list`), loaded(1, { id: 1, name: 'x', list: [1, 2] })],
    'smaller-type.parquet': [one("select 1::tinyint as id, 'x' as name"), good],
    'unsigned.parquet': [one("select 1::uinteger as id, 'x' as name"), good],
    'too-large.parquet': [one("select 18446744073709551615::ubigint as id, 'x' as name"), failed('SCHEMA-TYPE', 'id')],
    'text-for-number.parquet': [one("select '1' as id, 'x' as name"), failed('SCHEMA-TYPE', 'id')],
    'fraction-for-number.parquet': [one("select 1.5::double as id, 'x' as name"), failed('SCHEMA-TYPE', 'id')],
    'number-for-text.parquet': [one('select 1::bigint as id, 5 as name'), failed('SCHEMA-TYPE', 'name')],
    'blob-for-text.parquet': [one("select 1::bigint as id, 'x'::blob as name"), failed('SCHEMA-TYPE', 'name')],
    'struct-for-number.parquet': [one("select {'a': 1} as id, 'x' as name"), failed('SCHEMA-TYPE', 'id')],
    'all-null.parquet': [one('select null::bigint as id, null::varchar as name'), loaded(1, {})],
    'space-in-name.parquet': [one(`${ROWS}, 1 as "a b"`), failed('FILE-COLUMN-NAME', 'a b')],
    'uuid.parquet': [one(`${ROWS}, 'f47ac10b-58cc-4372-a567-0e02b2c3d479'::uuid as u`), loaded(1)],
    'time.parquet': [one(`${ROWS}, time '12:34:56' as t`), loaded(1)],
    'far-date.parquet': [one(`${ROWS}, date '10000-01-01' as far`), loaded(1)],
    'infinite-date.parquet': [
      one(`${ROWS}, 'infinity'::date as endless`),
      failed('FILE-VALUE', 'endless is infinity, which a Delta table cannot hold'),
    ],
    'infinite-time.parquet': [one(`${ROWS}, '-infinity'::timestamp as ended`), failed('FILE-VALUE', 'ended is -infinity')],
    'map.parquet': [one(`${ROWS}, map {'k': 1} as m`), loaded(1)],
    'empty-struct-list.parquet': [one(`${ROWS}, []::struct(a int)[] as l`), loaded(1)],
  },
)

export const PARQUET: readonly CorpusTable[] = [files]
