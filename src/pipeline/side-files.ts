import { SEQUENCE_COLUMN } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import type { ObservationShape, ObserveRequest, OpenTable, TableColumn } from '../stores/store.ts'
import type { KeyedTraits, LoadPlan } from '../strategies/strategy.ts'
import { committedManifest } from './inspect-log.ts'
import type { LoadJob } from './protocol.ts'

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

/** Side files that are in force with the batch. */
export async function observed(
  { observe }: LoadPlan,
  columns: readonly TableColumn[],
  {
    job,
    sink,
    traits,
    sideFiles,
  }: {
    readonly job: LoadJob
    readonly sink: { observe(request: ObserveRequest): Promise<readonly string[]> }
    readonly traits: KeyedTraits | undefined
    readonly sideFiles: readonly string[]
  },
): Promise<readonly string[]> {
  if (traits === undefined || observe === undefined) return sideFiles
  const { id: batchId, number: batch } = job.batch
  return sink.observe({ ...observationShape(job.table, traits, columns), observe, previous: sideFiles, batch, batchId })
}
