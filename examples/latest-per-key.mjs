// A strategy of one's own: of each batch only the last row of every key is added, by file order.
//
//   tables:
//     - table_name: readings
//       source_path_pattern: readings/*.csv
//       loading_strategy: ./examples/latest-per-key.mjs
//       primary_keys: [sensor]
import { defineStrategy, id, join, sql } from 'ingestd'

export default defineStrategy({
  name: 'latest-per-key',
  // The rows are read more than once, so they are kept, with their order in __ordinal and __row.
  reads: () => 'many',
  validate: (table) => (table.primaryKeys.length === 0 ? ['latest-per-key needs primary_keys'] : []),
  plan: ({ table, records, columns }) => {
    const keys = join(table.primaryKeys.map((name) => id(name)))
    const names = join([...columns.map((column) => id(column.name)), id('__path')])
    return {
      add: sql`select ${names} from ${records} qualify row_number() over (partition by ${keys} order by __ordinal desc, __row desc) = 1`,
      remove: { kind: 'nothing' },
      blindAppend: true,
      dropped: 'superseded',
    }
  },
})
