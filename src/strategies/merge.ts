import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { newestRows, olderRows } from './keyed/latest.ts'
import { comparison, differs, keyColumns, observationColumns, of, orderColumns, orderOf, sameKey } from './keyed/order.ts'
import { ambiguous, mayTie, tiesOf } from './keyed/ties.ts'
import type { LoadPlan, PlanInput, PlanStep, Strategy } from './strategy.ts'

/**
 * Rows take the place of those with the same key. Of all that was ever seen of a key its newest row counts, whichever
 * batch brought it: a row is compared with the table's, and with what earlier batches observed.
 */
export const merge: Strategy = {
  name: 'merge',
  reads: () => 'many',
  locates: () => true,
  keyed: { observes: 'newest' },
  validate: ({ primaryKeys }) => (primaryKeys.length === 0 ? ['merge needs primary_keys'] : []),
  plan: (input) => (input.current === null && input.observations === null ? planFirst(input) : planMerge(input)),
}

const LATEST = '__ingestd_latest'
const MATCHED = '__ingestd_matched'
const COMPARED = '__ingestd_compared'
const VERDICT = '__ingestd_verdict'
const MISSING = '__ingestd_missing'

/**
 * Into a table that nothing is known of: the newest row of each key. Keys that come once, as nearly all do in a first load,
 * are counted and never sorted, and rows pass without being kept once more.
 */
function planFirst(input: PlanInput): LoadPlan {
  const { table, columns } = input
  const left = newestRows(input)
  return {
    steps: olderRows(input, keyColumns(table)),
    add: sql`select ${join([...of('r', names(columns)), sql`r.__path`])} from ${left} where not r.__deleted`,
    remove: { kind: 'nothing' },
    blindAppend: false,
    dropped: 'superseded',
    observe: sql`select ${join(of('r', observationColumns(table)))} from ${left} where r.__deleted`,
    counts: sql`select count(*) filter (not r.__deleted) as inserted, 0::bigint as updated, 0::bigint as deleted,
      count(*) filter (r.__deleted) as unchanged, (select count(*) from ${input.records}) - count(*) as superseded from ${left}`,
    ties: tiesOf(input, null),
    mayTie: mayTie(table, null),
    addsOwnRows: true,
  }
}

function planMerge(input: PlanInput): LoadPlan {
  const { table, current } = input
  const latest: PlanStep = {
    name: LATEST,
    query: sql`select ${join(of('r', [...keyColumns(table), ...table.sequenceBy.map(id), id('__row'), id('__deleted')]))} from ${newestRows(input)}`,
  }
  const ofTable = current === null ? [] : matchSteps(input, current)
  const verdict: PlanStep = { name: VERDICT, query: verdictOf(input) }
  const compared = current === null || !ambiguous(table) ? null : COMPARED
  return {
    steps: [...olderRows(input, keyColumns(table)), latest, ...ofTable, verdict],
    add: addedRows(input),
    remove: current === null ? { kind: 'nothing' } : { kind: 'positions', positions: goneRows(input) },
    blindAppend: false,
    dropped: 'superseded',
    changes: current === null ? undefined : changesOf(input, current),
    observe: observed(input),
    counts: countsOf(input),
    ties: tiesOf(input, compared),
    mayTie: mayTie(table, compared),
    addsOwnRows: true,
  }
}

/** What the table holds of the batch's keys. Only keys, what orders them, and, where that does not tell, the values are read. */
function matchSteps(input: PlanInput, current: Sql): readonly PlanStep[] {
  const { table, records } = input
  const keys = sameKey(table, 'c', 'l')
  const position = sql`l.__row, l.__deleted, c.__file, c.__position`
  const isOrdered = ambiguous(table)
  const order = table.sequenceBy.map(id)
  const matched = isOrdered
    ? sql`select ${position}, ${comparison(orderOf(of('l', order)), orderOf(of('c', order)))} as newer
        from (${current}) as c join ${id(LATEST)} as l on ${keys}`
    : sql`select ${position}, ${newerRow('r', 'c')} as newer, l.__deleted or ${differs(values(input), 'r', 'c')} as differs
        from (${current}) as c join ${id(LATEST)} as l on ${keys} join ${records} as r on r.__row = l.__row`
  // Values are compared only where the sequence does not tell two rows apart; where it does, they differ in it.
  const tied = sql`select * from ${id(MATCHED)} where newer = 0`
  const tying = sql`select r.*, m.__file, m.__position from ${records} as r join (${tied}) as m on m.__row = r.__row`
  const compared = sql`select r.__row, r.__file, r.__position, ${newerRow('r', 'c')} as newer, r.__deleted or ${differs(values(input), 'r', 'c')} as differs,
      ${sourceFile(input)} as path
    from (${current}) as c join (${tying}) as r on c.__file = r.__file and c.__position = r.__position`
  return [
    { name: MATCHED, query: matched, ordered: true },
    ...(isOrdered ? [{ name: COMPARED, query: compared, ordered: true, seeks: sql`(${tied})`, empty: NOTHING_COMPARED }] : []),
    ...(table.keyed.missingMeansDeleted ? [{ name: MISSING, query: missingRows(input, current), ordered: true }] : []),
  ]
}

