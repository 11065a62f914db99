import { id, join, raw, type Sql, sql } from '../../engine/sql.ts'
import { SEQUENCE_COLUMN } from '../../model/schema.ts'
import { newestRows, REPEATED } from '../keyed/latest.ts'
import type { PlanInput, PlanStep } from '../strategy.ts'
import { missingEvents } from './missing.ts'
import { effectiveTime, isOpen, type Roles, same } from './roles.ts'

/*
 * An event is what is known of a key at one time: the values of a row, or that the key was deleted. Versions of the table
 * are events again, their ends too, and so are the observations of earlier batches, whose values are those of the version
 * that covers them. A history follows from its events alone, so it does not matter what came first.
 */

/** Where an event comes from, the less trusted first: of equal ones the last tells most. */
export const ORIGINS = { ending: 0, version: 1, observed: 2, batch: 3 } as const

const INCOMING = id('__ingestd_incoming')
const OBSERVED = id('__ingestd_observed')
const TWICE = id('__ingestd_twice')
export const VERSIONS = id('__ingestd_versions')
export const EVENTS = id('__ingestd_events')

/** The rows of the batch, of each key and time the last: a version that begins and ends in one instant is none. */
export function incomingEvents(input: PlanInput, roles: Roles): Sql {
  const { keys, tracked, untracked, audit, order } = roles
  const columns = distinct([...keys, ...order, ...tracked, ...untracked, ...audit]).map((column) => sql`r.${column}`)
  const given = sql`select ${join(columns)}, r.__deleted, r.__path, r.__row, ${effectiveTime(roles)} as __at from ${newestRows(input)}`
  if (!input.table.keyed.missingMeansDeleted) return given
  return sql`${given} union all by name select * from (${missingEvents(input, roles)})`
}

/**
 * Versions of the keys of the batch that it may change: those that had not ended before its first row of the key. What
 * ended earlier stays as it is, and so does a row that another writer left without a start, which `validate` tells of.
 */
export function touchedVersions(current: Sql, { table }: PlanInput, roles: Roles): Sql {
  const { keys, order, tracked, untracked, audit, effective, end, current: flag } = roles
  const columns = distinct([...keys, ...order, ...tracked, ...untracked, ...audit, effective, end, flag])
  const sequence = id(SEQUENCE_COLUMN.name)
  return sql`select v.* replace (coalesce(v.${sequence}, '') as ${sequence}) from (select ${join(columns)}, __file, __position from (${current})) as v
    join (select ${join(keys)}, min(__at) as __from from ${INCOMING} group by ${join(keys)}) as t on ${same(keys, 'v', 't')}
    where v.${effective} is not null and (${isOpen(sql`v.${end}`, table, roles)} or v.${end} >= t.__from)`
}

/** The rows of the batch that tie on `sequence_by` with a version of the table. */
export function comparedVersions({ auditColumns }: PlanInput, roles: Roles): Sql {
  const { keys, sequenceBy, tracked, untracked } = roles
  const sequence = id(SEQUENCE_COLUMN.name)
  const source = auditColumns.includes('_source_file') ? raw('v._source_file') : raw('null::varchar')
  const values = [...tracked, ...untracked].map((column) => sql`i.${column} is distinct from v.${column}`)
  const differ = join([raw('i.__deleted'), ...values], ' or ')
  return sql`select i.__row, case when i.${sequence} > v.${sequence} then 1 when i.${sequence} < v.${sequence} then -1 else 0 end as newer,
      (${differ}) as differs, ${source} as path
    from ${INCOMING} as i join ${VERSIONS} as v on ${same([...keys, ...sequenceBy], 'i', 'v')} where i.__path is not null`
}

/** Steps up to all events of the keys of the batch, of each key and time the last, with what they change. */
export function eventSteps(input: PlanInput, roles: Roles): readonly PlanStep[] {
  const { observations } = input
  // Keys of a first load nearly all have one event, of which nothing is to be sorted.
  if (input.current === null && !input.table.keyed.missingMeansDeleted) {
    const repeated = sql`${id(REPEATED)} as k on ${same(roles.keys, 'e', 'k')}`
    const several = noted(sql`select e.* from (${batchPart(roles)}) as e semi join ${repeated}`, roles)
    const single = sql`select e.*, null::boolean as __was_live, not __deleted as __opens, false as __closes, not __deleted as __shows
      from (${batchPart(roles)}) as e anti join ${repeated}`
    return [{ name: '__ingestd_events', query: sql`${single} union all by name ${several}` }]
  }
  const isObserved = input.current !== null && observations !== null
  const observed = isObserved ? [{ name: '__ingestd_observed', query: observedPart(observations, input, roles) }] : []
  const parts = [batchPart(roles), ...(input.current === null ? [] : [versionPart(roles), endingPart(input, roles)])]
  const all = join([...parts, ...(isObserved ? [sql`select * from ${OBSERVED}`] : [])], ' union all by name ')
  const place = [...roles.keys, raw('__at')]
  const told = sql`select e.* from (${all}) as e anti join ${TWICE} as t on ${same(place, 'e', 't')}
    union all by name select e.* from (${all}) as e semi join ${TWICE} as t on ${same(place, 'e', 't')}
    qualify row_number() over (partition by ${join(place)} order by (__origin > ${ORIGINS.ending}) desc, ${descending(roles.order)}, __origin desc) = 1`
  return [
    ...observed,
    { name: '__ingestd_twice', query: sql`select ${join(place)} from (${all}) group by ${join(place)} having count(*) > 1` },
    { name: '__ingestd_events', query: noted(told, roles) },
  ]
}

