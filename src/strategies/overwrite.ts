import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import type { LoadPlan, PlanInput, Strategy } from './strategy.ts'

/**
 * A snapshot replaces the table, or with `overwrite_scope: partition` the partitions that it has rows for. Which
 * snapshot is the newest of the table is decided before the claim; the newest for each partition is decided here.
 */
export const overwrite: Strategy = {
  name: 'overwrite',
  reads: (table) => (table.overwriteScope === 'partition' ? 'many' : 'once'),
  validate: (table) =>
    table.overwriteScope === 'partition' && table.partitionColumns.length === 0
      ? ['overwrite_scope: partition needs partition_columns']
      : [],
  plan: (input) => (input.table.overwriteScope === 'partition' ? replacePartitions(input) : replaceTable(input)),
}

function replaceTable({ records, columns }: PlanInput): LoadPlan {
  const names = columns.map((column) => id(column.name))
  return {
    add: sql`select ${join([...names, id('__path')])} from ${records}`,
    remove: { kind: 'everything' },
    blindAppend: false,
    dropped: 'superseded',
  }
}

/** For each partition the rows of its newest snapshot, unless the table holds a newer one already. */
function replacePartitions({ records, columns, table, partitionSequences }: PlanInput): LoadPlan {
  const names = columns.map((column) => id(column.name))
  const keys = table.partitionColumns.map(id)
  const newest = sql`select * from ${records} qualify __sequence = max(__sequence) over (partition by ${join(keys)})`
  return {
    add: sql`select ${join([...names, id('__path'), id('__sequence')])} from (${newest}) as candidate where ${notNewer(partitionSequences, keys)}`,
    remove: { kind: 'partitions' },
    blindAppend: false,
    dropped: 'superseded',
  }
}

function notNewer(partitionSequences: Sql | null, keys: readonly Sql[]): Sql {
  if (partitionSequences === null) return raw('true')
  const same = keys.map((key) => sql`held.${key} is not distinct from candidate.${key}`)
  return sql`not exists (select 1 from (${partitionSequences}) as held where ${join(same, ' and ')} and held.sequence > candidate.__sequence)`
}
