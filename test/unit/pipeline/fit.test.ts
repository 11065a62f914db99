import { describe, expect, test } from 'vitest'
import { declaredType, grown, misfit } from '../../../src/pipeline/fit.ts'

describe('a column grows', () => {
  test.each([
    ['INTEGER', 'BIGINT', 'widen', 'BIGINT'],
    ['INTEGER', 'BIGINT', 'evolve', undefined],
    ['BIGINT', 'INTEGER', 'widen', 'BIGINT'],
    ['FLOAT', 'DOUBLE', 'widen', 'DOUBLE'],
    ['INTEGER', 'DOUBLE', 'widen', 'DOUBLE'],
    ['BIGINT', 'DOUBLE', 'widen', undefined],
    ['DOUBLE', 'BIGINT', 'widen', undefined],
    ['DECIMAL(5,2)', 'DECIMAL(9,3)', 'widen', 'DECIMAL(9,3)'],
    ['DECIMAL(5,2)', 'DECIMAL(5,4)', 'widen', 'DECIMAL(7,4)'],
    ['DECIMAL(5,2)', 'INTEGER', 'widen', 'DECIMAL(12,2)'],
    ['DECIMAL(38,2)', 'DECIMAL(38,10)', 'widen', undefined],
    ['SMALLINT', 'DECIMAL(4,2)', 'widen', 'DECIMAL(12,2)'],
    ['BIGINT', 'DECIMAL(4,2)', 'widen', 'DECIMAL(22,2)'],
    ['DATE', 'TIMESTAMP', 'widen', 'TIMESTAMP'],
    ['DATE', 'TIMESTAMP WITH TIME ZONE', 'widen', undefined],
    ['VARCHAR', 'BIGINT', 'widen', undefined],
    ['STRUCT("a" INTEGER)', 'STRUCT(A BIGINT, b DATE)', 'widen', 'STRUCT("a" BIGINT, "b" DATE)'],
    ['STRUCT("a" INTEGER)[]', 'STRUCT(b TIMESTAMP)[]', 'evolve', 'STRUCT("a" INTEGER, "b" TIMESTAMP WITH TIME ZONE)[]'],
    ['STRUCT("a" INTEGER)', 'STRUCT(a INTEGER, b DATE)', 'ignore', 'STRUCT("a" INTEGER)'],
    ['STRUCT("a" INTEGER)', 'STRUCT(a INTEGER, b DATE)', 'fail', undefined],
    ['STRUCT("a" INTEGER)', 'STRUCT(a INTEGER, b DATE)', 'rescue', undefined],
    ['MAP(INTEGER, INTEGER)', 'MAP(BIGINT, INTEGER)', 'widen', 'MAP(BIGINT, INTEGER)'],
  ] as const)('%s for %s by %s', (known, from, mode, result) => {
    expect(grown(known, from, { mode })).toBe(result)
  })
})

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
  ['STRUCT(a BIGINT, b DATE)', 'STRUCT(a BIGINT)', 'the nested field b is not in the table'],
  ['STRUCT(a VARCHAR)', 'STRUCT(a BIGINT)', 'VARCHAR in the file at .a, BIGINT in the table'],
])('%s is not stored as %s', (from, to, reason) => {
  expect(misfit(from, to)).toBe(reason)
})

test('a declared TIMESTAMP is UTC unless it says TIMESTAMP_NTZ', () => {
  expect(declaredType('timestamp')).toBe('TIMESTAMP WITH TIME ZONE')
  expect(declaredType('TIMESTAMP_NTZ')).toBe('TIMESTAMP')
  expect(declaredType('int')).toBe('INTEGER')
})
