import type { Session } from '../engine/engine.ts'
import { id, join, raw, type Sql, sql, unnested } from '../engine/sql.ts'
import { ConfigError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import { QUARANTINE_COLUMNS, quarantineOf } from '../model/quarantine.ts'
import type { TableConfig } from '../model/table.ts'
import type { OpenTable } from '../stores/store.ts'
import { committedManifest } from './inspect-log.ts'
import { applicationId, type DiscardedRows, type DiscardJob } from './protocol.ts'

/** A table and its quarantine, each opened at its current version. */
export interface Quarantined {
  readonly table: TableConfig
  readonly appId: string
  readonly session: Session
  readonly target: OpenTable
  readonly quarantine: OpenTable
}

/** Conditions on rows of the quarantine, by its column names. */
export interface Standing {
  /** Rejected rows of batches that the table has, which no later batch took back in. */
  readonly isOpen: Sql
  /** Rows that nothing can make open again: no restore reaches back so far. */
  readonly isOver: Sql
}

/** A query of the rows that are in quarantine, with its columns; null where there is none. */
export async function openRows(quarantined: Quarantined): Promise<Sql | null> {
  const { quarantine } = quarantined
  if (quarantine.state === null) return null
  const { isOpen } = await standingOf(quarantined, 0)
  return sql`select ${COLUMNS} from (${await quarantine.current()}) where ${isOpen}`
}

/** The columns of the quarantine, for a SELECT. */
const COLUMNS = join(QUARANTINE_COLUMNS.map(({ name }) => id(name)))

/**
 * Takes rows out that are nobody's any more: of batches that never reached the table, and, as soon as no restore can go back so far, of
 * batches that were undone or rows that were taken back in. Also removes what dead batches left in the folder. Under the table's lease.
 */
export async function recoverQuarantine(quarantined: Quarantined, trackerId: string, nowMs: number): Promise<void> {
  const { session, quarantine, table } = quarantined
  await quarantine.clean(await quarantine.lastBatch(applicationId(trackerId, quarantineOf(table))))
  // The rows of another tracker are not ours to judge; a batch that rejects rows is told so.
  if (quarantine.state === null || quarantine.state.trackerId !== trackerId) return
  const { isOver } = await standingOf(quarantined, nowMs)
  const positions = sql`select __file as file, __position as row from (${await quarantine.located()}) where ${isOver}`
  await removeRows(positions, { session, quarantine, trackerId })
}

interface Removing {
  readonly session: Session
  readonly quarantine: OpenTable
  readonly trackerId: string
}

/** Takes rows out of the quarantine in one commit; a query of (file, row) as `located` gives them. */
async function removeRows(positions: Sql, { session, quarantine, trackerId }: Removing): Promise<bigint> {
  const [counted] = await session.rows(sql`select count(*) as rows from (${positions})`)
  const rows = BigInt(String(counted?.['rows'] ?? 0))
  if (rows === 0n) return 0n
  const added = sql`select ${COLUMNS} from (${await quarantine.current()}) where false`
  await quarantine.repair({ positions, added, trackerId })
  return rows
}

/** What the log says of the batches that have rows in the quarantine. `nowMs` decides what is over. */
export async function standingOf(quarantined: Quarantined, nowMs: number): Promise<Standing> {
  const { session, quarantine } = quarantined
  const found = await session.rows(sql`select distinct _batch_number as batch from (${await quarantine.current()})`)
  const numbers = found.map(({ batch }) => BigInt(String(batch)))
  const lowest = numbers.reduce<bigint | null>((least, one) => (least === null || one < least ? one : least), null)
  const chain = lowest === null ? NOTHING : await chainDownTo(lowest, quarantined)
  const { outputFormat, delta } = quarantined.table
  // The folder of a table without older versions cannot be restored.
  const reachMs = outputFormat === 'parquet' ? 0 : Math.max(delta.logRetentionMs, delta.fileRetentionMs)
  const cutoffMs = nowMs - reachMs
  const among = (batches: readonly LoggedBatch[]) => sql`_batch_id in (select ${unnested(batches.map(({ batchId }) => batchId))})`
  const inForce = among(chain.batches.filter(({ undoneMs }) => undoneMs === null))
  const undone = among(chain.batches.filter(({ undoneMs }) => undoneMs !== null && undoneMs < cutoffMs))
  const isOpen = sql`(${inForce} and not ${taken(chain.taken)})`
  const isOver = sql`not ${isOpen} and (${undone} or ${taken(chain.taken.filter(({ takenMs }) => takenMs < cutoffMs))}
    or (not ${among(chain.batches)} and _batch_number <= ${chain.last ?? -1n}))`
  return { isOpen, isOver }
}

function taken(batches: readonly Taken[]): Sql {
  if (batches.length === 0) return raw('false')
  const ids = batches.flatMap(({ ids: some, batch }) =>
    some.length === 0 ? [] : [sql`select ${unnested(some)} as taken_id, ${batch}::bigint as taken_by`],
  )
  const files = batches.flatMap(({ paths, batch }) =>
    paths.length === 0 ? [] : [sql`select ${unnested(paths)} as taken_file, ${batch}::bigint as taken_by`],
  )
  const byId = sql`exists (select 1 from (${join(ids, ' union all ')}) where taken_id = id and taken_by > _batch_number)`
  const byFile = sql`exists (select 1 from (${join(files, ' union all ')}) where taken_file = _source_file and taken_by > _batch_number)`
  return sql`(${ids.length === 0 ? raw('false') : byId} or ${files.length === 0 ? raw('false') : byFile})`
}

/** Rows that a batch in force took back in, or whose landing file it unloaded or replaced. */
interface Taken {
  readonly ids: readonly string[]
  readonly paths: readonly string[]
  readonly batch: bigint
  readonly takenMs: number
}

/** A batch that the log ever had. */
interface LoggedBatch {
  readonly batchId: string
  /** When it was undone at the latest, by a restore or a batch that replaced its rows; null where the table has it. */
  readonly undoneMs: number | null
}

interface Chain {
  readonly last: bigint | null
  readonly batches: readonly LoggedBatch[]
  readonly taken: readonly Taken[]
}

const NOTHING: Chain = { last: null, batches: [], taken: [] }

/** Batches from the last one down to a number: all that the log ever had, and which of them the table has. */
async function chainDownTo(lowest: bigint, { target, appId, table }: Quarantined): Promise<Chain> {
  const last = await target.lastBatch(appId)
  const batches: LoggedBatch[] = []
  const taken: Taken[] = []
  const undoing = new Undoing()
  // Steps from batch to batch through all of them, and past those that were undone.
  let standing = last
  for (let number = last; number !== null && number >= lowest; ) {
    const manifest = await committedManifest(target, number)
    const { batch, batchId, previous, resubmit, takenOut = [] } = manifest
    const below = belowOf(manifest, table)
    batches.push({ batchId, undoneMs: number === standing ? null : undoing.atMs })
    if (number === standing) {
      const paths = takenOut.map(({ path }) => path)
      if (resubmit !== undefined || paths.length > 0)
        taken.push({ ids: resubmit?.ids ?? [], paths, batch, takenMs: Date.parse(manifest.createdAt) })
      standing = below
    }
    if (below !== previous) undoing.by(manifest)
    number = previous
  }
  return { last, batches, taken }
}

/** When the batches below the one that was looked at last were undone at the latest; batches come newest first. */
class Undoing {
  atMs = 0
  #isRestored = false

  by({ createdAt, restore }: Manifest): void {
    // What lies below a restore may have been in the table until then, whatever undid it before.
    if (!this.#isRestored) this.atMs = Math.max(restore === undefined ? 0 : this.atMs, Date.parse(createdAt))
    this.#isRestored ||= restore !== undefined
  }
}

/** The batch whose rows are in the table beside those of a batch. */
function belowOf({ previous, replacesAll, restore, resubmit }: Manifest, { strategy, overwriteScope }: TableConfig): bigint | null {
  if (restore !== undefined) return restore.batch
  const isSnapshot = strategy === 'overwrite' && overwriteScope === 'table' && resubmit === undefined
  return replacesAll || isSnapshot ? null : previous
}

/** Takes rows out for good, as a person asked; how many of each landing file. ConfigError for ids that are not in quarantine. */
export async function discardRows({ trackerId, ids, files }: DiscardJob, quarantined: Quarantined): Promise<readonly DiscardedRows[]> {
  const { session, quarantine } = quarantined
  if (quarantine.state === null) {
    if (ids !== null && ids.length > 0) throw notInQuarantine(ids)
    return []
  }
  const { isOpen } = await standingOf(quarantined, 0)
  const wanted = [
    ...(ids === null ? [] : [sql`id in (select ${unnested(ids)})`]),
    ...(files === null ? [] : [sql`_source_file in (select ${unnested(files)})`]),
  ]
  const chosen = wanted.length === 0 ? raw('true') : sql`(${join(wanted, ' or ')})`
  const rows = sql`select * from (${await quarantine.located()}) where ${isOpen} and ${chosen}`
  if (ids !== null) {
    const found = new Set((await session.rows(sql`select id from (${rows})`)).map((row) => String(row['id'])))
    const missing = ids.filter((one) => !found.has(one))
    if (missing.length > 0) throw notInQuarantine(missing)
  }
  const counted = await session.rows(sql`select _source_file as path, file_version as version, count(*) as rows from (${rows})
    group by all order by all`)
  await removeRows(sql`select __file as file, __position as row from (${rows})`, { session, quarantine, trackerId })
  return counted.map(({ path, version, rows: count }) => ({ path: String(path), version: String(version), rows: BigInt(String(count)) }))
}

/** Ids that a message names. */
const NAMED = 5

/** ConfigError for rows that a person names and that are not there. */
export function notInQuarantine(ids: readonly string[]): ConfigError {
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : ''
  return new ConfigError('ING-QUARANTINE-UNKNOWN', `not in quarantine, or not any more: ${ids.slice(0, NAMED).join(', ')}${more}`, [], {
    hint: 'ingest quarantine list shows the rows that are',
  })
}
