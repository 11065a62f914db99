import { describe, expect, test } from 'vitest'
import { literalList, sql } from '../../../src/engine/sql.ts'
import { fromText, ISO_RULES, triedText } from '../../../src/formats/values.ts'
import { session } from '../../support/session.ts'

/** The integer that a decimal text stands for; undefined where it is none, or has digits behind its point. */
function integerOf(text: string): bigint | undefined {
  const parts = /^\s*([+-]?)([0-9]*)(?:[.]([0-9]*))?(?:[eE][+]?([0-9]{1,2}))?\s*$/.exec(text)
  if (!parts) return undefined
  const [, sign = '', whole = '', fraction = '', power] = parts
  const kept = fraction.replace(/0+$/, '')
  // Digits before the point are asked for, except before an exponent.
  if ((whole === '' && (power === undefined || fraction === '')) || kept.length > Number(power ?? 0)) return undefined
  const value = BigInt(`${whole}${kept}` || '0') * 10n ** BigInt(Number(power ?? 0) - kept.length)
  const signed = sign === '-' ? -value : value
  return signed >= -(2n ** 63n) && signed < 2n ** 63n ? signed : undefined
}

const HANDMADE = ['1.5', '0.5', '.5', '5.', '99.5', '9.9', '-1.5', '1e-1', '99e-1', '15e3', '1.5e3', '1.5e5', '1.2345e3', '007', ' 12', '+5', '-0', '0', '-', '1_000', '9.0', '9223372036854775807', '9223372036854775808', '-9223372036854775808', '5.0000000000000000001', '999999999999999999.9', '99999999999999999.5', '1234567890123456789', 'x', '1 2', '1,5', '12345678901234567890e1'] // biome-ignore format: one list

function madeTexts(): readonly string[] {
  const texts: string[] = []
  let seed = 1
  const pick = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  const digits = (count: number) => Array.from({ length: count }, () => '0019'[pick(4)] ?? '0').join('')
  for (let n = 0; n < 4000; n += 1) {
    const point = pick(3) === 0 ? `.${digits(pick(6))}` : ''
    const power = pick(4) === 0 ? `${'eE'[pick(2)]}${['', '+', '-'][pick(3)]}${pick(12)}` : ''
    texts.push(`${['', '', '-', '+', ' '][pick(5)]}${digits(pick(20))}${point}${power}`)
  }
  return texts
}

describe('a text becomes an integer', () => {
  test('where it stands for one exactly, and nothing is rounded', async () => {
    const engine = await session()
    const rows = await engine.rows(
      sql`select text, ${triedText('BIGINT', sql`text`, ISO_RULES)} as tried, try(${fromText('BIGINT', sql`text`, ISO_RULES)}) as strict
        from (select unnest(${literalList([...HANDMADE, ...madeTexts()])}::varchar[]) as text)`,
    )
    const wrong = rows.filter(({ text, tried, strict }) => tried !== strict || (tried ?? undefined) !== integerOf(String(text)))
    expect(wrong).toEqual([])
  })
})
