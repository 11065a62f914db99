import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { literal, sql } from '../../../src/engine/sql.ts'
import { bench } from './bench.ts'

test('files with equal headers are one group, and reordered columns load by name', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', 'id,name\n1,x\n')
  csv.land('b.csv', 'name,id\ny,2\n')
  csv.land('c.csv', '"id","name"\n3,z\n')
  csv.land('d.csv', 'id,name\r\n4,w\r\n')
  const { groups } = await csv.inspect()
  expect(groups.map((group) => [group.columns.map((column) => column.name), group.files.length])).toEqual([
    [['id', 'name'], 3],
    [['name', 'id'], 1],
  ])
  expect(await csv.rows()).toEqual([
    { id: 1n, name: 'x' },
    { id: 3n, name: 'z' },
    { id: 4n, name: 'w' },
    { name: 'y', id: 2n },
  ])
})

test('the dialect is learned once and used for all later files', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', "id;name;day\n1;'x;y';31.12.2024\n2;z;01.01.2025\n")
  const { reader } = await csv.inspect()
  expect(reader).toEqual({
    dialect: { delimiter: ';', quote: "'", escape: "'", header: true, dateFormat: '%d.%m.%Y', timestampFormat: null },
  })
  expect(JSON.parse(JSON.stringify(reader))).toEqual(reader)
  const later = await bench('csv')
  later.land('b.csv', "id;name;day\n1;'x;y';05.06.2025\n")
  const inspection = await later.format.inspect(later.files, { ...later.context, reader })
  expect(inspection.reader).toEqual(reader)
  expect(inspection.groups[0]?.columns.map((column) => column.name)).toEqual(['id', 'name', 'day'])
})

test('a ragged first file does not decide the dialect', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', 'id,name\n1,x\n2\n')
  csv.land('b.csv', 'id,name\n1,x\n')
  expect((await csv.inspect()).groups[0]?.columns.map((column) => column.name)).toEqual(['id', 'name'])
})

test('names that mean something to globs, SQL or URLs load under their own path', async () => {
  const names = [
    'a[1].csv',
    'a*b.csv',
    'a?b.csv',
    "it's.csv",
    'q"q.csv',
    'n\nl.csv',
    'p%20.csv',
    'h#.csv',
    '😀.csv',
    'b\\s.csv',
    '{a,b}.csv',
    'sp ace.csv',
    'odd[1]/x=1/y.csv',
    '[!a].csv',
    '**.csv',
  ]
  const csv = await bench('csv')
  for (const name of names) csv.land(name, 'id\n1\n')
  expect((await csv.paths()).toSorted()).toEqual(names.toSorted())
})

test('a file that is opened through a link reports its own path', async () => {
  const csv = await bench('csv')
  const real = csv.land('link-0', 'id\n1\n', { path: '/landing/bad%FF.csv' })
  csv.land('b.csv', 'id\n2\n')
  const { groups, reader } = await csv.format.inspect(
    csv.files.map((file) => ({ ...file, rawPath: Buffer.from(file.readPath).toString('base64') })),
    csv.context,
  )
  const [group] = groups
  expect(group?.files.length).toBe(2)
  const rows =
    group &&
    (await csv.session.rows(
      sql`select * from (${csv.format.relation(group, [{ name: 'id', type: 'BIGINT' }], { ...csv.context, reader })}) order by id`,
    ))
  expect(rows).toEqual([
    { id: 1n, __path: real.path, __index: 0n },
    { id: 2n, __path: join(csv.folder, 'b.csv'), __index: 1n },
  ])
})

test('zero-byte, header-only and blank files are empty groups', async () => {
  const csv = await bench('csv')
  csv.land('zero.csv', '')
  csv.land('header.csv', 'id,name\n')
  csv.land('no-newline.csv', 'id,name')
  csv.land('blank.csv', '\n\n')
  csv.land('empty.csv.gz', gzipSync(''))
  const { groups, failed, reader } = await csv.inspect()
  expect(failed).toEqual([])
  expect(groups.every((group) => group.empty)).toBe(true)
  expect(reader).toBeNull()
})

test('byte order marks, CRLF, CR, blank lines before the header and long quoted headers are read', async () => {
  const csv = await bench('csv')
  csv.land('bom.csv', '\ufeffid,name\r\n1,a\r\n')
  csv.land('cr.csv', 'id,name\r2,b\r')
  csv.land('blank.csv', '\n\nid,name\n3,c\n\n')
  csv.land('long.csv', `id,"n${'a'.repeat(100_000)}\nx"\n4,d\n`)
  const rows = await csv.rows()
  expect(rows.map((row) => Object.values(row).slice(0, 2))).toEqual([
    [1n, 'a'],
    [2n, 'b'],
    [3n, 'c'],
    [4n, 'd'],
  ])
})

