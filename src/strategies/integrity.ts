import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import type { Column } from '../model/schema.ts'
import { SEQUENCE_COLUMN } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import { keyText } from './keyed/order.ts'
import { effectiveTime, isOpen, openEnd, type Roles, rolesOf, same } from './scd2/roles.ts'
import type { PlanStep } from './strategy.ts'

/** A table as `validate` sees it: all rows, with their places. */
export interface Examined {
  readonly table: TableConfig
  readonly columns: readonly Column[]
  /** Query of the columns, `__file` and `__position`. */
  readonly located: Sql
}

const PLACED = id('__ingestd_placed')
const FINDINGS = id('__ingestd_findings')
const MENDED = id('__ingestd_mended')

/** Relations in between, to be made in this order. Of the rows only what keys, orders and dates them is kept. */
export function integritySteps(examined: Examined): readonly PlanStep[] {
  const roles = rolesOf({ ...examined, auditColumns: [] })
  const isHistory = examined.table.strategy === 'scd2'
  return [
    { name: '__ingestd_placed', query: placedRows(examined, roles) },
    { name: '__ingestd_findings', query: isHistory ? historyFindings(examined.table, roles) : keyFindings(examined.table) },
    { name: '__ingestd_mended', query: isHistory ? mendedVersions(examined.table, roles) : mendedKeys(roles) },
  ]
}

/** (problem, rows) of what was found. */
export const PROBLEM_COUNTS: Sql = sql`select problem, count(*) as rows from ${FINDINGS} group by problem order by problem`

/** (problem, key, row) of the first findings. */
export function firstFindings({ located, columns }: Examined, limit: number): Sql {
  const first = sql`select * from ${FINDINGS} order by key, problem, __file, __position limit ${limit}`
  const row = sql`struct_pack(${join(columns.map(({ name }) => sql`${id(name)} := r.${id(name)}`))})`
  return sql`select f.problem, f.key, to_json(${row})::varchar as "row" from (${first}) as f
    join (${located}) as r on r.__file = f.__file and r.__position = f.__position order by f.key, f.problem, f.__file, f.__position`
}

/** Places of the rows that a repair takes out, as `remove: positions`. */
export const BROKEN_ROWS: Sql = sql`select __file as file, __position as "row" from ${MENDED} where not __stays`

/** The rows that a repair puts in their place. */
export function mendedRows({ table, columns, located }: Examined): Sql {
  if (table.strategy !== 'scd2') return sql`select ${join(columns.map(({ name }) => id(name)))} from (${located}) where false`
  const { effective, end, current } = rolesOf({ table, columns, auditColumns: [] })
  const dates = [sql`m.__from as ${effective}`, sql`m.__until as ${end}`, sql`m.__until_open as ${current}`]
  return sql`select ${join(columns.map(({ name }) => id(name)))} from (
    select r.* replace (${join(dates)}) from (${located}) as r
    join (select * from ${MENDED} where __kept and not __stays) as m on m.__file = r.__file and m.__position = r.__position)`
}

function placedRows({ table, columns, located }: Examined, roles: Roles): Sql {
  const names = new Set(columns.map(({ name }) => name.toLowerCase()))
  const order = [...table.sequenceBy, SEQUENCE_COLUMN.name].filter((name) => names.has(name.toLowerCase()))
  const ranked =
    order.length === 0
      ? raw('null::varchar')
      : sql`struct_pack(${join(order.map((name, index) => sql`${id(`o${index}`)} := ${id(name)}`))})`
  const dates =
    table.strategy === 'scd2'
      ? [
          sql`coalesce(${roles.effective}, ${fallbackStart(order, roles)}) as __from`,
          sql`${roles.effective} as __told_from`,
          sql`${roles.end} as __end`,
          sql`${roles.current} as __flag`,
        ]
      : []
  return sql`select ${join([...roles.keys, ...dates])}, ${ranked} as __rank, __file, __position from (${located})`
}

/** Where the start is lost, the row may still tell it. */
function fallbackStart(order: readonly string[], roles: Roles): Sql {
  if (roles.sequenceBy[0] !== undefined) return roles.sequenceBy[0]
  return order.includes(SEQUENCE_COLUMN.name) ? sql`try(${effectiveTime(roles)})` : sql`null::${raw(roles.type)}`
}

