import { join, raw, type Sql, sql } from '../../engine/sql.ts'
import type { PlanInput } from '../strategy.ts'
import { effectiveTime, isOpen, isTime, type Roles, same } from './roles.ts'

/**
 * Deletes of the keys that a snapshot lacks, while the snapshot before, or the table, has them: key columns, the order,
 * `__deleted`, `__at`. They take effect when the snapshot was taken: its file's time, or the newest row in it if that is later.
 */
export function missingEvents(input: PlanInput, roles: Roles): Sql {
  const { keys, order, sequenceBy } = roles
  const present = sql`select distinct ${join(keys.map((key) => sql`r.${key}`))}, s.n, null::${raw(roles.type)} as __newest
    from ${input.records} as r join snapshots as s on s.path = r.__path`
  const held = input.current === null ? present : sql`${present} union all ${heldKeys(input, input.current, roles)}`
  const gone = sql`select p.*, s.sequence, greatest(s.taken, p.__newest) as __at from present as p join snapshots as s on s.n = p.n + 1
    where not exists (select 1 from present as q where ${same(keys, 'p', 'q')} and q.n = p.n + 1)`
  const cells = order.map((column, index) => {
    if (index === order.length - 1) return sql`sequence as ${column}`
    return index === 0 && sequenceBy.length > 0 ? sql`__at as ${column}` : sql`null as ${column}`
  })
  return sql`with snapshots as (${snapshotsOf(input, roles)}), present as (${held}), gone as (${gone})
    select ${join([...keys, ...cells])}, true as __deleted, null::varchar as __path, __at from gone`
}

/** The snapshots of the batch, numbered in their order. */
function snapshotsOf({ records, files }: PlanInput, roles: Roles): Sql {
  const type = raw(roles.type)
  const listed =
    files ??
    sql`(select __path as path, any_value(__ordinal) as ordinal, any_value(__sequence) as sequence,
    make_timestamptz(substr(any_value(__sequence), 1, 20)::bigint // 1000) as modified from ${records} group by __path)`
  const newest = sql`select __path as path, max(${effectiveTime(roles)}) as newest from ${records} group by __path`
  const modified = isTime(roles.type) ? sql`f.modified::${type}` : sql`null::${type}`
  return sql`select f.path, f.sequence, row_number() over (order by f.ordinal) - 1 as n,
      max(greatest(${modified}, r.newest)) over (order by f.ordinal) as taken
    from ${listed} as f left join (${newest}) as r using (path)`
}

/** Keys with a version that lasts, as the snapshot before the first. */
function heldKeys({ table }: PlanInput, current: Sql, roles: Roles): Sql {
  const { keys, effective, end } = roles
  return sql`select ${join(keys)}, -1::bigint as n, max(${effective}) as __newest from (${current}) where ${isOpen(end, table, roles)} group by ${join(keys)}`
}
