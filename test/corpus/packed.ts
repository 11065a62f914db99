import { gzipSync } from 'node:zlib'
import { plainRows, workbook } from '../support/workbook.ts'
import { type ZipMember, zipOf } from '../support/zip.ts'
import { type CorpusTable, failed, hex, joined, loaded, rejected, table, without } from './make.ts'

const ID_NAME = { columns: { id: 'BIGINT', name: 'VARCHAR' } }
const one = loaded(1, { id: 1, name: 'x' })
const ONE = 'id,name\n1,x\n'

/** One row; made by Python's bz2, since Node packs none. */
export const BZ2 = hex('425a683931415926535980bbfb7600000459800010000420002623004020002201a1ea10030462b38a06f17724538509080bbfb760')
const MORE_BZ2 = hex('425a6839314159265359adc1b2ea000001588000100004100000202000219a68334d173c5dc914e14242b706cba8')
const EMPTY_BZ2 = hex('425a683917724538509000000000')
const CUT_TEXT_BZ2 = hex(
  '425a683931415926535978a88083000005d9800010100430002623006020002204c2664201a00b115fba41a09c43c2ee48a70a120f15101060',
)
const BAD_VALUE_BZ2 = hex(
  '425a6839314159265359835a2130000007598000100004280026238070200022982683f4a100003425cbadde0f0f00a1f3f177245385090835a21300',
)

const bzip2 = table(
  'csv_bzip2',
  { ...ID_NAME, format_options: { delimiter: ',', header: true } },
  {
    'good.csv.bz2': [BZ2, one],
    'two-streams.csv.bz2': [joined(BZ2, MORE_BZ2), loaded(2, { id: 1, name: 'x' })],
    'empty-within.csv.bz2': [EMPTY_BZ2, loaded(0)],
    'no-bytes.csv.bz2': ['', loaded(0)],
    'cut.csv.bz2': [without(BZ2, 6), failed('FILE-TRUNCATED', 'bzip2')],
    'cut-head.csv.bz2': [BZ2.subarray(0, 3), failed('FILE-TRUNCATED', 'bzip2')],
    'cut-second-stream.csv.bz2': [joined(BZ2, without(MORE_BZ2, 6)), failed('FILE-TRUNCATED', 'bzip2')],
    'cut-text.csv.bz2': [CUT_TEXT_BZ2, failed('FILE-TRUNCATED', 'line 3')],
    'wrong-sum.csv.bz2': [joined(BZ2.subarray(0, 10), hex('00000000'), BZ2.subarray(14)), failed('FILE-FORMAT', 'bzip2')],
    'plain.csv.bz2': [ONE, failed('FILE-FORMAT', 'bzip2')],
    'gzip.csv.bz2': [gzipSync(ONE), failed('FILE-FORMAT', 'bzip2')],
    'value.csv.bz2': [BAD_VALUE_BZ2, failed('FILE-VALUE', 'line 3')],
  },
)

const bzip2Tolerant = table(
  'csv_bzip2_tolerant',
  { ...ID_NAME, format_options: { delimiter: ',', header: true }, max_bad_rows: 1 },
  { 'value.csv.bz2': [BAD_VALUE_BZ2, rejected(1, 2)], 'cut.csv.bz2': [without(BZ2, 6), failed('FILE-TRUNCATED', 'bzip2')] },
)

const member = (name: string, content: string | Uint8Array = ONE): ZipMember => ({ name, content })
const ZIP = zipOf([member('a.csv')])

const zip = table(
  'csv_zip',
  { ...ID_NAME, file_format: 'csv', format_options: { delimiter: ',', header: true } },
  {
    'good.zip': [ZIP, one],
    'two.zip': [zipOf([member('a.csv'), member('b.csv', 'id,name\n2,y\n')]), loaded(2, { id: 1, name: 'x' })],
    'folder.zip': [zipOf([member('day/', ''), member('day/a.csv')]), one],
    'mac.zip': [zipOf([member('a.csv'), member('__MACOSX/._a.csv', hex('00051607'))]), one],
    'readme.zip': [zipOf([member('a.csv'), member('README.txt', 'Read me.')]), one],
    'only-member.zip': [zipOf([member('export')]), one],
    'packed-member.zip': [zipOf([member('a.csv.gz', gzipSync(ONE))]), one],
    'empty-member.zip': [zipOf([member('a.csv', '')]), loaded(0)],
    'no-members.zip': [zipOf([]), failed('FILE-ARCHIVE', '')],
    'no-csv.zip': [zipOf([member('a.xml', '<a/>'), member('b.xml', '<b/>')]), failed('FILE-ARCHIVE', '')],
    'zip-in-zip.zip': [zipOf([member('a.zip', ZIP)]), failed('FILE-ARCHIVE', '')],
    'outside.zip': [zipOf([member('../a.csv')]), failed('FILE-ARCHIVE', '../a.csv')],
    'twice.zip': [zipOf([member('a.csv'), member('a.csv', 'id,name\n2,y\n')]), failed('FILE-ARCHIVE', 'a.csv')],
    'encrypted.zip': [zipOf([{ ...member('a.csv'), flags: 1 }]), failed('FILE-ARCHIVE', 'encrypted')],
    'wrong-sum.zip': [zipOf([{ ...member('a.csv'), checksum: 1 }]), failed('FILE-FORMAT', 'a.csv: the checksum')],
    'no-bytes.zip': ['', loaded(0)],
    'cut.zip': [without(ZIP, 5), failed('FILE-TRUNCATED', 'directory')],
    'cut-half.zip': [ZIP.subarray(0, ZIP.length >> 1), failed('FILE-TRUNCATED', 'directory')],
    'cut-member.zip': [zipOf([member('a.csv'), member('b.csv', 'id,name\n2,"y')]), failed('FILE-TRUNCATED', 'b.csv')],
    'value.zip': [zipOf([member('a.csv'), member('b.csv', 'id,name\ntwo,y\n')]), failed('FILE-VALUE', 'b.csv line 2')],
    'plain.zip': [ONE, failed('FILE-FORMAT', 'not a zip archive')],
  },
)

