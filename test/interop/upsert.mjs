// Rows of the table that have the id of a new one go; the newest row of each id comes, unless its amount is below zero.
import { defineStrategy, id, join, sql } from 'ingestd'

export default defineStrategy({
  name: 'upsert',
  reads: () => 'many',
  locates: () => true,
  plan: ({ records, current, columns }) => {
    const names = join([...columns.map((column) => id(column.name)), id('__path')])
    const newest = sql`(select * from ${records} qualify row_number() over (partition by id order by __ordinal desc, __row desc) = 1)`
    return {
      add: sql`select ${names} from ${newest} where amount is null or amount >= 0`,
      remove:
        current === null
          ? { kind: 'nothing' }
          : {
              kind: 'positions',
              positions: sql`select __file as file, __position as row from (${current}) where id in (select id from ${newest})`,
            },
      blindAppend: false,
      dropped: 'superseded',
    }
  },
})
