import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import { zipOf } from '../../support/zip.ts'
import { bench } from './bench.ts'

// Made by Python's bz2.compress.
const CSV_BZ2 = Buffer.from('QlpoOTFBWSZTWTzrUGMAAAXZgAAQAAQwACYjAGAgACKMm0HqEDQNBYUpXDBw7ou5IpwoSB51qDGA', 'base64')
const TWO_STREAMS = Buffer.from(
  'QlpoOTFBWSZTWYC7+3YAAARZgAAQAAQgACYjAEAgACIBoeoQAwRis4oG8XckU4UJCAu/t2BCWmg5MUFZJlNZrcGy6gAAAViAABAABBAAACAgACGaaDNNFzxdyRThQkK3Bsuo',
  'base64',
)
const JSON_BZ2 = Buffer.from('QlpoOTFBWSZTWTKYTdoAAAdZgAAQEAAwEAQgAAogACEoBP1QgyYhOE8aJJwvxdyRThQkDKYTdoA=', 'base64')
/** Four blocks: a header and 1.5 million digits. */
const BIG_BZ2 = Buffer.from(
  'QlpoOTFBWSZTWV9yxqEG3cZJAAAQf+AEICAAkCAaABNVQAeozIqAlsKgJbioCXAqAlyKgJdCoCXYqAl4KgJeioCWCoCWJUIRPtPzFBWSZTWTcOY7sGheLIAAAQf+AgAJAgGmmgTVUaDT1MFQEuRUBLQqAl0KgJdioCXgqAl6KgJbFQEvhUBLBUBLABEqZwKgJfmKCskymssV8WJIAr8eQAAAg/8BAASBANNNAmqiNDJwVASxkVAS6FQEuxUBLQqAl4KgJeioCXwqAlsVAS4KgJbioQifmKCskymspg8w3AChKiQAAAg/8BAASBANNNAmqo0GnqYRSRyRSRoikjoikjsikjwikj0ikjZFJHxFJGEUkZCqkpX4u5IpwoSFdmwWYA==',
  'base64',
)

test('bzip2 is read by its suffix or by the option, several streams and blocks too', async () => {
  const csv = await bench('csv')
  csv.land('a.csv.bz2', CSV_BZ2)
  csv.land('b.csv.bz2', TWO_STREAMS)
  csv.land('c.csv', 'id,name\n3,z\n')
  csv.land('d.csv.bz2', '')
  expect(await csv.types()).toEqual(['id BIGINT', 'name VARCHAR'])
  expect((await csv.rows()).map((row) => row['id'])).toEqual([3n, 1n, 2n, 1n, 2n])
  expect(await csv.paths()).toEqual(['c.csv', 'a.csv.bz2', 'a.csv.bz2', 'b.csv.bz2', 'b.csv.bz2'])
  const option = await bench('ndjson', { formatOptions: { compression: 'bzip2' } })
  option.land('a.log', JSON_BZ2)
  expect(await option.rows()).toEqual([{ id: 1n }, { id: 2n }])
  const big = await bench('csv')
  big.land('big.csv.bz2', BIG_BZ2)
  const [group] = (await big.inspect()).groups
  if (group === undefined) throw new Error('no group')
  const rows = big.format.relation(group, [{ name: 'id', type: 'BIGINT' }], big.context)
  expect(await big.session.rows(sql`select count(*) as rows, sum(id)::bigint as ids from (${rows})`)).toEqual([
    { rows: 1_500_000n, ids: 6_750_000n },
  ])
})

test('a bzip2 file that is cut, damaged or something else fails alone', async () => {
  const csv = await bench('csv')
  csv.land('good.csv.bz2', CSV_BZ2)
  for (const length of [10, 30, CSV_BZ2.length - 1]) csv.land(`cut-${length}.csv.bz2`, CSV_BZ2.subarray(0, length))
  csv.land('cut-between.csv.bz2', BIG_BZ2.subarray(0, BIG_BZ2.length - 100))
  csv.land('damaged.csv.bz2', Buffer.concat([CSV_BZ2.subarray(0, 12), Buffer.from([1]), CSV_BZ2.subarray(13)]))
  csv.land('text.csv.bz2', 'id,name\n1,x\n')
  const problems = await csv.problems()
  expect(problems.map((text) => text.split(' ', 2).join(' '))).toEqual([
    'ING-FILE-FORMAT damaged.csv.bz2:',
    'ING-FILE-FORMAT text.csv.bz2:',
    'ING-FILE-TRUNCATED cut-10.csv.bz2:',
    'ING-FILE-TRUNCATED cut-30.csv.bz2:',
    `ING-FILE-TRUNCATED cut-${CSV_BZ2.length - 1}.csv.bz2:`,
    'ING-FILE-TRUNCATED cut-between.csv.bz2:',
  ])
})

