import { expect, test } from 'vitest'
import { storableType, zonedType } from '../../../src/model/storable-type.ts'
import { parseType } from '../../../src/model/type-text.ts'

test.each([
  ['BIGINT', 'BIGINT'],
  ['int', 'INTEGER'],
  ['STRING', 'VARCHAR'],
  ['VARCHAR(20)', 'VARCHAR'],
  ['HUGEINT', 'DECIMAL(38,0)'],
  ['UBIGINT', 'DECIMAL(20,0)'],
  ['UINTEGER', 'BIGINT'],
  ['DECIMAL(18, 3)', 'DECIMAL(18,3)'],
  ['numeric(10)', 'DECIMAL(10,0)'],
  ['DECIMAL', 'DECIMAL(18,3)'],
  ['DOUBLE PRECISION', 'DOUBLE'],
  ['TIMESTAMP_NS', 'TIMESTAMP'],
  ['TIMESTAMP WITH TIME ZONE', 'TIMESTAMP WITH TIME ZONE'],
  ['timestamptz', 'TIMESTAMP WITH TIME ZONE'],
  ['TIME', 'VARCHAR'],
  ['TIME WITH TIME ZONE', 'VARCHAR'],
  ['UUID', 'VARCHAR'],
  ['JSON', 'VARCHAR'],
  ['"NULL"', 'VARCHAR'],
  ["ENUM('a', 'b)')", 'VARCHAR'],
  ['UNION(a INTEGER, b VARCHAR)', 'VARCHAR'],
  ['INTEGER[3][]', 'INTEGER[][]'],
  ['MAP(VARCHAR, UHUGEINT)', 'MAP(VARCHAR, DECIMAL(38,0))'],
  ['STRUCT(a TIME, "b ""c" STRUCT(d UTINYINT[]))', 'STRUCT("a" VARCHAR, "b ""c" STRUCT("d" SMALLINT[]))'],
])('%s is stored as %s', (type, stored) => {
  expect(storableType(type)).toBe(stored)
})

test('naive timestamps become zoned ones at every depth', () => {
  expect(zonedType('STRUCT(a TIMESTAMP, b TIMESTAMP_MS[], c DATE)')).toBe(
    'STRUCT("a" TIMESTAMP WITH TIME ZONE, "b" TIMESTAMP WITH TIME ZONE[], "c" DATE)',
  )
})

test.each(['', 'STRUCT(', 'STRUCT(a)', 'BIGINT; drop table x', 'BIGINT[', 'MAP(VARCHAR)'])('%j is no type', (text) => {
  expect(() => parseType(text)).toThrow('is not a type')
})