/** Events, of each key and time one, with what they change. */
function noted(events: Sql, { keys, tracked, untracked }: Roles): Sql {
  const window = sql`partition by ${join(keys)} order by __at`
  const before = sql`select *, lag(not __deleted) over (${window}) as __was_live, ${changed(tracked, window)} as __other, ${changed(untracked, window)} as __moved
    from (${events})`
  return sql`select * exclude (__other, __moved), not __deleted and (__was_live is not true or __other) as __opens, __deleted and __was_live is true as __closes,
    not __deleted and (__was_live is not true or __other or __moved) as __shows from (${before})`
}

function batchPart(roles: Roles): Sql {
  return sql`select ${join(eventColumns(roles))}, __deleted, __path, __at, ${ORIGINS.batch}::tinyint as __origin from ${INCOMING}`
}

function versionPart(roles: Roles): Sql {
  return sql`select ${join(eventColumns(roles))}, false as __deleted, null::varchar as __path, ${roles.effective} as __at, ${ORIGINS.version}::tinyint as __origin
    from ${VERSIONS}`
}

/** The end of a version that none follows is a delete, also where no observation of it is left. */
function endingPart({ table }: PlanInput, roles: Roles): Sql {
  const { keys, end, sequenceBy } = roles
  const sequence = sql`lpad((epoch_us(${end}) * 1000)::varchar, 20, '0')`
  const first = sequenceBy[0]
  const told =
    first === undefined ? sql`${sequence} as ${id(SEQUENCE_COLUMN.name)}` : sql`${end} as ${first}, '' as ${id(SEQUENCE_COLUMN.name)}`
  return sql`select ${join(keys)}, ${told}, true as __deleted, null::varchar as __path, ${end} as __at, ${ORIGINS.ending}::tinyint as __origin
    from ${VERSIONS} where not ${isOpen(end, table, roles)}`
}

/**
 * What earlier batches saw. A row that changed nothing had the tracked values of the version that covers it; one that no
 * version covers any more is of a table that others changed, and tells nothing.
 */
function observedPart(observations: Sql, { table }: PlanInput, roles: Roles): Sql {
  const { keys, order, tracked, untracked, audit, effective, end } = roles
  const kept = [...keys, ...order, ...untracked, ...audit]
  const values = tracked.map((column) => sql`v.${column}`)
  const from = sql`select ${join(keys)}, min(__from) as __from from (
      select ${join(keys)}, __at as __from from ${INCOMING} union all select ${join(keys)}, ${effective} from ${VERSIONS}) group by ${join(keys)}`
  return sql`select ${join([...kept.map((column) => sql`o.${column}`), ...values])}, o.__deleted, null::varchar as __path, o.__at, ${ORIGINS.observed}::tinyint as __origin
    from (select o.*, ${effectiveTime(roles)} as __at from ${observations} as o) as o
    join (${from}) as f on ${same(keys, 'o', 'f')} and o.__at >= f.__from
    asof left join ${VERSIONS} as v on ${same(keys, 'o', 'v')} and o.__at >= v.${effective}
    where o.__deleted or (v.${effective} is not null and (${isOpen(sql`v.${end}`, table, roles)} or o.__at < v.${end}))`
}

function eventColumns({ keys, order, tracked, untracked, audit }: Roles): readonly Sql[] {
  return distinct([...keys, ...order, ...tracked, ...untracked, ...audit])
}

/** Whether one of the columns differs from the event before. */
function changed(columns: readonly Sql[], window: Sql): Sql {
  if (columns.length === 0) return raw('false')
  const value = sql`row(${join(columns)})`
  return sql`(${value} is distinct from lag(${value}) over (${window}))`
}

function descending(order: readonly Sql[]): Sql {
  return join(order.map((column) => sql`${column} desc nulls first`))
}

/** A column may be tracked and order the versions as well. */
export function distinct(columns: readonly Sql[]): readonly Sql[] {
  const seen = new Set<string>()
  return columns.filter((column) => {
    const name = column.text.toLowerCase()
    return !seen.has(name) && seen.add(name)
  })
}
