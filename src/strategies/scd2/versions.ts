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
  const opened = sql`select *, __at as __shown_at from ${EVENTS} where __opens or __closes`
  const shown = roles.untracked.length === 0 ? opened : lastShown(roles)
  const ended = sql`select * from (select *, lead(__at) over (${window}) as __until from (${shown})) where __opens`
  const dates = sql`__at as ${effective}, coalesce(__until, ${openEnd(input.table, roles)}) as ${end}, __until is null as ${current}`
  const versions = sql`select ${join(eventColumns(roles))}, ${dates}, __path, __at, __shown_at, __was_live from (${ended})`
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

/** The opened versions with the untracked values of the last event in each that changed them. */
function lastShown(roles: Roles): Sql {
  const { keys, untracked, audit } = roles
  const events = sql`(select *, count(*) filter (__opens or __closes) over (partition by ${join(keys)} order by __at) as __run from ${EVENTS})`
  const run = [...keys, id('__run')]
  const newest = sql`select * from ${events} where __shows qualify row_number() over (partition by ${join(run)} order by __at desc) = 1`
  const values = [...untracked, ...audit].map((column) => sql`n.${column} as ${column}`)
  return sql`select o.* replace (${join([...values, sql`coalesce(o.__path, n.__path) as __path`])}), n.__at as __shown_at
    from (select * from ${events} where __opens or __closes) as o left join (${newest}) as n on ${same(run, 'o', 'n')}`
}

function eventColumns({ keys, order, tracked, untracked, audit }: Roles): readonly Sql[] {
  return distinct([...keys, ...order, ...tracked, ...untracked, ...audit])
}
