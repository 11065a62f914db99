import type { Session } from '../engine/engine.ts'
import { sql } from '../engine/sql.ts'
import { IngestError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import { quarantineOf } from '../model/quarantine.ts'
import type { TableConfig } from '../model/table.ts'
import type { DamageFound, LoadInForce, TableVerification } from '../model/verification.ts'
import { applicationId } from '../pipeline/protocol.ts'
import { openRows } from '../pipeline/quarantine-rows.ts'
import { loadsInForce, restoredFiles } from '../pipeline/undone.ts'
import { verifyRows } from '../pipeline/verify-rows.ts'
import type { StoreVerification } from '../stores/store.ts'
import { openTable, openTableAt, verifyStored } from './open-table.ts'

/** In the load process: all that the table says of itself. Damage is found, never thrown. */
export async function verifyTable(table: TableConfig, trackerId: string, session: Session): Promise<TableVerification> {
  const appId = applicationId(trackerId, table)
  const stored = await verifyStored(table, appId, session)
  const quarantine = quarantineOf(table)
  const beside = await verifyStored(quarantine, null, session)
  const loads = await loadsOf(stored)
  // Rows are read where nothing stands in the way of it.
  const isReadable =
    stored.version !== null && !stored.found.some(({ damage }) => damage.startsWith('data_file') || damage === 'deletion_vector')
  const rows = isReadable && stored.manifests !== null ? await recounted(table, stored, session) : []
  const isBesideReadable = beside.version !== null && beside.found.length === 0 && stored.version !== null
  const rejected = isBesideReadable ? await quarantined(table, trackerId, stored, session) : []
  const others = otherTracker(stored, trackerId)
  return {
    version: stored.version,
    counts: {
      commits: stored.commits,
      checkpoints: stored.checkpoints,
      batches: stored.batches,
      dataFiles: stored.dataFiles,
      rows: stored.rows,
    },
    found: [...stored.found, ...rows, ...beside.found.map((one) => ofQuarantine(one, quarantine)), ...rejected, ...others],
    lastBatch: stored.lastBatch,
    loads,
  }
}

function readOf(manifests: ReadonlyMap<bigint, Manifest>) {
  return async (batch: bigint): Promise<Manifest> => {
    const manifest = manifests.get(batch)
    if (manifest === undefined) throw new TypeError(`the chain does not hold batch ${batch}`)
    return manifest
  }
}

async function loadsOf({ manifests, lastBatch }: StoreVerification): Promise<readonly LoadInForce[] | null> {
  if (manifests === null) return null
  const files = await restoredFiles({ previous: null, batch: lastBatch }, readOf(manifests))
  return files.flatMap(({ loaded }) =>
    loaded === null ? [] : [{ path: loaded.path, version: loaded.version, batchId: loaded.batchId, rows: loaded.rows }],
  )
}

async function recounted(
  table: TableConfig,
  { manifests, lastBatch }: StoreVerification,
  session: Session,
): Promise<readonly DamageFound[]> {
  await using version = await openTableAt(table, session)
  const { state } = version
  if (state === null || manifests === null) return []
  try {
    return await verifyRows({ table, state, rows: await version.current(), session, lastBatch, read: readOf(manifests) })
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    return [{ damage: 'data_file_damaged', file: null, version: null, detail: error.message }]
  }
}

/** Rows that are in quarantine are among those that their files are counted with as rejected. */
async function quarantined(
  table: TableConfig,
  trackerId: string,
  { manifests, lastBatch }: StoreVerification,
  session: Session,
): Promise<readonly DamageFound[]> {
  if (manifests === null) return []
  await using target = await openTable(table, session, () => {})
  await using quarantine = await openTable(quarantineOf(table), session, () => {})
  const open = await openRows({ table, appId: applicationId(trackerId, table), session, target, quarantine })
  if (open === null) return []
  const rejected = new Map<string, bigint>()
  const add = (path: string, rows: bigint) => rejected.set(path, (rejected.get(path) ?? 0n) + rows)
  for await (const { files, resubmit } of loadsInForce(lastBatch, readOf(manifests))) {
    for (const { path, rows } of files) add(path, rows.rejected)
    for (const { path, rows } of resubmit?.files ?? []) add(path, -rows.loaded - rows.filtered - rows.deduplicated)
  }
  const counted = await session.rows(sql`select _source_file as path, count(*) as rows from (${open}) group by all order by all`)
  return counted.flatMap(({ path, rows }) => {
    const expected = rejected.get(String(path)) ?? 0n
    if (BigInt(String(rows)) <= expected) return []
    const detail = `${String(rows)} rows of it are in quarantine, ${expected} were rejected`
    return [{ damage: 'quarantine_rows', file: String(path), version: null, detail }]
  })
}

function ofQuarantine(found: DamageFound, { name }: TableConfig): DamageFound {
  return { ...found, detail: `${name}: ${found.detail}` }
}

function otherTracker({ trackerProperty }: StoreVerification, trackerId: string): readonly DamageFound[] {
  if (trackerProperty === null || trackerProperty === trackerId) return []
  return [
    {
      damage: 'other_tracker',
      file: null,
      version: null,
      detail: `the table is loaded by tracker ${trackerProperty}, this one is ${trackerId}`,
    },
  ]
}