test('the members of a zip archive are read as its rows; what is of another kind is left out', async () => {
  const csv = await bench('csv', { metadataColumns: ['_file_member'] })
  const archive = [
    { name: 'readme.md', content: '# orders' },
    { name: 'day/', content: '' },
    { name: 'day/a.csv', content: 'id,name\n1,x\n2,y\n' },
    { name: '__MACOSX/day/._a.csv', content: 'x' },
    { name: 'b.csv.gz', content: gzipSync('id,name\n3,z\n') },
    { name: 'c.CSV.bz2', content: CSV_BZ2 },
    { name: 'none.csv', content: '' },
  ]
  csv.land('orders.zip', zipOf(archive))
  csv.land('plain.csv', 'id,name\n9,p\n')
  const rows = (await csv.rows()).map((row) => [row['id'], row['_file_member']])
  expect(rows.toSorted((a, b) => Number(a[0]) - Number(b[0]))).toEqual([
    [1n, 'day/a.csv'],
    [1n, 'c.CSV.bz2'],
    [2n, 'day/a.csv'],
    [2n, 'c.CSV.bz2'],
    [3n, 'b.csv.gz'],
    [9n, null],
  ])
  expect(new Set(await csv.paths())).toEqual(new Set(['orders.zip', 'plain.csv']))
})

test('members with other columns are read by name, and stand together', async () => {
  const json = await bench('json')
  json.land(
    'a.zip',
    zipOf([
      { name: '1.json', content: '[{"a":1}]' },
      { name: '2.json', content: '{"A":2,"b":"q"}' },
    ]),
  )
  json.land('b.zip', zipOf([{ name: '1.json', content: '{"a":3}' }]))
  const { groups } = await json.inspect()
  expect(groups.map(({ files, columns }) => [files.map(({ path }) => path.at(-5)), columns.map(({ name }) => name)])).toEqual([
    [['b'], ['a']],
    [['a'], ['a']],
    [['a'], ['A', 'b']],
  ])
  expect(await json.rows()).toEqual([{ a: 3n }, { a: 1n }, { A: 2n, b: 'q' }])
})

test('an archive is read by the option, by a pattern of members, and where it has one member of any name', async () => {
  const option = await bench('csv', { formatOptions: { compression: 'zip', members: ['data/*.txt'] } })
  option.land(
    'a.bin',
    zipOf([
      { name: 'data/a.txt', content: 'id\n1\n' },
      { name: 'data/x/a.txt', content: 'id\n2\n' },
      { name: 'b.csv', content: 'id\n3\n' },
    ]),
  )
  expect(await option.rows()).toEqual([{ id: 1n }])
  const one = await bench('csv')
  one.land('a.csv.zip', zipOf([{ name: 'EXPORT', content: 'id\n1\n' }]))
  expect(await one.rows()).toEqual([{ id: 1n }])
})

test('errors of members name archive and member, and fail the archive as a whole', async () => {
  const csv = await bench('csv')
  csv.land('good.zip', zipOf([{ name: 'a.csv', content: 'v\n1\n' }]))
  csv.land(
    'value.zip',
    zipOf([
      { name: 'a.csv', content: 'v\n1\n' },
      { name: 'b.csv', content: 'v\n1\nx\n' },
    ]),
  )
  csv.land(
    'cut.zip',
    zipOf([
      { name: 'a.csv', content: 'v\n1\n' },
      { name: 'b.csv', content: 'v\n1\n"x' },
    ]),
  )
  const { groups, failed } = await csv.inspect()
  expect(failed.map(({ file, message }) => [file, message.replaceAll(`${csv.folder}/`, '')])).toEqual([
    [csv.files[2]?.path, 'cut.zip!b.csv: the end of the file is missing: the quote that opens on line 3 is not closed'],
  ])
  expect(groups.flatMap(({ files }) => files.map(({ path }) => path))).toEqual([csv.files[0]?.path, csv.files[1]?.path])
  expect(await csv.problems({ v: 'BIGINT' })).toContain("ING-FILE-VALUE value.zip!b.csv line 3, column v: 'x' is not a BIGINT")
  for (const group of groups) {
    const [problem, ...others] = await csv.format.diagnose(group, [{ name: 'v', type: 'BIGINT' }], undefined, csv.context)
    expect([problem?.file, others]).toEqual([csv.files[1]?.path, []])
  }
})

