import { id, join, raw, type Sql, sql } from '../../engine/sql.ts'
import type { PlanInput, PlanStep } from '../strategy.ts'
import { distinct, EVENTS, VERSIONS } from './events.ts'
import { openEnd, type Roles, same } from './roles.ts'

const ENDED = id('__ingestd_ended')
const ALIKE = id('__ingestd_alike')
export const WANTED = id('__ingestd_wanted')

/**
 * The versions that the events make: one from each event that opens one to the next that opens or closes. Relations of
 * (keys, `__at`, `__until`, `__shown_at`, the event that shows what is not tracked); what a version holds is looked up in the
 * events when it is written. WANTED has `__kept`, too: whether the table has the version just so.
 */
export function versionSteps(input: PlanInput, roles: Roles): readonly PlanStep[] {
  const { keys } = roles
  const narrow = [...keys.map((key) => sql`w.${key}`), raw('w.__at, w.__until, w.__shown_at')]
  const ended: PlanStep = { name: '__ingestd_ended', query: endedVersions(roles) }
  if (input.current === null)
    return [ended, { name: '__ingestd_wanted', query: sql`select ${join(narrow)}, false as __kept from ${ENDED} as w` }]
  const place = [...keys, raw('__at')]
  return [
    ended,
    { name: '__ingestd_alike', query: alikeVersions(input, roles) },
    {
      name: '__ingestd_wanted',
      query: sql`select ${join(narrow)}, a.__at is not null as __kept from ${ENDED} as w
        left join (select distinct ${join(place)} from ${ALIKE}) as a on ${same(place, 'w', 'a')}`,
    },
  ]
}

/** A query of the table's columns, `__path` and `__kept` of the wanted versions. */
export function wantedRows(input: PlanInput, roles: Roles): Sql {
  const cells = roles.columns.map((column) => sql`${shownValue(column, input, roles)} as ${column}`)
  const path = roles.untracked.length === 0 ? raw('e.__path') : raw('coalesce(e.__path, n.__path) as __path')
  return sql`select ${join(cells)}, ${path}, w.__kept from ${withEvents(WANTED, roles)}`
}

/** Rows of the table that are not wanted as they are. */
export function unwanted(): Sql {
  return sql`select v.* from ${VERSIONS} as v anti join ${ALIKE} as a on a.__version = v.rowid`
}

function endedVersions(roles: Roles): Sql {
  const { keys } = roles
  const window = sql`partition by ${join(keys)} order by __at`
  const opened =
    roles.untracked.length === 0
      ? sql`select ${join(keys)}, __at, __at as __shown_at, __opens from ${EVENTS} where __opens or __closes`
      : lastShown(roles)
  return sql`select * exclude (__opens) from (select *, lead(__at) over (${window}) as __until from (${opened})) where __opens`
}

/** The opened versions with the time of the last event in each that changed what is not tracked. */
function lastShown({ keys }: Roles): Sql {
  const runs = sql`select ${join(keys)}, __at, __opens, __closes, __shows, count(*) filter (__opens or __closes) over (partition by ${join(keys)} order by __at) as __run from ${EVENTS}`
  return sql`select ${join(keys)}, min(__at) as __at, max(__at) filter (__shows) as __shown_at, bool_or(__opens) as __opens
    from (${runs}) where __run > 0 group by ${join(keys)}, __run`
}

/** Versions of the table, by their row in VERSIONS, that look like one that the events make; the audit columns still tell the file that brought it first. */
function alikeVersions(input: PlanInput, roles: Roles): Sql {
  const { keys, effective, end, current, sequenceBy, tracked, untracked } = roles
  const shown = distinct([...sequenceBy, ...tracked, ...untracked])
  const other = shown.map((column) => sql`v.${column} is distinct from ${shownValue(column, input, roles)}`)
  // Few versions end as they did; the values of no others are compared.
  return sql`select ${join(keys.map((key) => sql`w.${key}`))}, w.__at, v.rowid as __version from ${withEvents(ENDED, roles)}
    join ${VERSIONS} as v on ${same(keys, 'v', 'w')} and v.${effective} = w.__at and v.${end} is not distinct from ${shownValue(end, input, roles)}
    where not (${join([sql`v.${current} is distinct from (w.__until is null)`, ...other], ' or ')})`
}

/** Versions `w` with the event `e` that opens each, and `n` that tells what is not tracked. */
function withEvents(versions: Sql, { keys, untracked }: Roles): Sql {
  const opening = sql`${versions} as w join ${EVENTS} as e on ${same(keys, 'w', 'e')} and e.__at = w.__at`
  return untracked.length === 0 ? opening : sql`${opening} join ${EVENTS} as n on ${same(keys, 'w', 'n')} and n.__at = w.__shown_at`
}

/** What a version holds in a column. */
function shownValue(column: Sql, input: PlanInput, roles: Roles): Sql {
  const { effective, end, current, untracked, audit } = roles
  const isAmong = (columns: readonly Sql[]) => distinct([...columns, column]).length === distinct(columns).length
  if (isAmong([effective])) return raw('w.__at')
  if (isAmong([end])) return sql`coalesce(w.__until, ${openEnd(input.table, roles)})`
  if (isAmong([current])) return raw('w.__until is null')
  const isLater = untracked.length > 0 && isAmong([...untracked, ...audit])
  return isLater ? sql`n.${column}` : sql`e.${column}`
}
