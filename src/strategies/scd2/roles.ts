import { id, join, literal, raw, type Sql, sql } from '../../engine/sql.ts'
import { type Column, SEQUENCE_COLUMN } from '../../model/schema.ts'
import type { TableConfig } from '../../model/table.ts'
import type { PlanInput } from '../strategy.ts'

/** What each column of a table with history is there for. */
export interface Roles {
  readonly keys: readonly Sql[]
  /** `sequence_by`, then `_sequence`: the total order of what is observed of a key. */
  readonly order: readonly Sql[]
  /** The part of the order that people see. */
  readonly sequenceBy: readonly Sql[]
  /** Columns whose change makes a new version. */
  readonly tracked: readonly Sql[]
  /** Columns that are brought up to date in the version. */
  readonly untracked: readonly Sql[]
  /** Audit columns but `_sequence`: they go with the row that gave the version what it shows now. */
  readonly audit: readonly Sql[]
  readonly effective: Sql
  readonly end: Sql
  readonly current: Sql
  /** Type of the dates. */
  readonly type: string
  /** All columns of the table, in order. */
  readonly columns: readonly Sql[]
}

const FILE_TIME = 'TIMESTAMP WITH TIME ZONE'

export function rolesOf({ table, columns, auditColumns }: Pick<PlanInput, 'table' | 'columns' | 'auditColumns'>): Roles {
  const { effectiveColumn, endColumn, currentColumn } = table.keyed
  const names = untrackedNames(table, columns, auditColumns)
  const audit = columns.filter(({ name }) => auditColumns.includes(name) && name !== SEQUENCE_COLUMN.name)
  return {
    keys: table.primaryKeys.map(id),
    order: [...table.sequenceBy, SEQUENCE_COLUMN.name].map(id),
    sequenceBy: table.sequenceBy.map(id),
    tracked: names.tracked.map(id),
    untracked: names.untracked.map(id),
    audit: audit.map(({ name }) => id(name)),
    effective: id(effectiveColumn),
    end: id(endColumn),
    current: id(currentColumn),
    type: dateType(table, columns),
    columns: columns.map(({ name }) => id(name)),
  }
}

/** The columns that hold the history: the dates have the type of the first column of `sequence_by`, or are times of files. */
export function historyColumns(table: TableConfig, columns: readonly Column[]): readonly Column[] {
  const type = dateType(table, columns)
  const { effectiveColumn, endColumn, currentColumn } = table.keyed
  return [
    { name: effectiveColumn, type },
    { name: endColumn, type },
    { name: currentColumn, type: 'BOOLEAN' },
  ]
}

/** Data columns by whether their change makes a new version: by default all but keys, and what orders the versions. */
export function untrackedNames(table: TableConfig, columns: readonly Column[], auditColumns: readonly string[]) {
  const { effectiveColumn, endColumn, currentColumn } = table.keyed
  const apart = new Set(
    [...table.primaryKeys, ...table.sequenceBy, ...auditColumns, SEQUENCE_COLUMN.name, effectiveColumn, endColumn, currentColumn].map(
      lower,
    ),
  )
  const data = columns.map(({ name }) => name).filter((name) => !apart.has(lower(name)))
  if (table.trackingColumns.length === 0) return { tracked: data, untracked: [] }
  const tracked = new Set(table.trackingColumns.map(lower))
  return { tracked: table.trackingColumns, untracked: data.filter((name) => !tracked.has(lower(name))) }
}

/** When a row of a batch, or of the observations, takes effect. */
export function effectiveTime({ sequenceBy }: Roles): Sql {
  return sequenceBy[0] ?? sql`make_timestamptz(substr(${id(SEQUENCE_COLUMN.name)}, 1, 20)::bigint // 1000)`
}

/** The end of a version that has not ended. */
export function openEnd({ keyed }: TableConfig, { type }: Roles): Sql {
  if (keyed.openEnd === null) return sql`null::${raw(type)}`
  if (!isTime(type) && type !== 'VARCHAR') {
    throw new Error(`scd2_open_end needs dates, but sequence_by is ${type}`)
  }
  return sql`${literal(keyed.openEnd)}::${raw(type)}`
}

/** Whether a version has not ended. The last day counts as open whatever `scd2_open_end` says now: the table may be older than the setting. */
export function isOpen(end: Sql, { keyed }: TableConfig, { type }: Roles): Sql {
  if (isTime(type)) return sql`(${end} is null or ${end} >= '9999-12-31'::${raw(type)})`
  if (keyed.openEnd !== null && type === 'VARCHAR') return sql`(${end} is null or ${end} = ${literal(keyed.openEnd)})`
  return sql`(${end} is null)`
}

export function isTime(type: string): boolean {
  return type === 'DATE' || type.startsWith('TIMESTAMP')
}

/** Each of the columns equal in two relations; none of them is null. */
export function same(columns: readonly Sql[], left: string, right: string): Sql {
  return join(
    columns.map((column) => sql`${raw(left)}.${column} = ${raw(right)}.${column}`),
    ' and ',
  )
}

function dateType({ sequenceBy }: TableConfig, columns: readonly Column[]): string {
  const first = sequenceBy[0]
  if (first === undefined) return FILE_TIME
  return columns.find(({ name }) => lower(name) === lower(first))?.type ?? FILE_TIME
}

function lower(name: string): string {
  return name.toLowerCase()
}
