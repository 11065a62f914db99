import { expect, test } from 'vitest'
import { parseSchema } from '../../../src/delta/schema.ts'
import { isWidening } from '../../../src/delta/type-changes.ts'
import { checkTypeChanges } from '../../../src/delta/type-widening.ts'
import { schemaString } from './support.ts'

test.each([
  ['byte', 'short'],
  ['short', 'integer'],
  ['byte', 'long'],
  ['float', 'double'],
  ['integer', 'double'],
  ['decimal(5,2)', 'decimal(7,4)'],
  ['decimal(5,2)', 'decimal(5,2)'],
  ['integer', 'decimal(10,0)'],
  ['long', 'decimal(22,2)'],
  ['date', 'timestamp_ntz'],
])('%s becomes %s without loss', (from, to) => {
  expect(isWidening(from, to)).toBe(true)
})

test.each([
  ['long', 'integer'],
  ['long', 'double'],
  ['double', 'float'],
  ['decimal(5,2)', 'decimal(6,4)'],
  ['decimal(5,2)', 'decimal(5,1)'],
  ['integer', 'decimal(10,2)'],
  ['string', 'integer'],
  ['date', 'timestamp'],
  ['unknown', 'string'],
])('%s does not become %s', (from, to) => {
  expect(isWidening(from, to)).toBe(false)
})

test('a change of type that older files cannot be read by is refused, nested ones too', () => {
  const table = (change: object) =>
    parseSchema(
      schemaString({
        s: { type: 'struct', fields: [{ name: 'x', type: 'string', nullable: true, metadata: { 'delta.typeChanges': [change] } }] },
      }),
    )
  expect(() => checkTypeChanges('db.t', table({ fromType: 'byte', toType: 'integer', tableVersion: 3 }))).not.toThrow()
  expect(() => checkTypeChanges('db.t', table({ fromType: 'integer', toType: 'string' }))).toThrow(
    'db.t: column x was changed from integer to string, which ingestd does not read',
  )
})