const NOTHING_COMPARED = raw(`select null::bigint as __row, null::varchar as __file, null::bigint as __position, null::integer as newer,
  null::boolean as differs, null::varchar as path where false`)

/** By `_sequence` alone. */
function newerRow(left: string, right: string): Sql {
  const sequence = [id('_sequence')]
  return comparison(orderOf(of(left, sequence)), orderOf(of(right, sequence)))
}

/** Rows whose key a full snapshot lacks. */
function missingRows({ table, files }: PlanInput, current: Sql): Sql {
  const newest = sql`(select max(sequence) from ${files})`
  const order = [...table.sequenceBy.map((name) => sql`c.${id(name)}`), sql`greatest(${newest}, c._sequence) as _sequence`]
  return sql`select ${join([...of('c', keyColumns(table)), ...order])}, true as __deleted, c.__file, c.__position
    from (${current}) as c where not exists (select 1 from ${id(LATEST)} as l where ${sameKey(table, 'c', 'l')})`
}

/**
 * What becomes of the newest row of each key: `insert`, `update`, `delete`; `observe` where it is the newest of all and
 * shows nowhere; `same` where it was loaded before; `older`. `known`: the table has the key.
 */
function verdictOf({ table, records, current, observations }: PlanInput): Sql {
  const inTable =
    current === null ? raw('select null::bigint as __row, null::integer as newer, null::boolean as differs where false') : tableSide(table)
  const order = orderColumns(table)
  const observed =
    observations === null
      ? raw('select null::bigint as __row, null::integer as newer where false')
      : sql`select l.__row, min(${comparison(orderOf(of('r', order)), orderOf(of('o', order)))}) as newer
          from ${observations} as o join ${id(LATEST)} as l on ${sameKey(table, 'o', 'l')} join ${records} as r on r.__row = l.__row group by l.__row`
  const shows = table.keyed.insertOnly
    ? sql`case when t.__row is not null then 'same' when l.__deleted then 'observe' else 'insert' end`
    : sql`case when t.__row is null then case when l.__deleted then 'observe' else 'insert' end
        when not t.differs then 'observe' when l.__deleted then 'delete' else 'update' end`
  return sql`select l.__row, t.__row is not null as known,
      case least(coalesce(t.newer, 1), coalesce(o.newer, 1)) when 1 then ${shows} when 0 then 'same' else 'older' end as verdict
    from ${id(LATEST)} as l left join (${inTable}) as t using (__row) left join (${observed}) as o using (__row)`
}

/** One row for each key that the table has; where a foreign writer left it twice, the newest of them decides. */
function tableSide(table: PlanInput['table']): Sql {
  if (!ambiguous(table))
    return sql`select __row, min(newer) as newer, bool_or(differs) or count(*) > 1 as differs from ${id(MATCHED)} group by __row`
  return sql`select m.__row, min(coalesce(c.newer, m.newer)) as newer, bool_or(coalesce(c.differs, true)) or count(*) > 1 as differs
    from ${id(MATCHED)} as m left join ${id(COMPARED)} as c on c.__row = m.__row and c.__file = m.__file and c.__position = m.__position group by m.__row`
}

function addedRows(input: PlanInput): Sql {
  const { records, columns, current, table } = input
  const whole = sql`select ${join(of('r', names(columns)))}, r.__path from ${records} as r join ${id(VERDICT)} as v using (__row)`
  if (current === null || table.keyed.mergeUpdateColumns.length === 0) return sql`${whole} where v.verdict in ('insert', 'update')`
  return sql`${whole} where v.verdict = 'insert' union all ${partlyUpdated(input, current)}`
}

