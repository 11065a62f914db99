import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FORMATS } from '../../../src/formats/registry.ts'
import { FORMAT_NAMES } from '../../../src/model/table.ts'
import { load } from './support.ts'

const PAGE = readFileSync(new URL('../../../docs/formats.md', import.meta.url), 'utf8')

test.each(FORMAT_NAMES)('the page of formats names %s, its suffixes and all its options', (name) => {
  if (name === 'delta') return expect(PAGE).toContain('delta-source.md')
  const { suffixes, options } = FORMATS[name]
  const plain = suffixes.filter((suffix) => !/\.(gz|zst|bz2|zip)$/.test(suffix))
  const words = new Set([...PAGE.replaceAll(/```.*?```/gs, '').matchAll(/`([^`]+)`/g)].flatMap(([, text = '']) => text.split(/[:\s]/)))
  // Spellings of DuckDB for names that users of other loaders write.
  const known = Object.keys(options).filter((option) => !['dateformat', 'timestampformat', 'maximum_line_size'].includes(option))
  expect([name, ...plain, ...known].filter((word) => !words.has(word))).toEqual([])
})

const EXAMPLES = [...PAGE.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text)

test.each(EXAMPLES)('the example loads without an issue: %s', async (text) => {
  const { tables } = await load(`tables:\n${text}`)
  expect(tables.map((table) => table.unsupported)).toEqual([[]])
})

test('there is an example for each format of text', () => {
  expect(EXAMPLES.length).toBeGreaterThanOrEqual(6)
})
