import { gzipSync } from 'node:zlib'
import { type CorpusTable, failed, joined, latin1, loaded, rejected, table, utf16, without } from './make.ts'

const ID_NAME = { columns: { id: 'BIGINT', name: 'VARCHAR' } }
const one = (name: string) => loaded(1, { id: 1, name })
const FIELDS = [
  { name: 'id', width: 3 },
  { name: 'name', width: 4 },
]
const ONE = '  1x   \n'

const fixed = table(
  'fixed_width_files',
  { ...ID_NAME, file_format: 'fixed_width', format_options: { fields: FIELDS } },
  {
    'good.txt': [ONE, one('x')],
    'crlf.txt': ['  1x   \r\n  2y   \r\n', loaded(2, { id: 1, name: 'x' })],
    'no-final-newline.txt': ['  1x   ', one('x')],
    'blank-lines.txt': ['\n  1x   \n\n  2y   \n\n', loaded(2, { id: 1, name: 'x' })],
    'empty.txt': ['', loaded(0)],
    'blank.txt': ['\n\n', loaded(0)],
    'bom.txt': [`\ufeff${ONE}`, one('x')],
    'wide-characters.txt': ['  1é名🦆x\n', one('é名🦆x')],
    'quotes-and-commas.txt': ['  1","x\n', one('","x')],
    'empty-fields.txt': ['       \n', loaded(1, {})],
    'cut.txt': ['  1x   \n  2y', failed('FILE-TRUNCATED', 'last line')],
    'short.txt': ['  1x   \n  2y\n  3z   \n', failed('FILE-FORMAT', 'line 2')],
    'long.txt': ['  1x   more\n', loaded(1, { id: 1, name: 'x' })],
    'value.txt': ['  1x   \nonex   \n', failed('FILE-VALUE', 'line 2')],
    'latin1.txt': [latin1('  1caf\xe9\n'), failed('FILE-ENCODING', '')],
    'utf16.txt': [utf16(`\ufeff${ONE}`), failed('FILE-ENCODING', 'UTF-16')],
    'nul-bytes.txt': [Buffer.alloc(64), failed('FILE-ENCODING', '')],
    'gzip.txt': [gzipSync(ONE), failed('FILE-ENCODING', '')],
    'good.txt.gz': [gzipSync(ONE), one('x')],
    'cut.txt.gz': [without(gzipSync(ONE), 3), failed('FILE-TRUNCATED', 'gzip')],
  },
)

const fixedTolerant = table(
  'fixed_width_tolerant',
  { ...ID_NAME, file_format: 'fixed_width', format_options: { fields: FIELDS }, max_bad_rows: 1 },
  {
    'short.txt': ['  1x   \n  2y\n  3z   \n', rejected(1, 2)],
    'value.txt': ['  1x   \nonex   \n', rejected(1, 1)],
    'too-many.txt': ['  1x   \nonex   \n  2\n', failed('FILE-BAD-ROWS', '')],
    'cut.txt': ['  1x   \n  2y', failed('FILE-TRUNCATED', 'last line')],
  },
)

const PATTERN = '(?<id>\\d+|\\w+) (?<name>\\S*)'

const regex = table(
  'regex_lines',
  { ...ID_NAME, file_format: 'regex', format_options: { pattern: PATTERN } },
  {
    'good.log': ['1 x\n', one('x')],
    'crlf.log': ['1 x\r\n2 y\r\n', loaded(2, { id: 1, name: 'x' })],
    'no-final-newline.log': ['1 x', one('x')],
    'empty.log': ['', loaded(0)],
    'blank-lines.log': ['\n1 x\n\n', one('x')],
    'empty-group.log': ['1 \n', loaded(1, { id: 1 })],
    'quotes.log': ['1 "x\n2 y"\n', loaded(2, { id: 1, name: '"x' })],
    'cut.log': ['1 x\n2', failed('FILE-TRUNCATED', 'last line')],
    'mismatch.log': ['1 x\nTraceback\n2 y\n', failed('FILE-FORMAT', 'line 2')],
    'value.log': ['1 x\none x\n', failed('FILE-VALUE', 'line 2')],
    'html.log': ['<html></html>\n', failed('FILE-FORMAT', 'line 1')],
    'latin1.log': [latin1('1 caf\xe9\n'), failed('FILE-ENCODING', '')],
    'nul-tail.log': [joined('1 x\n', Buffer.alloc(16)), failed('FILE-TRUNCATED', '')],
  },
)

const regexTolerant = table(
  'regex_tolerant',
  { ...ID_NAME, file_format: 'regex', format_options: { pattern: PATTERN }, max_bad_rows: 1 },
  {
    'mismatch.log': ['1 x\nTraceback\n2 y\n', rejected(1, 2)],
    'value.log': ['1 x\none x\n', rejected(1, 1)],
    'html.log': ['<html>\n</html>\n', failed('FILE-BAD-ROWS', '')],
    'cut.log': ['1 x\n2', failed('FILE-TRUNCATED', 'last line')],
  },
)

export const LINES: readonly CorpusTable[] = [fixed, fixedTolerant, regex, regexTolerant]
