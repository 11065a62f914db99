import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import { bench } from './bench.ts'

const FILES = 2000

test('two thousand small files are inspected, typed and read; the times are printed, not asserted', async () => {
  const csv = await bench('csv')
  const rows = Array.from({ length: 100 }, (_, index) => `${index},name ${index},${index / 4},2024-01-31\n`).join('')
  for (let index = 0; index < FILES; index += 1) csv.land(`${index}.csv`, `id,name,amount,day\n${rows}`)
  const times: string[] = []
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now()
    const result = await work()
    times.push(`${name} ${Math.round(performance.now() - start)} ms`)
    return result
  }
  const { groups, reader } = await timed('inspect', () => csv.inspect())
  const again = await timed('inspect again', () => csv.format.inspect(csv.files, { ...csv.context, reader }))
  const columns = await timed('infer', () => csv.format.infer(groups, { ...csv.context, reader }))
  const [group] = groups
  expect([groups.length, again.groups.length]).toEqual([1, 1])
  const counted =
    group &&
    (await timed('read', () =>
      csv.session.rows(
        sql`select count(*) as n, bit_xor(hash(r)) as h from (${csv.format.relation(group, columns, { ...csv.context, reader })}) as r`,
      ),
    ))
  expect(counted?.[0]?.['n']).toBe(BigInt(FILES * 100))
  process.stderr.write(`csv, ${FILES} files: ${times.join(', ')}\n`)
})
