import { TableError } from '../errors/errors.ts'
import type { Format } from '../formats/format.ts'
import { FORMATS } from '../formats/registry.ts'
import type { TableConfig } from '../model/table.ts'
import type { OpenTable } from '../stores/store.ts'
import { loadStrategy } from '../strategies/registry.ts'
import type { Strategy } from '../strategies/strategy.ts'

/** The format of a table's files. */
export async function formatOf(table: TableConfig): Promise<Format> {
  return FORMATS[table.fileFormat].load()
}

/** The strategy of a table. Throws TableError where the table does not suit it. */
export async function strategyOf(table: TableConfig): Promise<Strategy> {
  const strategy = await loadStrategy(table.strategy)
  const problems = strategy.validate?.(table) ?? []
  if (problems.length > 0) throw new TableError('ING-TABLE-STRATEGY', `${table.name}: ${problems.join('; ')}`)
  return strategy
}

/** A strategy that reads the table has its files listed while the batch is claimed. */
export async function prepared(table: TableConfig, target: OpenTable): Promise<void> {
  if ((await strategyOf(table)).reads(table) === 'many') await target.prepare()
}
