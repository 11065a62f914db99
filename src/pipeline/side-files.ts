import { SEQUENCE_COLUMN } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import type { ObservationShape, OpenTable, TableColumn } from '../stores/store.ts'
import type { KeyedTraits } from '../strategies/strategy.ts'
import { committedManifest } from './inspect-log.ts'

/** Side files in force after a batch; a restore brings back those of the batch that it went back to. */
export async function sideFilesAfter(batch: bigint | null, target: OpenTable): Promise<readonly string[]> {
  for (let number = batch; number !== null; ) {
    const manifest = await committedManifest(target, number)
    if (manifest.restore === undefined) return manifest.sideFiles
    number = manifest.restore.batch
  }
  return []
}

/** What a table's observations are made of: its keys, what orders their versions, and what else the strategy asks for. */
export function observationShape(table: TableConfig, traits: KeyedTraits, columns: readonly TableColumn[]): ObservationShape {
  const order = [...table.sequenceBy, SEQUENCE_COLUMN.name]
  const types = new Map(columns.map(({ name, type }) => [name.toLowerCase(), type]))
  const own = [...table.primaryKeys, ...order].map((name) => ({ name, type: types.get(name.toLowerCase()) ?? 'VARCHAR' }))
  const more = (traits.observedColumns?.(table, columns) ?? []).map((name) => ({ name, type: types.get(name.toLowerCase()) ?? 'VARCHAR' }))
  return {
    columns: [...own, { name: '__deleted', type: 'BOOLEAN' }, ...more],
    keys: table.primaryKeys,
    order,
    observes: traits.observes,
    lateWindowMs: table.keyed.lateWindowMs,
  }
}
