import { expect, test } from 'vitest'
import { intervalText, parseInterval } from '../../../src/delta/interval.ts'
import { ExactNumber, jsonText } from '../../../src/delta/json.ts'
import { parseLogName } from '../../../src/delta/log-names.ts'
import { partitionFolder } from '../../../src/delta/partition.ts'
import { encodeName, encodePath } from '../../../src/delta/uri.ts'

test('a logged path escapes everything but unreserved characters, slashes and the equals sign of folders', () => {
  expect(encodePath('p=a%20b/part-1.parquet')).toBe('p=a%2520b/part-1.parquet')
  expect(encodePath("a:b#c?d[e]*'é😀~_-.")).toBe('a%3Ab%23c%3Fd%5Be%5D%2A%27%C3%A9%F0%9F%98%80~_-.')
  expect(encodeName('a/b=c')).toBe('a%2Fb%3Dc')
})

test('JSON keeps the digits of wide numbers and leaves out what is undefined', () => {
  expect(jsonText({ a: 9007199254740993n, b: new ExactNumber('1.50'), c: undefined, d: [null, true, 'x"'], __proto__: null })).toBe(
    '{"a":9007199254740993,"b":1.50,"d":[null,true,"x\\""]}',
  )
})

test('names in the log folder are commits, checkpoints, or passed over', () => {
  expect(parseLogName('00000000000000000012.json')).toEqual({ kind: 'commit', version: 12n })
  expect(parseLogName('00000000000000000012.checkpoint.parquet')).toEqual({ kind: 'checkpoint', version: 12n, part: 1, parts: 1 })
  expect(parseLogName('00000000000000000012.checkpoint.0000000001.0000000003.parquet')).toEqual({
    kind: 'checkpoint',
    version: 12n,
    part: 1,
    parts: 3,
  })
  expect(parseLogName('00000000000000000012.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json')).toEqual({
    kind: 'checkpointV2',
    version: 12n,
  })
  for (const stray of [
    '_commit_x.json.tmp',
    '.tmp-1',
    '5.json',
    '00000000000000000005.json.tmp',
    'foo.txt',
    '00000000000000000012.crc',
    '_last_checkpoint',
  ]) {
    expect(parseLogName(stray)).toBeUndefined()
  }
})

test('intervals are read and written in the words of the table properties', () => {
  expect(parseInterval('interval 7 days')).toBe(604_800_000)
  expect(parseInterval('INTERVAL 1 week')).toBe(604_800_000)
  expect(parseInterval('interval 2 months')).toBeUndefined()
  expect(parseInterval('2 weeks 3 days 1 hour')).toBe(1_472_400_000)
  expect(parseInterval('interval 2 weeks and 3 days')).toBeUndefined()
  expect(parseInterval('interval 1 month 3 days')).toBeUndefined()
  expect(parseInterval(undefined)).toBeUndefined()
  expect(intervalText(30 * 86_400_000)).toBe('interval 30 days')
  expect(intervalText(90_000)).toBe('interval 90 seconds')
})

test('folders of partitions are escaped, and long names become a short hash', () => {
  const columns = [
    { name: 'a b', type: 'VARCHAR' },
    { name: 'd', type: 'DATE' },
  ]
  expect(partitionFolder(columns, { 'a b': 'x/y=%', d: '2024-01-02' })).toBe('a%20b=x%2Fy%3D%25/d=2024-01-02')
  expect(partitionFolder(columns, { 'a b': null, d: null })).toBe('a%20b=__HIVE_DEFAULT_PARTITION__/d=__HIVE_DEFAULT_PARTITION__')
  expect(partitionFolder(columns, { 'a b': '__HIVE_DEFAULT_PARTITION__', d: null })).toBe(
    'a%20b=%5F_HIVE_DEFAULT_PARTITION__/d=__HIVE_DEFAULT_PARTITION__',
  )
  expect(partitionFolder(columns, { 'a b': 'é'.repeat(100), d: null })).toMatch(/^p-[0-9a-f]{16}\/d=__HIVE_DEFAULT_PARTITION__$/)
})
