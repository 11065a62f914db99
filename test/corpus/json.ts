import { gzipSync } from 'node:zlib'
import { type CorpusTable, failed, hex, joined, latin1, loaded, rejected, table, utf16, without, zstd } from './make.ts'

const ID_NAME = { columns: { id: 'BIGINT', name: 'VARCHAR' } }
const ONE = '{"id":1,"name":"x"}\n'
const one = (name: string) => loaded(1, { id: 1, name })
const named = (json: string) => `{"id":1,"name":${json}}\n`
const GZ = gzipSync(ONE)

const ndjson = table(
  'ndjson_records',
  { ...ID_NAME, file_format: 'ndjson' },
  {
    'good.ndjson': [ONE, one('x')],
    'crlf.ndjson': ['{"id":1,"name":"x"}\r\n{"id":2,"name":"y"}\r\n', loaded(2, { id: 1, name: 'x' })],
    'no-final-newline.ndjson': ['{"id":1,"name":"x"}', one('x')],
    'blank-lines.ndjson': ['\n{"id":1,"name":"x"}\n\n\n{"id":2,"name":"y"}\n\n', loaded(2, { id: 1, name: 'x' })],
    'empty.ndjson': ['', loaded(0)],
    'blank.ndjson': ['\n \n', loaded(0)],
    'bom.ndjson': [`\ufeff${ONE}`, one('x')],
    'bom-alone.ndjson': ['\ufeff', loaded(0)],
    'bom.ndjson.gz': [gzipSync(`\ufeff${ONE}`), one('x')],
    'bom-cut.ndjson': [`\ufeff${ONE}{"id":2,"na`, failed('FILE-TRUNCATED', 'last record')],
    'bom-value.ndjson': [`\ufeff${ONE}{"id":"two"}\n`, failed('FILE-VALUE', 'line 2')],
    'utf16.ndjson': [utf16(`\ufeff${ONE}`), failed('FILE-ENCODING', 'UTF-8')],
    'latin1.ndjson': [latin1('{"id":1,"name":"caf\xe9"}\n'), failed('FILE-ENCODING', '')],
    'control-character.ndjson': [named('"a\u0001b"'), failed('FILE-JSON', 'line 1')],
    'raw-tab.ndjson': [named('"a\tb"'), failed('FILE-JSON', 'line 1')],
    'escapes.ndjson': [named('"\\u0041\\n\\ud83e\\udd86\\/"'), one('A\n🦆/')],
    'escaped-nul.ndjson': [named('"a\\u0000b"'), one('a\0b')],
    'lone-surrogate.ndjson': [named('"\\ud800"'), failed('FILE-JSON', '')],
    'bad-escape.ndjson': [named('"\\x"'), failed('FILE-JSON', 'line 1')],
    'single-quotes.ndjson': ["{'id':1,'name':'x'}\n", failed('FILE-JSON', 'line 1')],
    'trailing-comma.ndjson': ['{"id":1,"name":"x",}\n', one('x')],
    'comment.ndjson': ['// one\n{"id":1,"name":"x"}\n', failed('FILE-JSON', '')],
    'unquoted-name.ndjson': ['{id:1,"name":"x"}\n', failed('FILE-JSON', 'line 1')],
    'not-a-number.ndjson': ['{"id":NaN,"name":"x"}\n', failed('FILE-VALUE')],
    'python.ndjson': ["{'id': 1, 'name': None}\n", failed('FILE-JSON', 'line 1')],
    'cut.ndjson': ['{"id":1,"name":"x"}\n{"id":2,"na', failed('FILE-TRUNCATED', '')],
    'cut-behind-value.ndjson': ['{"id":1,"name":"x"}\n{"id":2', failed('FILE-TRUNCATED', '')],
    'bad-middle.ndjson': ['{"id":1,"name":"x"}\n{"id":}\n{"id":3,"name":"z"}\n', failed('FILE-JSON', 'line 2')],
    'two-a-line.ndjson': ['{"id":1,"name":"x"}{"id":2,"name":"y"}\n', failed('FILE-JSON', 'line 1')],
    'many-lines-a-record.ndjson': ['{\n"id":1,\n"name":"x"}\n', failed('FILE-JSON', 'line 1')],
    'array.ndjson': ['[{"id":1,"name":"x"}]\n', failed('FILE-JSON', '')],
    'scalars.ndjson': ['1\n2\n', failed('FILE-JSON', '')],
    'array-lines.ndjson': ['{"id":1,"name":"x"}\n[2,"y"]\n', failed('FILE-JSON', 'line 2')],
    'null-line.ndjson': ['{"id":1,"name":"x"}\nnull\n', loaded(2, { id: 1, name: 'x' })],
    'empty-object.ndjson': ['{}\n', loaded(1, {})],
    'null-values.ndjson': ['{"id":null,"name":null}\n', loaded(1, {})],
    'duplicate-field.ndjson': ['{"id":1,"name":"x","name":"y"}\n', failed('FILE-DUPLICATE-COLUMN', 'name')],
    'duplicate-by-case.ndjson': ['{"id":1,"name":"x","NAME":"y"}\n', failed('FILE-DUPLICATE-COLUMN', 'case')],
    'empty-name.ndjson': ['{"id":1,"name":"x","":1}\n', failed('FILE-COLUMN-NAME', 'empty')],
    'space-in-name.ndjson': ['{"id":1,"name":"x","a b":1}\n', failed('FILE-COLUMN-NAME', 'a b')],
    'text-number.ndjson': ['{"id":"1","name":"x"}\n', one('x')],
    'text-no-number.ndjson': ['{"id":"one","name":"x"}\n', failed('FILE-VALUE', '')],
    'fraction.ndjson': ['{"id":1.5,"name":"x"}\n', failed('FILE-VALUE', '')],
    'whole-fraction.ndjson': ['{"id":1.0,"name":"x"}\n', loaded(1)],
    'exponent.ndjson': ['{"id":1e2,"name":"x"}\n', loaded(1, { id: 100, name: 'x' })],
    'zeros.ndjson': ['{"id":007,"name":"x"}\n', failed('FILE-JSON', 'line 1')],
    'beyond-64-bits.ndjson': ['{"id":9223372036854775808,"name":"x"}\n', failed('FILE-VALUE', '')],
    'greatest.ndjson': ['{"id":9223372036854775807,"name":"x"}\n', loaded(1)],
    'boolean-for-number.ndjson': ['{"id":true,"name":"x"}\n', failed('FILE-VALUE', '')],
    'object-for-number.ndjson': ['{"id":{"a":1},"name":"x"}\n', failed('FILE-VALUE')],
    'number-for-text.ndjson': [named('5'), one('5')],
    'object-for-text.ndjson': [named('{"a":1}'), one('{"a":1}')],
    'nested.ndjson': ['{"id":1,"deep":{"a":{"b":[1,{"c":null}]}}}\n', loaded(1)],
    'deep.ndjson': [`{"id":1,"name":"x","d":${'['.repeat(200)}1${']'.repeat(200)}}\n`, loaded(1)],
    'html.ndjson': ['<html></html>\n', failed('FILE-JSON', '')],
    'csv.ndjson': ['id,name\n1,x\n', failed('FILE-JSON', '')],
    'log-line.ndjson': ['{"id":1,"name":"x"}\nERROR: connection lost\n', failed('FILE-JSON', 'line 2')],
    'nul-bytes.ndjson': [Buffer.alloc(64), failed('FILE-ENCODING')],
    'nul-tail.ndjson': [joined(ONE, Buffer.alloc(64)), failed('FILE-TRUNCATED')],
    'good.ndjson.gz': [GZ, one('x')],
    'cut.ndjson.gz': [without(GZ, 3), failed('FILE-TRUNCATED', 'gzip')],
    'plain.ndjson.gz': [ONE, failed('FILE-FORMAT', 'not gzip')],
    'good.ndjson.zst': [zstd(ONE), one('x')],
    'cut.ndjson.zst': [without(zstd(ONE), 2), failed('FILE-TRUNCATED', 'zstd')],
  },
)

