import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { literal, raw, sql } from '../../../src/engine/sql.ts'
import { type Bench, bench } from './bench.ts'

/** The bytes of a Parquet file that a query makes. */
async function made(parquet: Bench, query: string): Promise<Buffer> {
  const path = join(parquet.folder, 'made')
  await parquet.session.run(sql`copy (${raw(query)}) to ${literal(path)} (format parquet)`)
  return readFileSync(path)
}

test('files with equal schemas are one group with the types of the file', async () => {
  const parquet = await bench('parquet')
  const one = await made(
    parquet,
    "select 1::integer as id, {'x': 1::bigint, 'l': ['a']} as s, timestamp '2024-01-31' as at, 1.25::decimal(10,2) as d",
  )
  parquet.land('a.parquet', one)
  parquet.land('b.parquet', one)
  parquet.land('c.parquet', await made(parquet, 'select 2::bigint as id, 7 as more'))
  parquet.land('none.parquet', await made(parquet, 'select 2::bigint as id, 7 as more where false'))
  const { groups } = await parquet.inspect()
  expect(groups.map((group) => [group.files.length, group.empty, group.columns.map(({ name, type }) => `${name} ${type}`)])).toEqual([
    [2, false, ['id INTEGER', 's STRUCT(x BIGINT, l VARCHAR[])', 'at TIMESTAMP', 'd DECIMAL(10,2)']],
    [1, false, ['id BIGINT', 'more INTEGER']],
    [1, true, ['id BIGINT', 'more INTEGER']],
  ])
  expect(await parquet.types()).toEqual([
    'id BIGINT',
    's STRUCT("x" BIGINT, "l" VARCHAR[])',
    'at TIMESTAMP WITH TIME ZONE',
    'd DECIMAL(10,2)',
    'more INTEGER',
  ])
  expect(await parquet.rows()).toEqual([
    { id: 1n, s: { x: 1n, l: ['a'] }, at: '2024-01-31 00:00:00+00', d: '1.25' },
    { id: 1n, s: { x: 1n, l: ['a'] }, at: '2024-01-31 00:00:00+00', d: '1.25' },
    { id: 2n, more: 7 },
  ])
})

test('a file name with glob characters reports its own path', async () => {
  const parquet = await bench('parquet')
  const one = await made(parquet, 'select 1 as id')
  for (const name of ['a[1].parquet', 'x=1/b*?.parquet']) parquet.land(name, one)
  expect(await parquet.paths()).toEqual(['a[1].parquet', 'x=1/b*?.parquet'])
})

test('types that Delta lacks become types that it has', async () => {
  const parquet = await bench('parquet')
  parquet.land(
    'a.parquet',
    await made(
      parquet,
      "select 255::utinyint as a, 4294967295::uinteger as b, 18446744073709551615::ubigint as c, time '10:00' as d, uuid '8b2c4b0e-0000-4000-8000-000000000000' as e, timestamp_ns '2024-01-31 00:00:00' as f",
    ),
  )
  expect(await parquet.types()).toEqual([
    'a SMALLINT',
    'b BIGINT',
    'c DECIMAL(20,0)',
    'd VARCHAR',
    'e VARCHAR',
    'f TIMESTAMP WITH TIME ZONE',
  ])
  expect((await parquet.rows())[0]).toMatchObject({ a: 255, b: 4294967295n, c: '18446744073709551615', d: '10:00:00' })
})

test('cut, foreign and empty files fail by name, and their neighbours are read', async () => {
  const parquet = await bench('parquet')
  const whole = await made(parquet, 'select range as id, md5(range::varchar) as h from range(10000)')
  parquet.land('good.parquet', whole)
  parquet.land('cut.parquet', whole.subarray(0, whole.length - 1))
  parquet.land('half.parquet', whole.subarray(0, whole.length / 2))
  parquet.land('short.parquet', 'PAR1')
  parquet.land('text.parquet', 'id,name\n1,x\n')
  parquet.land('zero.parquet', '')
  parquet.land(
    'footer.parquet',
    Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(40, 0xff), Buffer.from([40, 0, 0, 0]), Buffer.from('PAR1')]),
  )
  const damaged = Buffer.from(whole)
  damaged.fill(0x55, 4, 2000)
  parquet.land('damaged.parquet', damaged)
  const problems = await parquet.problems()
  expect(problems.filter((problem) => !/footer|damaged/.test(problem.split(':', 1)[0] ?? ''))).toEqual([
    'ING-FILE-EMPTY zero.parquet: the file has no bytes, and Parquet needs a footer',
    'ING-FILE-FORMAT text.parquet: this is not a Parquet file',
    'ING-FILE-TRUNCATED cut.parquet: the end of the file is missing: it begins as Parquet, but has no footer',
    'ING-FILE-TRUNCATED half.parquet: the end of the file is missing: it begins as Parquet, but has no footer',
    'ING-FILE-TRUNCATED short.parquet: the end of the file is missing: it begins as Parquet, but has no footer',
  ])
  expect(
    problems.filter((problem) => /footer[.]parquet|damaged[.]parquet/.test(problem)).map((problem) => problem.split(' ', 2).join(' ')),
  ).toEqual(['ING-FILE-FORMAT damaged.parquet:', 'ING-FILE-FORMAT footer.parquet:'])
})

test('names that differ by case alone are refused', async () => {
  const parquet = await bench('parquet')
  const file = await made(parquet, "select 1 as column_a, {'column_a': 1} as s, 2 as column_b")
  // The engine writes no such file; names of equal length can be exchanged in its bytes.
  parquet.land('a.parquet', Buffer.from(file.toString('latin1').replaceAll('column_b', 'COLUMN_A'), 'latin1'))
  expect(await parquet.problems()).toEqual([
    'ING-FILE-DUPLICATE-COLUMN a.parquet: the columns "column_a" and "COLUMN_A" differ by case alone',
  ])
})

test('a value that the asked type does not hold is a problem of its file', async () => {
  const parquet = await bench('parquet')
  parquet.land('a.parquet', await made(parquet, 'select 1::bigint as id'))
  parquet.land('b.parquet', await made(parquet, 'select 300::bigint as id'))
  const problems = await parquet.problems({ id: 'TINYINT' })
  expect(problems.map((problem) => problem.slice(0, 25))).toEqual(['ING-FILE-VALUE b.parquet:'])
})
