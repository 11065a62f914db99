import type { ResolvedConfig } from '../config/config.ts'
import { BugError } from '../errors/errors.ts'
import type { Activity, DaemonNote, TableSchedule, ThroughputMinute } from '../model/activity.ts'
import { causesOf } from '../model/error-cause.ts'
import type { StatusFile, StatusReport, TableDetail, TableState } from '../model/status-report.ts'
import type { TableConfig } from '../model/table.ts'
import type { TableCounts, TrackedFile, Tracker } from '../tracker/tracker.ts'
import { oneTable, selectTables } from './select-tables.ts'

/** What the state of tables is made of. */
export interface StatusParts {
  readonly config: ResolvedConfig
  readonly tracker: Tracker
  /** Whether a process that is known by its lease may still be there. */
  readonly isAlive: (owner: string) => boolean
}

const HOUR_MINUTES = 60
const RECENT = 20
const FAILURES = 500
const BATCHES = 20
/** A daemon renews its heartbeat every few seconds. */
const HEARTBEAT_MS = 60_000

/** Each configured table with its counts, and what is at work; a table that never ran has none. */
export async function statusOf(parts: StatusParts, names: readonly string[] | undefined): Promise<StatusReport> {
  const { config, tracker } = parts
  const tables = selectTables(config.tables, names)
  const wanted = tables.map((table) => table.name)
  const now = tracker.now()
  return {
    at: new Date(now).toISOString(),
    tables: await statesOf(parts, tables),
    activity: await activityOf(parts, new Set(wanted)),
    daemons: (await tracker.daemons()).filter((daemon) => isThere(daemon, parts)),
    recent: (await tracker.recent(RECENT, wanted)).map(statusFile),
    causes: causesOf(await tracker.failures(FAILURES, wanted)),
  }
}

/** Whether a daemon that was noted works still. */
function isThere(daemon: DaemonNote, { tracker, isAlive }: StatusParts): boolean {
  return isAlive(daemon.owner) && tracker.now() - Date.parse(daemon.heartbeat_at) < HEARTBEAT_MS
}

/** A table looked at closely. ConfigError `ING-CONFIG-TABLE-UNKNOWN`. */
export async function tableDetail(parts: StatusParts, name: string): Promise<TableDetail> {
  const { config, tracker } = parts
  const table = oneTable(config.tables, name)
  const [state] = await statesOf(parts, [table])
  if (state === undefined) throw new BugError(`the tracker gave no counts of ${table.name}`)
  const batches = await tracker.batches(table.name, BATCHES)
  return {
    state,
    activity: await activityOf(parts, new Set([table.name])),
    batches: batches.map((batch) => ({
      batch: batch.batch_number,
      status: batch.status,
      version: batch.table_version,
      files: batch.files,
      rows: batch.rows_loaded,
      started_at: batch.started_at,
      ended_at: batch.ended_at,
    })),
    recent: (await tracker.recent(RECENT, [table.name])).map(statusFile),
    causes: causesOf(await tracker.failures(FAILURES, [table.name])),
  }
}

async function statesOf({ tracker }: StatusParts, tables: readonly TableConfig[]): Promise<readonly TableState[]> {
  const names = tables.map((table) => table.name)
  // One for each table, in their order.
  const counts = await tracker.counts(names)
  const schedules = new Map((await tracker.schedules()).map((one) => [one.table_name, one]))
  const minutes = await tracker.throughput(HOUR_MINUTES, names)
  return tables.flatMap((table, index) => {
    const count = counts[index]
    if (count === undefined) return []
    const throughput = minutes.filter((minute) => minute.table_name === table.name)
    return stateOf(table, { count, schedule: schedules.get(table.name), throughput, now: tracker.now() })
  })
}

interface Known {
  readonly count: TableCounts
  readonly schedule: TableSchedule | undefined
  readonly throughput: readonly ThroughputMinute[]
  readonly now: number
}

function stateOf(table: TableConfig, { count, schedule, throughput, now }: Known): TableState {
  const { pending, held, processing, completed, failed, skipped } = count
  const waiting = count.waiting_since === null ? null : now - Date.parse(count.waiting_since)
  return {
    table: table.name,
    strategy: table.strategy,
    target: table.targetPath,
    paused: count.paused,
    files: { pending, held, processing, completed, failed, skipped },
    rows: count.rows_loaded,
    rows_rejected: count.rows_rejected,
    bytes: count.bytes,
    last_loaded_at: count.last_loaded_at,
    last_error: count.last_error,
    lag_seconds: waiting === null ? null : Math.max(0, Math.round(waiting / 1000)),
    next_attempt_at: count.next_attempt_at,
    clean_ups: count.clean_ups,
    last_listed_at: schedule?.last_listed_at ?? null,
    listing_error: schedule?.listing_error ?? null,
    next_run_at: schedule?.next_run_at ?? null,
    throughput: throughput.map(({ minute, files, rows, bytes }) => ({ minute, files, rows, bytes })),
  }
}

async function activityOf({ tracker, isAlive }: StatusParts, tables: ReadonlySet<string>): Promise<readonly Activity[]> {
  return (await tracker.activity()).filter(({ owner, table_name: table }) => tables.has(table) && isAlive(owner))
}

export function statusFile(file: TrackedFile): StatusFile {
  return {
    file: file.file_path,
    table: file.table_name,
    status: file.status,
    rows: file.rows_loaded,
    bytes: file.file_size,
    at: file.processing_end_time ?? file.updated_at,
    why: file.status === 'failed' ? (file.error_code ?? file.error_message) : (file.held_reason ?? file.status_reason),
  }
}
