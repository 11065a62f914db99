import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { literal, raw, sql } from '../../../src/engine/sql.ts'
import type { FormatName } from '../../../src/model/table.ts'
import { type Bench, bench } from './bench.ts'

const RECORDS = ['{"a":1,"b":{"x":"}"}}\n', '{"a":2,"b":{"x":"q\\"]"}}\n', '{"a":3,"b":{"x":null}}\n']

/** Lands the content cut after each byte but none and all; the lengths that are taken as whole. */
async function taken(one: Bench, content: Buffer, suffix: string): Promise<readonly number[]> {
  for (let length = 1; length < content.length; length += 1)
    one.land(`${String(length).padStart(5, '0')}${suffix}`, content.subarray(0, length))
  const problems = await one.problems({ a: 'BIGINT', b: 'VARCHAR' })
  expect(problems.filter((problem) => !problem.startsWith('ING-FILE-TRUNCATED'))).toEqual([])
  const failed = new Set(problems.map((problem) => Number(/ (\d{5})/.exec(problem)?.[1])))
  return Array.from({ length: content.length - 1 }, (_, index) => index + 1).filter((length) => !failed.has(length))
}

test('ndjson is whole only at the end of a record', async () => {
  const content = RECORDS.join('')
  const ends = [...content.matchAll(/\n/g)].flatMap((match) => [match.index, match.index + 1]).filter((end) => end < content.length)
  expect(await taken(await bench('ndjson'), Buffer.from(content), '.ndjson')).toEqual(ends)
})

test('a JSON array is whole only at its end', async () => {
  expect(await taken(await bench('json'), Buffer.from(`[${RECORDS.join(',')}]\n`), '.json')).toEqual([`[${RECORDS.join(',')}]`.length])
})

test('a compressed file is whole only at its end', async () => {
  expect(await taken(await bench('ndjson'), gzipSync(RECORDS.join('')), '.ndjson.gz')).toEqual([])
  const zstd = await bench('csv')
  expect(await taken(zstd, await made(zstd, 'csv, compression zstd'), '.csv.zst')).toEqual([])
})

test('a Parquet file is whole only at its end', async () => {
  const parquet = await bench('parquet' satisfies FormatName)
  const content = await made(parquet, 'parquet')
  // Before its first four bytes are there it might be anything.
  for (let length = 4; length < content.length; length += 1) parquet.land(`${length}.parquet`, content.subarray(0, length))
  const { groups, failed } = await parquet.inspect()
  expect([groups.length, failed.length, new Set(failed.map((error) => error.code))]).toEqual([
    0,
    content.length - 4,
    new Set(['ING-FILE-TRUNCATED']),
  ])
})

test('CSV shows a cut within quotes or before the last field, and everywhere with a final newline required', async () => {
  const content = Buffer.from('a,b\n1,"x"\n2,"y\nz"\n')
  const csv = await bench('csv')
  Object.assign(csv.context, { reader: { dialect: {} } })
  const whole = await taken(csv, content, '.csv')
  const text = content.toString()
  expect(whole.map((length) => text.slice(0, length))).toEqual([
    'a',
    'a,',
    'a,b',
    'a,b\n',
    'a,b\n1,',
    'a,b\n1,"x"',
    'a,b\n1,"x"\n',
    'a,b\n1,"x"\n2,',
    'a,b\n1,"x"\n2,"y\nz"',
  ])
})

async function made(one: Bench, options: string): Promise<Buffer> {
  const path = join(one.folder, 'made')
  await one.session.run(sql`copy (select range as a, range::varchar as b from range(20)) to ${literal(path)} (format ${raw(options)})`)
  return readFileSync(path)
}