/** With `merge_update_columns` the other columns keep what the table has; what orders the row is the newer row's in any case. */
function partlyUpdated({ records, columns, table, auditColumns }: PlanInput, current: Sql): Sql {
  const taken = new Set([...table.keyed.mergeUpdateColumns, ...table.sequenceBy, ...auditColumns].map((name) => name.toLowerCase()))
  const cells = columns.map(({ name }) => (taken.has(name.toLowerCase()) ? sql`r.${id(name)}` : sql`c.${id(name)}`))
  // A key that the table has twice becomes one row.
  const one = sql`select __row, max(row(__file, __position)) as place from ${id(MATCHED)} group by __row`
  return sql`select ${join(cells)}, r.__path from ${records} as r join ${id(VERDICT)} as v using (__row) join (${one}) as m using (__row)
    join (${current}) as c on row(c.__file, c.__position) = m.place where v.verdict = 'update'`
}

function goneRows({ table }: PlanInput): Sql {
  const replaced = sql`select m.__file as file, m.__position as "row" from ${id(MATCHED)} as m join ${id(VERDICT)} as v using (__row) where v.verdict in ('update', 'delete')`
  return table.keyed.missingMeansDeleted ? sql`${replaced} union all select __file, __position from ${id(MISSING)}` : replaced
}

function changesOf(input: PlanInput, current: Sql): Sql {
  const { columns, records, table } = input
  const before = (
    verdict: Sql,
    type: string,
  ) => sql`select ${join(of('c', names(columns)))}, ${type}::varchar as _change_type from (${current}) as c
    join ${id(MATCHED)} as m on c.__file = m.__file and c.__position = m.__position join ${id(VERDICT)} as v on v.__row = m.__row where v.verdict = ${verdict}`
  const inserted = sql`select ${join(of('r', names(columns)))}, 'insert' as _change_type from ${records} as r join ${id(VERDICT)} as v using (__row) where v.verdict = 'insert'`
  const updated =
    table.keyed.mergeUpdateColumns.length > 0
      ? sql`select * exclude (__path), 'update_postimage' as _change_type from (${partlyUpdated(input, current)})`
      : sql`select ${join(of('r', names(columns)))}, 'update_postimage' as _change_type from ${records} as r join ${id(VERDICT)} as v using (__row) where v.verdict = 'update'`
  const gone = sql`select ${join(of('c', names(columns)))}, 'delete' as _change_type from (${current}) as c
    join ${id(MISSING)} as m on c.__file = m.__file and c.__position = m.__position`
  return join(
    [
      inserted,
      before(raw(`'update'`), 'update_preimage'),
      updated,
      before(raw(`'delete'`), 'delete'),
      ...(table.keyed.missingMeansDeleted ? [gone] : []),
    ],
    ' union all ',
  )
}

function observed({ table, records, current }: PlanInput): Sql {
  const columns = observationColumns(table)
  const seen = sql`select ${join(of('r', columns))} from ${records} as r join ${id(VERDICT)} as v using (__row) where v.verdict in ('observe', 'delete')`
  if (current === null || !table.keyed.missingMeansDeleted) return seen
  return sql`${seen} union all select ${join(columns)} from ${id(MISSING)}`
}

function countsOf({ records, current, table }: PlanInput): Sql {
  const of = (...verdicts: readonly string[]) =>
    sql`count(*) filter (verdict in (${raw(verdicts.map((verdict) => `'${verdict}'`).join(', '))}))`
  const missing = current !== null && table.keyed.missingMeansDeleted ? sql`(select count(*) from ${id(MISSING)})` : raw('0::bigint')
  return sql`select ${of('insert')} as inserted, ${of('update')} as updated, ${of('delete')} as deleted, ${of('observe', 'same')} as unchanged,
    (select count(*) from ${records}) - count(*) + ${of('older')} as superseded, ${missing} as missing from ${id(VERDICT)}`
}

/** Columns whose change is an update. */
function values({ columns, auditColumns, table }: PlanInput): readonly Sql[] {
  const chosen = table.keyed.mergeUpdateColumns
  if (chosen.length > 0) return chosen.map(id)
  return columns.filter(({ name }) => !auditColumns.includes(name)).map(({ name }) => id(name))
}

function sourceFile({ auditColumns }: PlanInput): Sql {
  return auditColumns.includes('_source_file') ? raw('c._source_file') : raw('null::varchar')
}

function names(columns: PlanInput['columns']): readonly Sql[] {
  return columns.map(({ name }) => id(name))
}
