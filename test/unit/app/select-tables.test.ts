import { expect, test } from 'vitest'
import { oneTable, selectTables } from '../../../src/app/select-tables.ts'
import { tableConfig } from '../../support/table.ts'

const tables = [tableConfig({ name: 'shop.orders', tableName: 'orders' }), tableConfig({ name: 'shop.events', tableName: 'events' })]

test('tables are found by either name, in the order of the config', () => {
  expect(selectTables(tables, ['events', 'shop.orders']).map((table) => table.name)).toEqual(['shop.orders', 'shop.events'])
})

test.each([
  ['ordres', 'did you mean shop.orders? The config has shop.orders, shop.events'],
  ['shop.event', 'did you mean shop.events? The config has shop.orders, shop.events'],
  ['customers', 'the config has shop.orders, shop.events'],
])('%s: a name is proposed where one is near', (name, hint) => {
  expect(() => oneTable(tables, name)).toThrow(expect.objectContaining({ code: 'ING-CONFIG-TABLE-UNKNOWN', hint }))
})
