import type { ResolvedConfig } from '../config/config.ts'
import { checkUnderstood } from '../delta/constraints.ts'
import type { Session } from '../engine/engine.ts'
import type { TableConfig } from '../model/table.ts'
import { childLimits } from './limits.ts'
import { openTableAt } from './open-table.ts'

/**
 * The names of `table_properties` that the table does not have so: they are written when a table is made, and never later.
 * TableError for one that a new table could not keep.
 */
export async function propertiesWithoutEffect(table: TableConfig, config: ResolvedConfig): Promise<readonly string[]> {
  await using session = await newSession(config)
  await using version = await openTableAt(table, session)
  if (version.state !== null) {
    const { properties } = version.state
    return Object.entries(table.tableProperties).flatMap(([name, value]) => (properties[name] === value ? [] : [name]))
  }
  checkUnderstood(table.name, table.tableProperties)
  return []
}

/** The engine is loaded into this process by this question alone: its library takes longer to load than the rest of a start. */
async function newSession(config: ResolvedConfig): Promise<Session> {
  // Apart, since the compiler leaves the path of an import as it is in a function with `using`.
  const { openSession } = await import('../engine/duckdb.ts')
  return openSession(childLimits(config, 1))
}
