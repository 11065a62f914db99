import { expect, test } from 'vitest'
import { declaredType, misfit } from '../../../src/pipeline/fit.ts'

test.each([
  ['INTEGER', 'BIGINT'],
  ['UTINYINT', 'SMALLINT'],
  ['INTEGER', 'DOUBLE'],
  ['FLOAT', 'DOUBLE'],
  ['DECIMAL(5,2)', 'DECIMAL(38,2)'],
  ['BIGINT', 'DECIMAL(38,2)'],
  ['DATE', 'TIMESTAMP WITH TIME ZONE'],
  ['TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'],
  ['UUID', 'VARCHAR'],
  ['STRUCT(a INTEGER)', 'STRUCT(a BIGINT, b VARCHAR)'],
  ['STRUCT(A INTEGER)[]', 'STRUCT(a BIGINT)[]'],
])('%s is stored as %s', (from, to) => {
  expect(misfit(from, to)).toBeUndefined()
})

test.each([
  ['BIGINT', 'INTEGER', 'BIGINT in the file, INTEGER in the table'],
  ['BIGINT', 'DOUBLE', 'BIGINT in the file, DOUBLE in the table'],
  ['VARCHAR', 'BIGINT', 'VARCHAR in the file, BIGINT in the table'],
  ['BIGINT', 'VARCHAR', 'BIGINT in the file, VARCHAR in the table'],
  ['DECIMAL(10,4)', 'DECIMAL(10,2)', 'DECIMAL(10,4) in the file, DECIMAL(10,2) in the table'],
  ['BIGINT[]', 'BIGINT', 'LIST in the file, BIGINT in the table'],
  ['STRUCT(a BIGINT, b DATE)', 'STRUCT(a BIGINT)', 'the nested field b is not in the table, and nested fields cannot be added yet'],
  ['STRUCT(a VARCHAR)', 'STRUCT(a BIGINT)', 'VARCHAR in the file at .a, BIGINT in the table'],
])('%s is not stored as %s', (from, to, reason) => {
  expect(misfit(from, to)).toBe(reason)
})

test('a declared TIMESTAMP is UTC unless it says TIMESTAMP_NTZ', () => {
  expect(declaredType('timestamp')).toBe('TIMESTAMP WITH TIME ZONE')
  expect(declaredType('TIMESTAMP_NTZ')).toBe('TIMESTAMP')
  expect(declaredType('int')).toBe('INTEGER')
})
