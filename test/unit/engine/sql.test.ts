import { expect, test } from 'vitest'
import { id, inlined, join, literal, literalList, raw, sql } from '../../../src/engine/sql.ts'

test('values are bound and nested statements are spliced in order', () => {
  const part = sql`b = ${2}`
  const statement = sql`select * from ${id('t')} where a = ${'x'} and ${part} and c = ${null}`
  expect(statement.text).toBe('select * from "t" where a = ? and b = ? and c = ?')
  expect(statement.values).toEqual(['x', 2, null])
})

test('names and constants are quoted', () => {
  expect(id('a"b').text).toBe('"a""b"')
  expect(literal("it's").text).toBe("'it''s'")
  expect(literalList(["a'b", 'c']).text).toBe("['a''b', 'c']")
})

test('inlining leaves question marks inside constants alone', () => {
  const statement = inlined(sql`select ${literal('a?b')}, ${"c'?d"}, ${5n}, ${null}, ${true}, ${Number.NaN}`)
  expect(statement.text).toBe("select 'a?b', 'c''?d', 5, NULL, true, 'NaN'::DOUBLE")
  expect(statement.values).toEqual([])
})

test('parts are joined with their values', () => {
  const joined = join([sql`a = ${1}`, raw('b'), sql`c = ${2}`], ' and ')
  expect(joined.text).toBe('a = ? and b and c = ?')
  expect(joined.values).toEqual([1, 2])
})
