import { id, join, type Sql, sql } from '../engine/sql.ts'
import { AUDIT_COLUMNS } from '../model/schema.ts'
import { olderRows } from './keyed/latest.ts'
import { ambiguous, mayTie, tiesOf } from './keyed/ties.ts'
import { comparedVersions, eventSteps, incomingEvents, touchedVersions } from './scd2/events.ts'
import { changesOf, countsOf, observedEvents } from './scd2/outcome.ts'
import { effectiveTime, historyColumns, rolesOf, untrackedNames } from './scd2/roles.ts'
import { unwanted, versionSteps, wantedRows } from './scd2/versions.ts'
import type { LoadPlan, PlanInput, PlanStep, Strategy } from './strategy.ts'

const INCOMING_STEP = '__ingestd_incoming'
const COMPARED_STEP = '__ingestd_compared'

/**
 * Keeps the history of each key. The versions of the keys in the batch are made anew from all that is known of them, and
 * the difference to the table is what is planned: late rows, several versions of a key and deletes are no special cases.
 */
export const scd2: Strategy = {
  name: 'scd2',
  reads: () => 'many',
  locates: () => true,
  keyed: {
    observes: 'every',
    live: ({ keyed }) => id(keyed.currentColumn),
    versionColumns: ({ keyed }) => [keyed.effectiveColumn],
    ownColumns: historyColumns,
    observedColumns: (table, columns) => {
      const audit = AUDIT_COLUMNS.map(({ name }) => name).filter((name) => columns.some((column) => column.name === name))
      return [...untrackedNames(table, columns, audit).untracked, ...audit]
    },
  },
  validate: ({ primaryKeys }) => (primaryKeys.length === 0 ? ['scd2 needs primary_keys'] : []),
  plan: planHistory,
}

function planHistory(input: PlanInput): LoadPlan {
  const roles = rolesOf(input)
  const compared = comparesTies(input) ? COMPARED_STEP : null
  return {
    steps: stepsOf(input),
    add: sql`select ${join(roles.columns)}, __path from (${wantedRows(input, roles)}) where not __kept`,
    remove: input.current === null ? { kind: 'nothing' } : { kind: 'positions', positions: positionsOf(unwanted()) },
    blindAppend: false,
    dropped: 'superseded',
    changes: input.current === null ? undefined : changesOf(input, roles),
    observe: observedEvents(roles),
    counts: countsOf(input, roles),
    ties: tiesOf(input, compared),
    mayTie: mayTie(input.table, compared),
  }
}

function stepsOf(input: PlanInput): readonly PlanStep[] {
  const roles = rolesOf(input)
  const versions =
    input.current === null ? [] : [{ name: '__ingestd_versions', query: touchedVersions(input.current, input, roles), ordered: true }]
  const compared = comparesTies(input) ? [{ name: COMPARED_STEP, query: comparedVersions(input, roles) }] : []
  return [
    ...olderRows(input, [...roles.keys, effectiveTime(roles)]),
    { name: INCOMING_STEP, query: incomingEvents(input, roles) },
    ...versions,
    ...compared,
    ...eventSteps(input, roles),
    ...versionSteps(input, roles),
  ]
}

function comparesTies({ table, current }: PlanInput): boolean {
  return ambiguous(table) && current !== null
}

function positionsOf(rows: Sql): Sql {
  return sql`select __file as file, __position as "row" from (${rows})`
}