test('UTF-16 and latin-1 are read where the config says so', async () => {
  const utf16 = await bench('csv', { formatOptions: { encoding: 'utf-16' } })
  utf16.land('a.csv', Buffer.from('\ufeffid,náme\r\n1,€ café\r\n', 'utf16le'))
  expect(await utf16.rows()).toEqual([{ id: 1n, náme: '€ café' }])
  const latin = await bench('csv', { formatOptions: { encoding: 'latin-1' } })
  latin.land('a.csv', Buffer.from('id,náme\n1,café\n', 'latin1'))
  expect(await latin.rows()).toEqual([{ id: 1n, náme: 'café' }])
})

test('files without a header have names by position, or those that the config gives', async () => {
  const csv = await bench('csv', { formatOptions: { header: false } })
  csv.land('a.csv', '1,x\n2,y\n')
  expect(await csv.rows()).toEqual([
    { column0: 1n, column1: 'x' },
    { column0: 2n, column1: 'y' },
  ])
  const named = await bench('csv', { formatOptions: { header: false, names: ['id', 'name'] } })
  named.land('a.csv', '1,x\n')
  named.land('b.csv', '1,x,y\n')
  expect(await named.problems()).toEqual(['ING-FILE-RAGGED-ROW b.csv line 1: 3 fields, the header has 2'])
  expect((await named.inspect()).groups[0]?.columns.map((column) => column.name)).toEqual(['id', 'name'])
})

test('comments, skipped lines and fields without a name', async () => {
  const csv = await bench('csv', { formatOptions: { comment: '#', skip: 1 } })
  csv.land('a.csv', 'export of today\nid,,x\n# not this\n1,2,3\n')
  expect(await csv.rows()).toEqual([{ id: 1n, column1: 2n, x: 3n }])
})

test('gzip of one member and of several, and zstd, are read to their end', async () => {
  const csv = await bench('csv')
  const text = `id,name\n${Array.from({ length: 5000 }, (_, index) => `${index},row ${index % 17}\n`).join('')}`
  csv.land('one.csv.gz', gzipSync(text))
  csv.land('two.csv.gz', Buffer.concat([gzipSync('id,name\n1,x\n'), gzipSync('2,y\n')]))
  csv.land('three.csv.zst', await zstd(csv.folder, csv.session))
  const rows = await csv.rows()
  expect(rows.length).toBe(5000 + 2 + 3000)
})

test('compressed files are found cut wherever they end', async () => {
  const csv = await bench('csv')
  const gzip = gzipSync(`id,name\n${Array.from({ length: 5000 }, (_, index) => `${index},row ${index}\n`).join('')}`)
  for (const cut of [1, 4, 8, 9, 100, gzip.length - 12]) csv.land(`${cut}.csv.gz`, gzip.subarray(0, gzip.length - cut))
  const frames = await zstd(csv.folder, csv.session)
  for (const cut of [1, 4, 5, 100, Math.floor(frames.length / 2), frames.length - 10])
    csv.land(`${cut}.csv.zst`, frames.subarray(0, frames.length - cut))
  csv.land('not.csv.gz', 'id,name\n1,x\n')
  csv.land('not.csv.zst', 'id,name\n1,x\n')
  const { groups, failed } = await csv.inspect()
  expect(groups).toEqual([])
  expect(failed.map((error) => error.code)).toEqual([
    ...Array.from({ length: 12 }, () => 'ING-FILE-TRUNCATED'),
    'ING-FILE-FORMAT',
    'ING-FILE-FORMAT',
  ])
})

test('a final newline can be required, of compressed files too', async () => {
  const csv = await bench('csv', {
    watch: {
      mode: 'auto',
      pollIntervalMs: 1,
      fullListingMs: 1,
      notifications: null,
      cron: null,
      settleMs: 0,
      marker: null,
      ignore: [],
      requireFinalNewline: true,
      includeExisting: true,
      modifiedAfterMs: null,
    },
  })
  csv.land('good.csv', 'id\n1\n')
  csv.land('good.csv.gz', gzipSync('id\n1\n'))
  csv.land('bad.csv', 'id\n1')
  csv.land('large.csv', `id\n${'1\n'.repeat(5000)}2`)
  csv.land('bad.csv.gz', gzipSync('id\n1'))
  expect(await csv.problems()).toEqual(
    ['bad.csv.gz', 'bad.csv', 'large.csv'].map(
      (name) => `ING-FILE-TRUNCATED ${name}: the end of the file is missing: it has no final newline`,
    ),
  )
})

