import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { Landing } from '../support/landing.ts'

/** A strategy that appends, and notes in which process it planned. */
const noting = (file: string, word: string) => `
import { appendFileSync } from 'node:fs'
export default {
  name: 'noting',
  reads: () => 'once',
  plan: ({ records }) => {
    appendFileSync(${JSON.stringify(file)}, process.pid + ' ${word}\\n')
    return { add: records, remove: { kind: 'nothing' }, blindAppend: true }
  },
}
`

function noted(table: Landing): readonly (readonly string[])[] {
  return readFileSync(table.path('noted.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
}

/** Loads a file by a strategy that is written anew, and gives what the table's report says of errors. */
async function loaded(table: Landing, name: string, word: string): Promise<unknown> {
  const module = table.path('noting.mjs')
  writeFileSync(module, noting(table.path('noted.txt'), word))
  table.land(name, 'id\n1\n')
  const { tables } = await table.run({}, { loading_strategy: module })
  return tables.map(({ errors }) => errors)
}

describe('load processes', () => {
  test('one that is idle serves the next run, which sees a module that was changed', async () => {
    const table = new Landing({})
    expect(await loaded(table, '1.csv', 'old')).toEqual([[]])
    expect(await loaded(table, '2.csv', 'new')).toEqual([[]])
    const [first, second] = noted(table)
    expect(first).toEqual([second?.[0], 'old'])
    expect(second?.[1]).toBe('new')
    expect(await table.rows('count(*)::integer as rows')).toEqual([{ rows: 2 }])
  })

  test('with another environment there is another', async () => {
    const table = new Landing({})
    await loaded(table, '1.csv', 'one')
    vi.stubEnv('INGEST_OTHER', '1')
    await loaded(table, '2.csv', 'two')
    vi.unstubAllEnvs()
    await loaded(table, '3.csv', 'three')
    const [first, second, third] = noted(table).map(([pid]) => pid)
    expect(second).not.toBe(first)
    expect(third).toBe(first)
  })
})
