import { expect, test } from 'vitest'
import { withQuotedNames } from '../../../src/app/query.ts'
import { tableConfig } from '../../support/table.ts'

const tables = [tableConfig({ name: 'default.t' }), tableConfig({ name: 'shop.order' })]

test('names of configured tables may be words of SQL', () => {
  expect(withQuotedNames('select * from default.t join Shop.Order using (id)', tables)).toBe(
    'select * from "default"."t" join "Shop"."Order" using (id)',
  )
})

test('constants, quoted names, comments and other names stay as they are', () => {
  const text = `select 'default.t', "default.t", t.id /* default.t */ from x.y -- default.t`
  expect(withQuotedNames(text, tables)).toBe(text)
})
