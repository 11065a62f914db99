import { id, join, raw, type Sql, sql } from '../../engine/sql.ts'
import type { PlanInput } from '../strategy.ts'
import { distinct, EVENTS, VERSIONS } from './events.ts'
import { openEnd, type Roles, same } from './roles.ts'

export const WANTED = id('__ingestd_wanted')

/**
 * The versions that the events make: one from each event that opens one to the next that opens or closes. What is not
 * tracked is what the last event in the version shows. `__kept` where the table has the version just so.
 */
export function wantedVersions(input: PlanInput, roles: Roles): Sql {
  const { keys, effective, end, current } = roles
  const window = sql`partition by ${join(keys)} order by __at`
  const runs = sql`select *, lead(__at) over (${window}) as __until from ${EVENTS} where __opens or __closes`
  const opened = sql`select * from (${runs}) where __opens`
  const shown = roles.untracked.length === 0 ? sql`select *, __at as __shown_at from (${opened})` : lastShown(opened, roles)
  const dates = sql`__at as ${effective}, coalesce(__until, ${openEnd(input.table, roles)}) as ${end}, __until is null as ${current}`
  const versions = sql`select ${join(eventColumns(roles))}, ${dates}, __path, __at, __shown_at, __was_live from (${shown})`
  return sql`select *, ${input.current === null ? raw('false') : sql`exists (select 1 from ${VERSIONS} as v where ${isSame(roles, 'v', 'w')})`} as __kept
    from (${versions}) as w`
}

/** Rows of the table that are not wanted as they are. */
export function unwanted(roles: Roles): Sql {
  return sql`select * from ${VERSIONS} as v where not exists (select 1 from ${WANTED} as w where w.__kept and ${isSame(roles, 'v', 'w')})`
}

/** Whether two versions look alike; the audit columns still tell the file that brought it first. */
function isSame(roles: Roles, left: string, right: string): Sql {
  const { keys, effective, end, current, sequenceBy, tracked, untracked } = roles
  const shown = distinct([end, current, ...sequenceBy, ...tracked, ...untracked])
  const alike = shown.map((column) => sql`${raw(left)}.${column} is not distinct from ${raw(right)}.${column}`)
  return join([same([...keys, effective], left, right), ...alike], ' and ')
}

/** The opened versions with the untracked values of the last event that changed them. */
function lastShown(opened: Sql, roles: Roles): Sql {
  const { keys, untracked, audit } = roles
  const shown = [...untracked, ...audit]
  const newest = sql`select s.* from ${EVENTS} as s where s.__shows`
  const values = shown.map((column) => sql`n.${column} as ${column}`)
  // A version shows the newest of its events: those are unbroken up to the next one that opens or closes.
  return sql`select o.* replace (${join([...values, sql`coalesce(o.__path, n.__path) as __path`])}), n.__at as __shown_at
    from (${opened}) as o join (${newest}) as n on ${same(keys, 'o', 'n')} and n.__at >= o.__at and (o.__until is null or n.__at < o.__until)
    qualify row_number() over (partition by ${join(keys.map((key) => sql`o.${key}`))}, o.__at order by n.__at desc) = 1`
}

function eventColumns({ keys, order, tracked, untracked, audit }: Roles): readonly Sql[] {
  return distinct([...keys, ...order, ...tracked, ...untracked, ...audit])
}