function keyFindings(table: TableConfig): Sql {
  const keys = table.primaryKeys.map(id)
  return sql`select 'null_key' as problem, ${keyText(table, 'p')} as key, __file, __position from ${PLACED} as p where ${hasNull(keys)}
    union all select 'duplicate_key', ${keyText(table, 'p')}, __file, __position
    from (select * from ${PLACED} where not ${hasNull(keys)} qualify count(*) over (partition by ${join(keys)}) > 1) as p`
}

function historyFindings(table: TableConfig, roles: Roles): Sql {
  const { keys } = roles
  const open = isOpen(raw('__end'), table, roles)
  const when = (condition: Sql, problem: string) => sql`if(coalesce(${condition}, false), ${problem}, null)`
  const problems = [
    when(sql`__told_from is null`, 'no_start'),
    when(raw('__twins > 1'), 'duplicate_version'),
    when(sql`not ${open} and __end <= __from`, 'end_before_start'),
    when(sql`__next > __from and (${open} or __end > __next)`, 'overlap'),
    when(mayEnd(table) ? raw('false') : sql`not ${open} and __end < __next`, 'gap'),
    when(raw('__flag and __flags > 1'), 'several_current'),
    when(sql`__flag is distinct from ${open}`, 'wrong_flag'),
  ]
  const told = sql`select *, lead(__from) over by_key as __next, count(*) over by_start as __twins, count(*) filter (__flag) over of_key as __flags
    from ${PLACED} where not ${hasNull(keys)}
    window by_key as (partition by ${join(keys)} order by __from, __rank), by_start as (partition by ${join([...keys, id('__from')])}), of_key as (partition by ${join(keys)})`
  return sql`select 'null_key' as problem, ${keyText(table, 'p')} as key, __file, __position from ${PLACED} as p where ${hasNull(keys)}
    union all select unnest(list_filter([${join(problems)}], lambda one: one is not null)) as problem, ${keyText(table, 't')} as key, __file, __position from (${told}) as t`
}

/** A version may end without another where rows can mean delete. */
function mayEnd({ keyed }: TableConfig): boolean {
  return keyed.deleteWhen !== null || keyed.missingMeansDeleted
}

/** Of each key the newest row stays. */
function mendedKeys({ keys }: Roles): Sql {
  const isNewest = sql`row_number() over (partition by ${join(keys)} order by __rank desc nulls last, __file, __position) = 1`
  return sql`select __file, __position, not ${hasNull(keys)} and __newest as __stays, false as __kept
    from (select *, ${isNewest} as __newest from ${PLACED} where (__file, __position) in (select (__file, __position) from ${FINDINGS}))`
}

/**
 * The versions of keys with findings: of each start the newest stays, and ends where the next begins, or where it ended
 * before that, if rows can mean delete. Rows that have no key or no start go.
 */
function mendedVersions(table: TableConfig, roles: Roles): Sql {
  const { keys } = roles
  const place = join([...keys, id('__from')])
  const broken = sql`select distinct ${join(keys.map((key) => sql`p.${key}`))} from ${PLACED} as p join ${FINDINGS} as f
    on f.__file = p.__file and f.__position = p.__position where not ${hasNull(keys)}`
  const rows = sql`select *, __from is not null and row_number() over (partition by ${place} order by __rank desc nulls last, __file, __position) = 1 as __kept
    from ${PLACED} as p semi join (${broken}) as b on ${same(keys, 'p', 'b')}`
  const own = mayEnd(table) ? sql`if(${isOpen(raw('__end'), table, roles)} or __end <= __from, null, __end)` : sql`null::${raw(roles.type)}`
  const ended = sql`select *, least(${own}, lead(__from) over (partition by ${join([...keys, id('__kept')])} order by __from)) as __ends from (${rows})`
  const final = sql`select *, coalesce(__ends, ${openEnd(table, roles)}) as __until, __ends is null as __until_open from (${ended})`
  const stays = sql`__kept and __told_from is not distinct from __from and __end is not distinct from __until and __flag is not distinct from __until_open`
  return sql`select __file, __position, __from, __until, __until_open, __kept, ${stays} as __stays from (${final})
    union all select __file, __position, null, null, null, false, false from ${PLACED} where ${hasNull(keys)}`
}

function hasNull(keys: readonly Sql[]): Sql {
  return sql`(${join(
    keys.map((key) => sql`${key} is null`),
    ' or ',
  )})`
}
