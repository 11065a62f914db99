import { join, raw, type Sql, sql } from '../../engine/sql.ts'
import type { PlanInput } from '../strategy.ts'
import { distinct, EVENTS, ORIGINS } from './events.ts'
import { type Roles, same } from './roles.ts'
import { unwanted, WANTED, wantedRows } from './versions.ts'

/** What becomes of the rows of the batch. `missing` counts deletes that no row asked for. */
export function countsOf({ records }: PlanInput, roles: Roles): Sql {
  const fates = sql`select case
      when e.__path is null then if(e.__closes, 'missing', 'nothing')
      when e.__deleted then if(e.__closes, 'deleted', 'unchanged')
      when e.__opens then case when w.__kept then 'unchanged' when e.__was_live then 'updated' else 'inserted' end
      when e.__shows and s.__kept is false then 'updated'
      else 'unchanged' end as fate
    from ${EVENTS} as e
    left join ${WANTED} as w on ${same(roles.keys, 'e', 'w')} and w.__at = e.__at
    left join ${WANTED} as s on ${same(roles.keys, 'e', 's')} and s.__shown_at = e.__at
    where e.__origin = ${ORIGINS.batch}`
  const count = (fate: string) => sql`count(*) filter (fate = ${fate})::bigint as ${raw(fate)}`
  const told = ['inserted', 'updated', 'deleted', 'unchanged'].map(count)
  const rows = sql`(select count(*) from ${records}) - count(*) filter (fate not in ('missing', 'nothing'))`
  return sql`select ${join([...told, sql`(${rows})::bigint as superseded`, count('missing')])} from (${fates})`
}

/** Events that the table does not show: deletes, rows that changed nothing, and what was brought up to date since. */
export function observedEvents(roles: Roles): Sql {
  const { keys, order, untracked, audit } = roles
  const columns = [...keys, ...order].map((column) => sql`e.${column}`)
  const further = [...untracked, ...audit].map((column) => sql`e.${column}`)
  // A version that stays bears the older place of a row that came again; the newer one settles later ties.
  const isHidden = sql`e.__deleted or not e.__opens or w.__shown_at <> e.__at or (e.__origin = ${ORIGINS.batch} and w.__kept)`
  return sql`select ${join(distinct([...columns, sql`e.__deleted`, ...further]))} from ${EVENTS} as e
    left join ${WANTED} as w on ${same(keys, 'e', 'w')} and w.__at = e.__at
    where ((e.__origin in (${ORIGINS.version}, ${ORIGINS.batch})) or (e.__origin = ${ORIGINS.ending} and not e.__closes)) and (${isHidden})`
}

/** Each row that goes or comes: a version that is written again is one update. */
export function changesOf(input: PlanInput, roles: Roles): Sql {
  const { keys, effective, columns } = roles
  const place = join([...keys, effective])
  const gone = unwanted()
  const come = sql`select * from (${wantedRows(input, roles)}) where not __kept`
  const told = (rows: Sql, other: Sql, paired: string, single: string) => sql`select ${join(columns)},
    if(exists (select 1 from (select ${place} from (${other})) as o where ${same([...keys, effective], 'o', 'r')}), ${paired}, ${single}) as _change_type
    from (${rows}) as r`
  return sql`${told(gone, come, 'update_preimage', 'delete')} union all ${told(come, gone, 'update_postimage', 'insert')}`
}