test('archives that cannot be taken say why', async () => {
  const csv = await bench('csv', { formatOptions: { max_unpacked_size: 1000 } })
  const good = zipOf([{ name: 'a.csv', content: 'v\n1\n' }])
  csv.land('cut.zip', good.subarray(0, -30))
  csv.land('text.zip', 'v\n1\n')
  csv.land('encrypted.zip', zipOf([{ name: 'a.csv', content: 'v\n1\n', flags: 1 }]))
  csv.land('checksum.zip', zipOf([{ name: 'a.csv', content: 'v\n1\n', checksum: 7 }]))
  csv.land('nested.zip', zipOf([{ name: 'a.zip', content: good }]))
  csv.land(
    'twice.zip',
    zipOf([
      { name: 'a.csv', content: 'v\n1\n' },
      { name: 'a.csv', content: 'v\n2\n' },
    ]),
  )
  csv.land('none.zip', zipOf([]))
  csv.land(
    'other.zip',
    zipOf([
      { name: 'a.txt', content: '' },
      { name: 'b.txt', content: '' },
    ]),
  )
  csv.land('outside.zip', zipOf([{ name: '../a.csv', content: 'v\n1\n' }]))
  csv.land(
    'sum.zip',
    zipOf([
      { name: 'a.csv', content: 'v\n'.repeat(300) },
      { name: 'b.csv', content: 'v\n'.repeat(300) },
    ]),
  )
  csv.land('bomb.csv.bz2', BIG_BZ2)
  expect(await csv.problems()).toEqual([
    'ING-FILE-ARCHIVE bomb.csv.bz2: it unpacks to more than 1000 bytes',
    'ING-FILE-ARCHIVE encrypted.zip: its member a.csv is encrypted',
    'ING-FILE-ARCHIVE nested.zip: its member a.zip is an archive itself',
    'ING-FILE-ARCHIVE none.zip: none of its members ends in .csv, .tsv; it has none',
    'ING-FILE-ARCHIVE other.zip: none of its members ends in .csv, .tsv; it has a.txt, b.txt',
    'ING-FILE-ARCHIVE outside.zip: the zip archive is damaged: invalid relative path: ../a.csv',
    'ING-FILE-ARCHIVE sum.zip: it unpacks to more than 1000 bytes',
    'ING-FILE-ARCHIVE twice.zip: two of its members are named a.csv',
    'ING-FILE-FORMAT checksum.zip!a.csv: the checksum of the archive is another',
    'ING-FILE-FORMAT text.zip: this is not a zip archive',
    'ING-FILE-TRUNCATED cut.zip: the end of the file is missing: the zip archive stops before its directory',
  ])
})

test('what grows more than any data does is refused without a limit in the config', async () => {
  const csv = await bench('csv')
  csv.land('bomb.zip', zipOf([{ name: 'a.csv', content: Buffer.alloc(270 * 1024 * 1024, '0\n') }]))
  expect(await csv.problems()).toEqual(['ING-FILE-ARCHIVE bomb.zip: it unpacks to more than 268435456 bytes'])
})

test('json_path reads the documents of an archive', async () => {
  const json = await bench('json', { jsonPath: '$.rows', formatOptions: { flatten: true } })
  json.land(
    'a.zip',
    zipOf([
      { name: '1.json', content: '{"rows":[{"a":{"b":1}}]}' },
      { name: '2.json', content: '{"rows":[{"a":{"b":2}}]}' },
    ]),
  )
  expect(await json.rows()).toEqual([{ a_b: 1n }, { a_b: 2n }])
})
