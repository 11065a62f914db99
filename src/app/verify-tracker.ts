import type { TableConfig } from '../model/table.ts'
import type { Damage, DamageFound, LoadInForce, TableVerification } from '../model/verification.ts'
import type { Owner } from '../pipeline/recover.ts'
import type { TrackedFile, Tracker } from '../tracker/tracker.ts'

/** What the tracker says otherwise than the table does. Under the table's lease. */
export async function verifyTracker(
  table: TableConfig,
  verified: TableVerification,
  tracker: Tracker,
  owner: Owner,
): Promise<readonly DamageFound[]> {
  const abandoned = await tracker.abandoned(table.name, owner.isAlive)
  const left = abandoned.map(({ number, files }) =>
    finding('tracker_processing', null, `batch ${number} with ${files.length} files is processing, and the process that held it is gone`),
  )
  const known = await tracker.lastCommittedBatch(table.name)
  const { lastBatch, loads } = verified
  if (known !== null && (lastBatch === null || lastBatch < known)) {
    const end = verified.version === null ? 'there is no table that can be read' : `its log ends with batch ${lastBatch ?? 'none'}`
    return [...left, finding('table_behind', null, `the tracker holds batch ${known} as committed, but ${end}`)]
  }
  if (lastBatch !== null && (known === null || known < lastBatch)) {
    const from = known === null ? 'none of its batches' : `batch ${known}`
    return [...left, finding('tracker_behind', null, `the table holds batch ${lastBatch}, the tracker knows ${from}`)]
  }
  return loads === null ? left : [...left, ...(await compareFiles(table, loads, tracker))]
}

async function compareFiles(table: TableConfig, loads: readonly LoadInForce[], tracker: Tracker): Promise<readonly DamageFound[]> {
  const unseen = new Map(loads.map((load) => [load.path, load]))
  const found: DamageFound[] = []
  for await (const file of tracker.files({ tables: [table.name] })) {
    const load = unseen.get(file.file_path)
    unseen.delete(file.file_path)
    const difference = load === undefined ? extra(file) : differenceOf(file, load, table)
    if (difference !== undefined) found.push(difference)
  }
  for (const { path } of unseen.values()) found.push(finding('tracker_unknown', path, 'the table holds it, the tracker does not know it'))
  return found
}

function extra({ status, file_path: path, batch_id: batch }: TrackedFile): DamageFound | undefined {
  if (status !== 'completed') return undefined
  return finding('tracker_extra', path, `the tracker holds it as loaded by batch ${batch ?? '?'}, no batch of the table does`)
}

function differenceOf(file: TrackedFile, load: LoadInForce, { strategy }: TableConfig): DamageFound | undefined {
  const { file_path: path, status } = file
  const isSame = file.file_version === load.version
  if (status !== 'completed') {
    // New content waits, or a strategy or a replay that loads a file again without doubling it.
    if (!isSame || strategy !== 'append' || file.replaces) return undefined
    return finding('tracker_state', path, `the table holds it, for the tracker it is ${status}: its rows would be there twice`)
  }
  if (!isSame || file.batch_id !== load.batchId) {
    const told = `version ${file.file_version} by batch ${file.batch_id ?? '?'}`
    return finding('tracker_version', path, `the tracker holds ${told}, the table version ${load.version} by batch ${load.batchId}`)
  }
  const { read, loaded, rejected, filtered, deduplicated } = load.rows
  const inTable = [read, loaded, rejected, filtered, deduplicated].map(Number)
  const inTracker = [file.rows_read, file.rows_loaded, file.rows_rejected, file.rows_filtered, file.rows_deduplicated]
  if (inTable.every((count, index) => count === inTracker[index])) return undefined
  const counts = `${inTracker.join(', ')} rows read, loaded, rejected, filtered, deduplicated`
  return finding('tracker_counts', path, `the tracker counts ${counts}, its manifest ${inTable.join(', ')}`)
}

function finding(damage: Damage, file: string | null, detail: string): DamageFound {
  return { damage, file, version: null, detail }
}
