import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type CorpusTable, failed, joined, loaded, table, without } from './make.ts'

const good = loaded(1, { id: 1, name: 'x' })
const fixture = (name: string): Buffer => readFileSync(fileURLToPath(new URL(`../fixtures/binary/${name}`, import.meta.url)))

/** A number of Avro that is below 64. */
const small = (value: number): Buffer => Buffer.from([value * 2])

function text(value: string): Buffer {
  const length = Buffer.byteLength(value) * 2
  return joined(length < 128 ? Buffer.from([length]) : Buffer.from([(length % 128) + 128, length >> 7]), value)
}

const SYNC = Buffer.alloc(16, 7)

/** The head of an Avro file, whose records have the given fields. */
function head(fields: Readonly<Record<string, unknown>>, codec = 'null'): Buffer {
  const types = Object.entries(fields).map(([name, type]) => ({ name, type }))
  const schema = JSON.stringify({ type: 'record', name: 'Row', fields: types })
  return joined('Obj\u0001', small(2), text('avro.schema'), text(schema), text('avro.codec'), text(codec), small(0), SYNC)
}

/** A block of one record. */
const block = (...values: readonly Buffer[]): Buffer => joined(small(1), small(joined(...values).length), ...values, SYNC)

const ROW = { id: 'long', name: 'string' }
export const AVRO_HEAD = head(ROW)
/** One row. */
export const AVRO = joined(AVRO_HEAD, block(small(1), text('x')))
/** What stands behind it in a file of two. */
export const AVRO_SECOND = block(small(2), text('y'))

const avro = table(
  'avro_files',
  { columns: { id: 'BIGINT', name: 'VARCHAR' }, file_format: 'avro' },
  {
    'good.avro': [AVRO, good],
    'two-blocks.avro': [joined(AVRO, AVRO_SECOND), loaded(2, { id: 1, name: 'x' })],
    'no-rows.avro': [head(ROW), loaded(0)],
    'reordered.avro': [joined(head({ name: 'string', id: 'long' }), block(text('x'), small(1))), good],
    'smaller-type.avro': [joined(head({ id: 'int', name: 'string' }), block(small(1), text('x'))), good],
    'more-columns.avro': [
      joined(head({ ...ROW, more: 'long' }), block(small(1), text('x'), small(2))),
      loaded(1, { id: 1, name: 'x', more: 2 }),
    ],
    'text-for-number.avro': [joined(head({ id: 'string', name: 'string' }), block(text('1'), text('x'))), failed('SCHEMA-TYPE', 'id')],
    'no-bytes.avro': ['', failed('FILE-EMPTY')],
    'cut-head.avro': [head(ROW).subarray(0, 40), failed('FILE-TRUNCATED')],
    'cut-block.avro': [without(AVRO, 5), failed('FILE-TRUNCATED')],
    'cut-second-block.avro': [joined(AVRO, AVRO_SECOND.subarray(0, 3)), failed('FILE-TRUNCATED')],
    'wrong-sync.avro': [joined(without(AVRO, 16), Buffer.alloc(16, 8)), failed('FILE-FORMAT')],
    'codec.avro': [joined(head(ROW, 'lzo'), block(small(1), text('x'))), failed('FILE-FORMAT', 'lzo')],
    'union.avro': [head({ id: ['null', 'long', 'string'], name: 'string' }), failed('FILE-TYPE', 'union')],
    'csv.avro': ['id,name\n1,x\n', failed('FILE-FORMAT', 'Avro')],
    'zeros.avro': [Buffer.alloc(100), failed('FILE-FORMAT', 'Avro')],
  },
)

/** A hundred rows. */
export const ARROW = fixture('codec-lz4.arrow')
const hundred = loaded(100, { n: 0 })

const arrow = table(
  'arrow_files',
  { columns: { n: 'BIGINT' }, file_format: 'arrow' },
  {
    'lz4.arrow': [ARROW, hundred],
    'zstd.arrow': [fixture('codec-zstd.arrow'), hundred],
    'no-rows.arrow': [fixture('empty.arrow'), loaded(0)],
    'no-bytes.arrow': ['', failed('FILE-EMPTY')],
    'cut-footer.arrow': [without(ARROW, 6), failed('FILE-TRUNCATED')],
    'cut-half.arrow': [ARROW.subarray(0, ARROW.length >> 1), failed('FILE-TRUNCATED')],
    'garbage-behind.arrow': [joined(ARROW, 'garbage'), failed('FILE-TRUNCATED')],
    'cut-head.arrow': [ARROW.subarray(16), failed('FILE-FORMAT')],
    'union.arrow': [fixture('refused-union.arrow'), failed('FILE-TYPE', '')],
    'csv.arrow': ['n\n1\n', failed('FILE-FORMAT', 'no Arrow')],
    'zeros.arrow': [Buffer.alloc(100), failed('FILE-FORMAT', 'no Arrow')],
  },
)

export const BINARY: readonly CorpusTable[] = [avro, arrow]
