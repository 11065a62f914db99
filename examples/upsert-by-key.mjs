// A strategy that replaces rows: of each key the table holds the last row that came, and none after a row with op = 'd'.
//
//   tables:
//     - table_name: customers
//       source_path_pattern: customers/*.csv        # id,name,op
//       loading_strategy: ./examples/upsert-by-key.mjs
//       primary_keys: [id]
//       delta: {deletion_vectors: true, change_data_feed: true}   # both optional
import { defineStrategy, id, join, sql } from 'ingestd'

export default defineStrategy({
  name: 'upsert-by-key',
  reads: () => 'many',
  // `current` then says where each row lies, in __file and __position.
  locates: () => true,
  validate: (table) => (table.primaryKeys.length === 0 ? ['upsert-by-key needs primary_keys'] : []),
  plan: ({ table, records, current, columns }) => {
    const keys = table.primaryKeys.map((name) => id(name))
    const names = columns.map((column) => id(column.name))
    const of = (row) => join(names.map((name) => sql`${row}.${name}`))
    const [fresh, old] = [id('fresh'), id('old')]
    const newest = sql`(select * from ${records} qualify row_number() over (partition by ${join(keys)} order by __ordinal desc, __row desc) = 1)`
    const add = sql`select ${join([...names, id('__path')])} from ${newest} where op is distinct from 'd'`
    if (current === null) return { add, remove: { kind: 'nothing' }, blindAppend: false, dropped: 'superseded' }

    const same = join(
      keys.map((key) => sql`${fresh}.${key} is not distinct from ${old}.${key}`),
      ' and ',
    )
    const pairs = sql`(${current}) as old join ${newest} as fresh on ${same}`
    return {
      add,
      remove: { kind: 'positions', positions: sql`select old.__file, old.__position from ${pairs}` },
      changes: sql`select ${of(old)}, case when fresh.op = 'd' then 'delete' else 'update_preimage' end as _change_type from ${pairs}
        union all select ${of(fresh)}, case when exists (select 1 from (${current}) as old where ${same}) then 'update_postimage' else 'insert' end
        from ${newest} as fresh where fresh.op is distinct from 'd'`,
      blindAppend: false,
      dropped: 'superseded',
    }
  },
})
