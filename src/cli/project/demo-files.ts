import type { ProjectFile } from '../../app/write-project.ts'
import { csvOf, customers, eventsNdjson, ordersCsv } from './sample-data.ts'

/** Where the broken value stands; the header is line 1. */
export const BROKEN_LINE = 7
export const BROKEN_FILE = 'landing/orders/orders_2024-03.csv'
export const PRICE_LISTS = ['landing/products/products_2024-01.parquet', 'landing/products/products_2024-02.parquet']

/** The files of the demo, but for the Parquet ones, with a word on each. */
export function demoFiles(): readonly (ProjectFile & { readonly about: string })[] {
  const ordinary = ['customer_id', 'name', 'email', 'country', 'signed_up'] as const
  const reordered = ['email', 'country', 'customer_id', 'signed_up', 'name'] as const
  return [
    { path: 'ingest.yaml', content: CONFIG, about: 'the config: four tables' },
    { path: 'landing/customers/customers_1.csv', content: csvOf(customers(1, 20), ordinary), about: '20 customers' },
    { path: 'landing/customers/customers_2.csv', content: csvOf(customers(21, 40), reordered), about: '20 more, columns in another order' },
    {
      path: 'landing/customers/customers_3.csv',
      content: csvOf(customers(41, 60), [...ordinary, 'loyalty_points']),
      about: '20 more, with a new column',
    },
    { path: 'landing/orders/orders_2024-01.csv', content: ordersCsv(1, 500), about: '500 orders' },
    { path: 'landing/orders/orders_2024-02.csv', content: ordersCsv(501, 1000), about: '500 more' },
    { path: BROKEN_FILE, content: ordersCsv(1001, 1200, BROKEN_LINE), about: `broken: line ${BROKEN_LINE} has a word for an amount` },
    { path: 'landing/events/events_1.ndjson', content: eventsNdjson(1, 300), about: '300 events with nested fields' },
    { path: 'landing/events/events_2.ndjson', content: eventsNdjson(301, 400), about: '100 more' },
  ]
}

const CONFIG = `raw_data_path: ./landing
processed_data_path: ./lakehouse
checkpoint_path: ./state
defaults:
  database_name: shop
  schema_evolution: true
  watch: { settle_seconds: 0 }    # the sample files are complete; real ones get 2 seconds to settle
tables:
  - table_name: customers
    source_path_pattern: customers/*.csv
    loading_strategy: append
  - table_name: orders
    source_path_pattern: orders/*.csv
    loading_strategy: append
    columns: { order_id: BIGINT, customer_id: BIGINT, amount: "DECIMAL(12,2)", ordered_on: DATE }
  - table_name: events
    source_path_pattern: events/*.ndjson
    loading_strategy: append
  - table_name: products
    source_path_pattern: products/*.parquet
    loading_strategy: overwrite     # each file is the whole price list: the newest one stays
`
