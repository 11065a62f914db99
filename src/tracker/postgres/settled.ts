import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'

const SUMMED = ['rows_loaded', 'rows_rejected', 'bytes'] as const

/**
 * Has the database keep the sums of files in the states in which most of them stay, whatever statement moves them. Once for each statement: a row
 * that is written again for each of ten thousand files takes minutes.
 */
export async function keepSettled(db: Kysely<Database>, schema: string, table: string): Promise<void> {
  const call = sql.id(schema, `${table}_settle`)
  const settled = sql.table('settled')
  const sums = sql.join(SUMMED.map((column) => sql`sum(sign * coalesce(${sql.ref(column)}, 0))`))
  const columns = sql.join(SUMMED.map((column) => sql.ref(column)))
  const more = sql.join(SUMMED.map((column) => sql`${sql.ref(column)} = s.${sql.ref(column)} + excluded.${sql.ref(column)}`))
  const side = (name: string, sign: number) =>
    sql`select table_name, status, ${sql.lit(sign)} as sign, ${columns} from ${sql.id(name)} where status in ('completed', 'skipped')`
  const add = (rows: ReturnType<typeof side>) => sql`
    insert into ${settled} as s (table_name, status, files, ${columns})
    select table_name, status, sum(sign), ${sums} from (${rows}) as q group by table_name, status
    having sum(sign) <> 0 or ${sql.join(
      SUMMED.map((column) => sql`sum(sign * coalesce(${sql.ref(column)}, 0)) <> 0`),
      sql` or `,
    )}
    on conflict (table_name, status) do update set files = s.files + excluded.files, ${more};`
  await sql`
    create or replace function ${call}() returns trigger language plpgsql as $settle$
    begin
      if tg_op = 'INSERT' then ${add(side('entered', 1))}
      elsif tg_op = 'DELETE' then ${add(side('gone', -1))}
      else ${add(sql`${side('entered', 1)} union all ${side('gone', -1)}`)}
      end if;
      return null;
    end $settle$`.execute(db)
  for (const [event, referencing] of [
    ['insert', 'new table as entered'],
    ['delete', 'old table as gone'],
    ['update', 'old table as gone new table as entered'],
  ] as const) {
    const name = sql.id(`${table}_settle_${event}`)
    await sql`drop trigger if exists ${name} on ${sql.table('file')}`.execute(db)
    await sql`create trigger ${name} after ${sql.raw(event)} on ${sql.table('file')} referencing ${sql.raw(referencing)}
      for each statement execute function ${call}()`.execute(db)
  }
}
