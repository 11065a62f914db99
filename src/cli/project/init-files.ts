import type { ProjectFile } from '../../app/write-project.ts'
import { jsonText } from '../text/json.ts'
import { csvOf, customers, eventsNdjson } from './sample-data.ts'

/** A project that runs at once; its config comes first, since that file claims the folder. */
export function initFiles(tablesFolder: string, schema: unknown): readonly ProjectFile[] {
  const columns = ['customer_id', 'name', 'email', 'country', 'signed_up'] as const
  return [
    { path: 'ingest.yaml', content: configText(tablesFolder) },
    { path: 'ingest.schema.json', content: `${jsonText(schema, 2)}\n` },
    { path: `${tablesFolder}/customers.yaml`, content: CUSTOMERS },
    { path: `${tablesFolder}/events.yaml`, content: EVENTS },
    { path: 'landing/customers/customers_1.csv', content: csvOf(customers(1, 20), columns) },
    // The second file has its columns in another order: they are matched by name.
    {
      path: 'landing/customers/customers_2.csv',
      content: csvOf(customers(21, 40), ['email', 'customer_id', 'country', 'signed_up', 'name']),
    },
    { path: 'landing/events/events_1.ndjson', content: eventsNdjson(1, 50) },
    { path: '.gitignore', content: 'landing/\nlakehouse/\nstate/\n' },
  ]
}

function configText(tablesFolder: string): string {
  return `# yaml-language-server: $schema=./ingest.schema.json
# All keys: ingest create-example-config

# Where files land; source patterns of tables are relative to it.
raw_data_path: ./landing
# Where tables are made: <processed_data_path>/<database_name>/<table_name>.
processed_data_path: ./lakehouse
# The tracker, which knows every file, and other state.
checkpoint_path: ./state

# What holds for every table that does not say otherwise.
defaults:
  database_name: analytics
  schema_evolution: true

# One file for each table.
include:
  - ${JSON.stringify(`${tablesFolder}/*.yaml`)}
`
}

const CUSTOMERS = `# Every file adds its rows, and is loaded once.
table_name: customers
source_path_pattern: customers/*.csv
loading_strategy: append
# What is not named here is inferred from the files, and remembered.
columns:
  customer_id: BIGINT
  signed_up: DATE
`

const EVENTS = `# Nested fields become structs and lists.
table_name: events
source_path_pattern: events/*.ndjson
file_format: ndjson
loading_strategy: append
`
