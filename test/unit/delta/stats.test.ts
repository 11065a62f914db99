import { expect, test } from 'vitest'
import { type DeltaField, parseSchema } from '../../../src/delta/schema.ts'
import { indexedLeaves, statsText } from '../../../src/delta/stats.ts'
import { stringBounds } from '../../../src/delta/string-bounds.ts'
import { schemaString } from './support.ts'

function fields(types: Readonly<Record<string, unknown>>): readonly DeltaField[] {
  return parseSchema(schemaString(types))
}

function statsOf(type: string, measured: Readonly<Record<string, string>>): unknown {
  const leaves = indexedLeaves(fields({ c: type }), [], {})
  return statsText(3n, { '"c"': measured }, leaves)
}

test('64-bit integers keep every digit', () => {
  expect(statsOf('long', { min: '-9223372036854775808', max: '9007199254740993', null_count: '0' })).toBe(
    '{"numRecords":3,"minValues":{"c":-9223372036854775808},"maxValues":{"c":9007199254740993},"nullCount":{"c":0}}',
  )
})

test('decimals of 38 digits keep every digit and their scale', () => {
  expect(statsOf('decimal(38,2)', { min: '-0.50', max: '123456789012345678901234567890123456.78' })).toBe(
    '{"numRecords":3,"minValues":{"c":-0.50},"maxValues":{"c":123456789012345678901234567890123456.78},"nullCount":{}}',
  )
})

test('a NaN leaves no maximum', () => {
  expect(statsOf('double', { min: '1.5', max: '2.5', has_nan: 'true' })).toBe(
    '{"numRecords":3,"minValues":{"c":1.5},"maxValues":{},"nullCount":{}}',
  )
})

test('zero bounds include the zero of the other sign', () => {
  expect(statsOf('double', { min: '0.0', max: '-0.0', has_nan: 'false' })).toBe(
    '{"numRecords":3,"minValues":{"c":-0.0},"maxValues":{"c":0.0},"nullCount":{}}',
  )
})

test('infinities are left out', () => {
  expect(statsOf('float', { min: '-inf', max: 'inf', has_nan: 'false' })).toBe(
    '{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{}}',
  )
})

test('timestamps are cut down to milliseconds in ISO form', () => {
  expect(statsOf('timestamp', { min: '1582-10-15 00:00:00+00', max: '2024-01-02 03:04:05.999999+00' })).toBe(
    '{"numRecords":3,"minValues":{"c":"1582-10-15T00:00:00.000Z"},"maxValues":{"c":"2024-01-02T03:04:05.999Z"},"nullCount":{}}',
  )
  expect(statsOf('timestamp_ntz', { min: '2024-01-02 03:04:05.1', max: '2024-01-02 03:04:05.12' })).toBe(
    '{"numRecords":3,"minValues":{"c":"2024-01-02T03:04:05.100"},"maxValues":{"c":"2024-01-02T03:04:05.120"},"nullCount":{}}',
  )
})

test('dates and timestamps outside four-digit years are left out', () => {
  expect(statsOf('date', { min: '0044-03-15 (BC)', max: '10000-01-01' })).toBe(
    '{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{}}',
  )
  expect(statsOf('timestamp', { min: '-infinity', max: 'infinity' })).toBe('{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{}}')
})

test('booleans and binaries count nulls and have no bounds', () => {
  expect(statsOf('boolean', { min: '0', max: '1', null_count: '2' })).toBe(
    '{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{"c":2}}',
  )
  expect(statsOf('binary', { min: '00', max: 'FF', null_count: '1' })).toBe(
    '{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{"c":1}}',
  )
})

test('nested columns are nested, whatever characters their names hold', () => {
  const nested = { 's t': { type: 'struct', fields: [{ name: 'm"n.o', type: 'long', nullable: true, metadata: {} }] } }
  const leaves = indexedLeaves(fields(nested), [], {})
  expect(statsText(1n, { '"s t"."m""n.o"': { min: '1', max: '2', null_count: '0' } }, leaves)).toBe(
    '{"numRecords":1,"minValues":{"s t":{"m\\"n.o":1}},"maxValues":{"s t":{"m\\"n.o":2}},"nullCount":{"s t":{"m\\"n.o":0}}}',
  )
})

test('a column named __proto__ is a column as any other', () => {
  const schema = parseSchema('{"type":"struct","fields":[{"name":"__proto__","type":"long","nullable":true,"metadata":{}}]}')
  expect(statsText(1n, JSON.parse('{"\\"__proto__\\"":{"min":"1"}}'), indexedLeaves(schema, [], {}))).toBe(
    '{"numRecords":1,"minValues":{"__proto__":1},"maxValues":{},"nullCount":{}}',
  )
})

test('lists and maps count neither values nor nulls', () => {
  const schema = fields({ l: { type: 'array', elementType: 'long', containsNull: true } })
  expect(statsText(2n, { '"l"."element"': { min: '1', max: '2', null_count: '1' } }, indexedLeaves(schema, [], {}))).toBe(
    '{"numRecords":2,"minValues":{},"maxValues":{},"nullCount":{}}',
  )
})

test('the first 32 leaf columns have statistics, or as many as the table says, partition columns aside', () => {
  const many = fields(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`c${index}`, 'long'])))
  expect(indexedLeaves(many, ['c0'], {}).map((leaf) => leaf.path[0])).toEqual(Array.from({ length: 32 }, (_, index) => `c${index + 1}`))
  expect(indexedLeaves(many, [], { 'delta.dataSkippingNumIndexedCols': '2' })).toHaveLength(2)
  expect(indexedLeaves(many, [], { 'delta.dataSkippingNumIndexedCols': '-1' })).toHaveLength(40)
  expect(indexedLeaves(many, [], { 'delta.dataSkippingStatsColumns': 'C39, `c1`' }).map((leaf) => leaf.path[0])).toEqual(['c1', 'c39'])
})

test('a text of 32 characters is its own bound', () => {
  const text = 'é'.repeat(32)
  expect(stringBounds(text, text)).toEqual({ min: text, max: text })
})

test('a longer minimum is cut, a longer maximum is cut and raised', () => {
  expect(stringBounds(`${'a'.repeat(32)}b`, `${'a'.repeat(32)}b`)).toEqual({ min: 'a'.repeat(32), max: `${'a'.repeat(32)}\u007F` })
  expect(stringBounds('x', `${'a'.repeat(32)}\u007Fb`)).toEqual({ min: 'x', max: `${'a'.repeat(32)}\u{10FFFF}` })
  expect(stringBounds('x', `${'a'.repeat(32)}é`)).toEqual({ min: 'x', max: `${'a'.repeat(32)}\u{10FFFF}` })
})

test('a cut never parts a surrogate pair', () => {
  expect(stringBounds('😀'.repeat(40), 'z')).toEqual({ min: '😀'.repeat(32), max: 'z' })
})

test('a cut before the last code point moves on, and without an end there is no maximum', () => {
  const last = '\u{10FFFF}'
  expect(stringBounds('a', `${'a'.repeat(32)}${last}b`).max).toBe(`${'a'.repeat(32)}${last}\u007F`)
  expect(stringBounds('a', last.repeat(40)).max).toBe(last.repeat(40))
  expect(stringBounds('a', last.repeat(100)).max).toBeUndefined()
})

test('missing bounds stay missing', () => {
  expect(stringBounds(undefined, undefined)).toEqual({ min: undefined, max: undefined })
})
