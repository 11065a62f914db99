import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Output } from '../../../src/cli/output.ts'
import { printRows } from '../../../src/cli/report/blocks.ts'
import type { TableColumn } from '../../../src/cli/text/table.ts'

const PLAIN = { head: (text: string) => text, cell: (padded: string) => padded }
const COLUMNS: readonly TableColumn[] = [
  { head: 'VERSION', align: 'right' },
  { head: 'BATCH', align: 'right', spare: true },
  { head: 'FILE' },
  { head: 'BY', spare: true },
]
const ROWS = [
  ['0', '1', 'landing/a.csv', 'ingestd'],
  ['12', '', 'landing/b.csv', 'spark'],
]

test('a table that fits the terminal has all columns', async () => {
  expect(await printed(ROWS, 38)).toBe(
    ['VERSION  BATCH  FILE           BY', '      0      1  landing/a.csv  ingestd', '     12         landing/b.csv  spark', ''].join('\n'),
  )
})

test('columns that can be spared are left out of a narrower one, the last first', async () => {
  expect(await printed(ROWS, 37)).toBe(
    ['VERSION  BATCH  FILE', '      0      1  landing/a.csv', '     12         landing/b.csv', ''].join('\n'),
  )
  expect(await printed(ROWS, 22)).toBe(['VERSION  FILE', '      0  landing/a.csv', '     12  landing/b.csv', ''].join('\n'))
})

test('where the rest is too wide, too, each row is told cell by cell, and an empty one is left out', async () => {
  expect(await printed(ROWS, 21)).toBe(
    [
      'VERSION  0',
      'BATCH    1',
      'FILE     landing/a.csv',
      'BY       ingestd',
      '',
      'VERSION  12',
      'FILE     landing/b.csv',
      'BY       spark',
      '',
    ].join('\n'),
  )
})

test('a pipe gets a table of any width', async () => {
  expect(await printed(ROWS, undefined)).toMatch(/^VERSION {2}BATCH {2}FILE {11}BY\n/)
})

test('no rows are a head, however narrow the terminal', async () => {
  expect(await printed([], 5)).toBe('VERSION  BATCH  FILE  BY\n')
})

test('the first block decides, and later ones go on like it', async () => {
  const rows = [...Array.from({ length: 1000 }, () => ['0', '1', 'a', 'b']), ['1', '2', 'x'.repeat(50), 'b']]
  const lines = (await printed(rows, 40)).split('\n')
  expect(lines).toHaveLength(1 + 1001 + 1)
  expect(lines.at(-2)).toBe(`      1      2  ${'x'.repeat(50)}  b`)
})

/** What a terminal of so many columns is given, or a pipe. */
async function printed(rows: readonly (readonly string[])[], columns: number | undefined): Promise<string> {
  const stream = new PassThrough()
  const text: string[] = []
  stream.setEncoding('utf8').on('data', (chunk: string) => text.push(chunk))
  const stdout = Object.assign(stream, { isTTY: columns !== undefined, columns: columns ?? 0 }) as unknown as NodeJS.WriteStream
  await printRows(new Output({ stdout, stderr: stdout, json: false, color: false, env: {} }), COLUMNS, rows, PLAIN)
  stream.end()
  await new Promise((resolve) => stream.once('close', resolve))
  return text.join('')
}
