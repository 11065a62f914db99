import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDuration, parseShare, parseSize } from '../../../src/config/schema/units.ts'
import { table } from './support.ts'

describe('units', () => {
  test('a time without an offset is UTC', async () => {
    const times = await Promise.all(
      ['2024-01-31', '2024-01-31 00:00:00', '2024-01-31T00:00:00Z'].map(
        async (time) => (await table(`watch: {modified_after: "${time}"}`)).watch.modifiedAfterMs,
      ),
    )
    expect(times).toEqual([Date.UTC(2024, 0, 31), Date.UTC(2024, 0, 31), Date.UTC(2024, 0, 31)])
  })

  test.each([
    ['90 days', 7_776_000_000],
    ['7 days', 604_800_000],
    ['1 DAY', 86_400_000],
    ['30s', 30_000],
    ['1.5 h', 5_400_000],
    ['250ms', 250],
    ['2 weeks', 1_209_600_000],
    ['10 min', 600_000],
    ['0.001s', 1],
  ])('%s is %i milliseconds', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each(['', '7', 'days', '-1 days', '7 dayz', '0.0001s', '1e3 s', '99999999999999 days', '7 days 3 h'])(
    '%j is no duration',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )

  test.each([
    ['4GB', 4_000_000_000n],
    ['128mb', 128_000_000n],
    ['1GiB', 1_073_741_824n],
    ['1.5 GB', 1_500_000_000n],
    ['0.1gb', 100_000_000n],
    ['9007199254740993 B', undefined],
    ['900719925474099B', 900_719_925_474_099n],
  ])('%s is %s bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  test.each(['', '4', 'GB', '4 XB', '1.0000000001GB', '0.5B', '60%', '-4GB'])('%j is no size', (text) => {
    expect(parseSize(text)).toBeUndefined()
  })

  test('a share is a percentage up to 100', () => {
    expect([parseShare('60%'), parseShare(' 12.5 % '), parseShare('100%'), parseShare('101%'), parseShare('60')]).toEqual([
      0.6,
      0.125,
      1,
      undefined,
      undefined,
    ])
  })

  test('whole numbers of any unit are exact', () => {
    fc.assert(
      fc.property(fc.nat(), (count) => parseSize(`${count}KiB`) === BigInt(count) * 1024n && parseDuration(`${count} ms`) === count),
    )
  })
})
