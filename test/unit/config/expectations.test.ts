import { describe, expect, test } from 'vitest'
import { problems, table, tableText } from './support.ts'

describe('expectations', () => {
  test('are of the kind that their key says; those for a batch have a name by themselves', async () => {
    const { expectations } = await table(`expectations: [
      {name: positive, check: "amount >= 0", on_violation: quarantine},
      {unique: [id, day], on_violation: fail},
      {row_count: {min: 1}},
      {row_count: {max: 10, per: batch}},
      {freshness: {column: at, max_age: 2 days}},
      {name: fresh, freshness: {column: at, max_age: 1 hour}}]`)
    expect(expectations).toEqual([
      { kind: 'check', name: 'positive', check: 'amount >= 0', onViolation: 'quarantine', place: '--config-json:3:31' },
      { kind: 'unique', name: 'unique_id_day', columns: ['id', 'day'], onViolation: 'fail' },
      { kind: 'row_count', name: 'row_count', min: 1, max: null, per: 'file', onViolation: 'warn' },
      { kind: 'row_count', name: 'row_count_of_batch', min: null, max: 10, per: 'batch', onViolation: 'warn' },
      { kind: 'freshness', name: 'freshness_at', column: 'at', maxAgeMs: 2 * 86_400_000, onViolation: 'warn' },
      { kind: 'freshness', name: 'fresh', column: 'at', maxAgeMs: 3_600_000, onViolation: 'warn' },
    ])
  })

  test.each([
    ['{name: a}', '[0].check: is required; add it, for example check: "amount >= 0" [ING-CONFIG-MISSING]'],
    ['{check: a > 0}', '[0].name: is required; add it, for example name: amount_is_positive [ING-CONFIG-MISSING]'],
    ['{name: a, chekc: a > 0}', '[0].chekc: unknown key; did you mean check? [ING-CONFIG-UNKNOWN-KEY]'],
    [
      '{unique: [id], on_violation: drop}',
      '[0].on_violation: must be one of warn, fail, is "drop"; write for example on_violation: warn [ING-CONFIG-VALUE]',
    ],
    ['{unique: []}', '[0].unique: unique names no column; write for example unique: [order_id] [ING-CONFIG-COMBINATION]'],
    ['{row_count: {}}', '[0].row_count: row_count has neither min nor max; write for example {min: 1} [ING-CONFIG-COMBINATION]'],
    ['{row_count: {min: 5, max: 4}}', '[0].row_count: min 5 is above max 4; exchange them [ING-CONFIG-COMBINATION]'],
    [
      '{freshness: {column: at, max_age: soon}}',
      '[0].freshness.max_age: must be a duration such as 90 days, 12 hours or 30s, is "soon"; write for example max_age: 2 days [ING-CONFIG-VALUE]',
    ],
    [
      '{name: Ragged, check: a > 0}',
      '[0].name: Ragged is what rows are rejected for without an expectation; choose another name [ING-CONFIG-COMBINATION]',
    ],
    [
      '{name: a, check: a > 0}, {name: A, unique: [id]}',
      '[1].name: another expectation is named A; choose another name [ING-CONFIG-COMBINATION]',
    ],
    ['{unique: [id]}, {unique: [id]}', '[1]: another expectation is named unique_id; choose another name [ING-CONFIG-COMBINATION]'],
  ])('%s is told: %s', async (rules, message) => {
    const found = await problems(tableText(`expectations: [${rules}]`))
    expect(found.map((line) => line.replace(/^\d+:\d+ tables\[0\]\.expectations/, ''))).toContain(message)
  })
})