const documents = table(
  'json_documents',
  { ...ID_NAME, file_format: 'json' },
  {
    'array.json': ['[{"id":1,"name":"x"},{"id":2,"name":"y"}]', loaded(2, { id: 1, name: 'x' })],
    'pretty.json': ['[\n  {\n    "id": 1,\n    "name": "x"\n  }\n]\n', one('x')],
    'lines.json': ['{"id":1,"name":"x"}\n{"id":2,"name":"y"}\n', loaded(2, { id: 1, name: 'x' })],
    'loose.json': ['{"id":1,"name":"x"}{"id":2,"name":"y"}', loaded(2, { id: 1, name: 'x' })],
    'object.json': ['{\n"id":1,\n"name":"x"\n}', one('x')],
    'empty-array.json': ['[]', loaded(0)],
    'empty.json': ['', loaded(0)],
    'open-array.json': ['[{"id":1,"name":"x"}', failed('FILE-TRUNCATED', '')],
    'open-comma.json': ['[{"id":1,"name":"x"},', failed('FILE-TRUNCATED', '')],
    'trailing-comma.json': ['[{"id":1,"name":"x"},\n]', failed('FILE-JSON', 'line 2')],
    'missing-comma.json': [
      '[{"id":1,"name":"x"}\n{"id":2,"name":"y"}]',
      failed('FILE-JSON', 'line 2: this is not valid JSON: a comma is missing'),
    ],
    'scalars-in-array.json': ['[{"id":1,"name":"x"},2]', failed('FILE-JSON', '')],
    'array-of-arrays.json': ['[[1,"x"]]', failed('FILE-JSON', '')],
    'two-arrays.json': ['[{"id":1,"name":"x"}]\n[{"id":2,"name":"y"}]', failed('FILE-JSON')],
    'text-behind.json': ['[{"id":1,"name":"x"}] garbage', failed('FILE-TRUNCATED')],
    'scalar.json': ['"x"', failed('FILE-JSON', '')],
    'null.json': ['null', failed('FILE-JSON', '')],
    'bom.json': ['\ufeff[{"id":1,"name":"x"}]', one('x')],
    'duplicate-field.json': ['[{"id":1,"name":"x","name":"y"}]', failed('FILE-DUPLICATE-COLUMN', 'name')],
    'bad-utf8.json': [joined('[{"id":1,"name":"', hex('ff'), '"}]'), failed('FILE-ENCODING', '')],
  },
)