const zipTolerant = table(
  'csv_zip_tolerant',
  { ...ID_NAME, file_format: 'csv', format_options: { delimiter: ',', header: true }, max_bad_rows: 1 },
  {
    'value.zip': [zipOf([member('a.csv'), member('b.csv', 'id,name\ntwo,y\n3,z\n')]), rejected(1, 2)],
    'too-many.zip': [zipOf([member('a.csv', 'id,name\none,x\n'), member('b.csv', 'id,name\ntwo,y\n')]), failed('FILE-BAD-ROWS', '')],
  },
)

const sheet = (...rows: readonly (readonly (number | string | null)[])[]) => workbook([{ name: 'S', rows: plainRows(rows) }])
const XLSX = sheet(['id', 'name'], [1, 'x'])

const xlsx = table(
  'xlsx_sheets',
  { ...ID_NAME, file_format: 'xlsx' },
  {
    'good.xlsx': [XLSX, one],
    'empty-rows.xlsx': [sheet([], ['id', 'name'], [], [1, 'x'], []), one],
    'empty-cell.xlsx': [sheet(['id', 'name'], [1, null]), loaded(1, { id: 1 })],
    'reordered.xlsx': [sheet(['name', 'id'], ['x', 1]), one],
    'number-for-text.xlsx': [sheet(['id', 'name'], [1, 7]), loaded(1, { id: 1, name: '7' })],
    'header-alone.xlsx': [sheet(['id', 'name']), loaded(0)],
    'no-rows.xlsx': [sheet(), loaded(0)],
    'hidden-sheet-first.xlsx': [
      workbook([
        {
          name: 'H',
          rows: plainRows([
            ['id', 'name'],
            [9, 'h'],
          ]),
          state: 'hidden',
        },
        {
          name: 'S',
          rows: plainRows([
            ['id', 'name'],
            [1, 'x'],
          ]),
        },
      ]),
      one,
    ],
    'fraction.xlsx': [sheet(['id', 'name'], [1.5, 'x']), failed('FILE-VALUE', 'line 2')],
    'text-for-number.xlsx': [sheet(['id', 'name'], [1, 'x'], ['two', 'y']), failed('FILE-VALUE', 'line 3')],
    'beyond-header.xlsx': [sheet(['id', 'name'], [1, 'x', 'y']), failed('FILE-FORMAT', 'line 2')],
    'duplicate.xlsx': [sheet(['id', 'name', 'NAME'], [1, 'x', 'y']), failed('FILE-DUPLICATE-COLUMN', 'case')],
    'error-cell.xlsx': [
      workbook([{ name: 'S', rows: `${plainRows([['id', 'name']])}<row><c t="e"><v>#N/A</v></c></row>` }]),
      failed('FILE-FORMAT', '#N/A'),
    ],
    'no-bytes.xlsx': ['', failed('FILE-TRUNCATED', 'no bytes')],
    'cut.xlsx': [without(XLSX, 10), failed('FILE-TRUNCATED', 'directory')],
    'broken-xml.xlsx': [workbook([{ name: 'S', rows: '<row><c>' }]), failed('FILE-ARCHIVE', '')],
    'old.xlsx': [hex('d0cf11e0a1b11ae1'), failed('FILE-ARCHIVE', 'before 2007')],
    'csv.xlsx': [ONE, failed('FILE-FORMAT', 'not a zip archive')],
    'word.xlsx': [zipOf([member('word/document.xml', '<a/>')]), failed('FILE-FORMAT', 'no workbook')],
  },
)

const xlsxTolerant = table(
  'xlsx_tolerant',
  { ...ID_NAME, file_format: 'xlsx', max_bad_rows: 1 },
  {
    'text-for-number.xlsx': [sheet(['id', 'name'], [1, 'x'], ['two', 'y']), rejected(1, 1)],
    'too-many.xlsx': [sheet(['id', 'name'], ['one', 'x'], ['two', 'y']), failed('FILE-BAD-ROWS', '')],
  },
)

export const PACKED: readonly CorpusTable[] = [bzip2, bzip2Tolerant, zip, zipTolerant, xlsx, xlsxTolerant]