test('a source file that vanishes or cannot be opened fails alone', async () => {
  const csv = await bench('csv')
  const gone = csv.land('gone.csv', 'id\n1\n')
  csv.land('b.csv', 'id\n2\n')
  execFileSync('rm', [gone.path])
  const { groups, failed } = await csv.inspect()
  expect(failed.map((error) => [error.code, error.file])).toEqual([['ING-FILE-GONE', gone.path]])
  expect(groups.map((group) => group.files.length)).toEqual([1])
})

async function zstd(folder: string, session: Awaited<ReturnType<typeof bench>>['session']): Promise<Buffer> {
  const path = join(folder, 'made.zst')
  await session.run(
    sql`copy (select range as id, md5(range::varchar) as name from range(3000)) to ${literal(path)} (format csv, header, compression zstd)`,
  )
  return readFileSync(path)
}

test('columns may have the names that our own statements use', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', 'path,row,which,bad,hash,o1,e1,text,opened\n1,2,3,4,5,6,7,8,9\n')
  csv.land('b.csv', 'path,row,which,bad,hash,o1,e1,text,opened\n1,2,3,4,5,6,7,8,x\n')
  expect(await csv.problems({ opened: 'BIGINT' })).toEqual(["ING-FILE-VALUE b.csv line 2, column opened: 'x' is not a BIGINT"])
})

test('nested values of a declared type are JSON in a field', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', 'id,v\n1,"{""x"": 1, ""l"": [""a""]}"\n2,\n')
  expect(await csv.rows({ v: 'STRUCT("x" BIGINT, "l" VARCHAR[])' })).toEqual([
    { id: 1n, v: { x: 1n, l: ['a'] } },
    { id: 2n, v: null },
  ])
})

test('quotes may be switched off, and escaped by a backslash', async () => {
  const plain = await bench('csv', { formatOptions: { quote: '' } })
  plain.land('a.csv', 'id,size\n1,5" pipe\n2,"x"\n')
  expect((await plain.rows()).map((row) => row['size'])).toEqual(['5" pipe', '"x"'])
  const escaped = await bench('csv', { formatOptions: { escape: '\\' } })
  escaped.land('a.csv', 'id,"na\\"me"\n1,"x\\"y"\n')
  expect(await escaped.rows()).toEqual([{ id: 1n, 'na"me': 'x"y' }])
})

test('a tab, a pipe and a delimiter of two characters', async () => {
  const tab = await bench('csv')
  tab.land('a.tsv', 'id\tname\n1\tx,y\n')
  expect(await tab.rows()).toEqual([{ id: 1n, name: 'x,y' }])
  const pipe = await bench('csv', { formatOptions: { delimiter: '|' } })
  pipe.land('a.csv', 'id|name\n1|x\n')
  expect(await pipe.rows()).toEqual([{ id: 1n, name: 'x' }])
  const two = await bench('csv', { formatOptions: { delimiter: '||' } })
  two.land('a.csv', 'id||name\n1||x|y\n')
  expect(await two.rows()).toEqual([{ id: 1n, name: 'x|y' }])
})

test('a compressed file that vanishes fails alone', async () => {
  const csv = await bench('csv')
  const gone = csv.land('gone.csv.zst', 'xxxx')
  const large = csv.land('large.csv.gz', Buffer.alloc(400_000))
  csv.land('b.csv', 'id\n2\n')
  execFileSync('rm', [gone.path, large.path])
  const { groups, failed } = await csv.inspect()
  expect(failed.map((error) => error.code)).toEqual(['ING-FILE-GONE', 'ING-FILE-GONE'])
  expect(groups.map((group) => group.files.length)).toEqual([1])
})

test('an abort ends an inspection', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', 'id\n1\n')
  const reason = new Error('stopped')
  await expect(csv.format.inspect(csv.files, { ...csv.context, reader: { dialect: {} }, signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  )
})

test('small files are read with small buffers, and large ones with those of the engine', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', 'id\n1\n')
  const { groups } = await csv.inspect()
  const [group] = groups
  const textOf = (size: bigint) => {
    const files = group?.files.map((file) => ({ ...file, size })) ?? []
    return group === undefined ? '' : csv.format.relation({ ...group, files }, [{ name: 'id', type: 'BIGINT' }], csv.context).text
  }
  expect(textOf(5n)).toContain('buffer_size = 4194304')
  expect(textOf(2n ** 30n)).not.toContain('buffer_size')
})