const AT_PATH = { ...ID_NAME, file_format: 'json', json_path: '$.data.items' }

const below = table('json_path_documents', AT_PATH, {
  'good.json': ['{"page":1,"data":{"items":[{"id":1,"name":"x"},{"id":2,"name":"y"}]}}', loaded(2, { id: 1, name: 'x' })],
  'pages.json': ['{"data":{"items":[{"id":1,"name":"x"}]}}\n{"data":{"items":[{"id":2,"name":"y"}]}}\n', loaded(2, { id: 1, name: 'x' })],
  'one-object.json': ['{"data":{"items":{"id":1,"name":"x"}}}', one('x')],
  'empty-list.json': ['{"data":{"items":[]}}', loaded(0)],
  'null-list.json': ['{"data":{"items":null}}', loaded(0)],
  'empty.json': ['', loaded(0)],
  'nothing-there.json': ['{"error":"try later"}', failed('FILE-JSON', '$.data.items')],
  'text-there.json': ['{"data":{"items":"none"}}', failed('FILE-JSON', '$.data.items')],
  'scalars-there.json': ['{"data":{"items":[1,2]}}', failed('FILE-JSON', '')],
  'value.json': ['{"data":{"items":[{"id":1,"name":"x"},{"id":"two","name":"y"}]}}', failed('FILE-VALUE', 'record 2')],
  'cut.json': ['{"data":{"items":[{"id":1,"name":"x"},{"id":2', failed('FILE-TRUNCATED', '')],
  'cut-behind-list.json': ['{"data":{"items":[{"id":1,"name":"x"}]', failed('FILE-TRUNCATED', '')],
  'html.json': ['<html></html>', failed('FILE-JSON', '')],
  'good.json.gz': [gzipSync('{"data":{"items":[{"id":1,"name":"x"}]}}'), one('x')],
  'cut.json.gz': [without(gzipSync('{"data":{"items":[{"id":1,"name":"x"}]}}'), 4), failed('FILE-TRUNCATED', 'gzip')],
})

const belowTolerant = table(
  'json_path_tolerant',
  { ...AT_PATH, max_bad_rows: 1 },
  {
    'value.json': ['{"data":{"items":[{"id":1,"name":"x"},{"id":"two","name":"y"}]}}', rejected(1, 1)],
    'too-many.json': ['{"data":{"items":[{"id":"one"},{"id":"two"}]}}', failed('FILE-BAD-ROWS', '')],
    'nothing-there.json': ['{"error":"try later"}', failed('FILE-JSON', '$.data.items')],
  },
)

const flat = table(
  'json_flatten',
  { columns: { id: 'BIGINT', a_b: 'BIGINT' }, file_format: 'ndjson', format_options: { flatten: true } },
  {
    'good.ndjson': ['{"id":1,"a":{"b":2}}\n', loaded(1, { id: 1, a_b: 2 })],
    'missing.ndjson': ['{"id":1}\n{"id":2,"a":null}\n{"id":3,"a":{}}\n', loaded(3, { id: 1 })],
    'flat-already.ndjson': ['{"id":1,"a_b":2}\n', loaded(1, { id: 1, a_b: 2 })],
    'one-name-twice.ndjson': ['{"id":1,"a":{"b":2},"a_b":3}\n', failed('FILE-DUPLICATE-COLUMN', 'a_b')],
    'list.ndjson': ['{"id":1,"a":{"b":2,"c":[{"d":1}]}}\n', loaded(1)],
    'value.ndjson': ['{"id":1,"a":{"b":"two"}}\n', failed('FILE-VALUE', 'a_b')],
    'cut.ndjson': ['{"id":1,"a":{"b":2}}\n{"id":2,"a":{"b":3}', failed('FILE-TRUNCATED', '')],
  },
)

export const JSON_FILES: readonly CorpusTable[] = [ndjson, documents, below, belowTolerant, flat]
