import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import { openSession } from '../engine/duckdb.ts'
import type { Session } from '../engine/engine.ts'
import { firstLine } from '../engine/failure.ts'
import { inlined, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { ConfigError, UnavailableError } from '../errors/errors.ts'
import { tableOfId } from '../model/quarantine.ts'
import type { DiscardReport, QuarantinedRow, ResubmitReport } from '../model/quarantine-report.ts'
import type { TableConfig } from '../model/table.ts'
import { type Resubmitted, resubmitRows } from '../pipeline/resubmit-table.ts'
import { childLimits } from './limits.ts'
import { quarantinedRows } from './query-quarantine.ts'
import { oneTable, runnableTable, selectTables } from './select-tables.ts'
import { leasedAlone, type TableWork } from './table-work.ts'
import { absolutePath } from './tracked-files.ts'

/** Which rows of the quarantines are meant. */
export interface QuarantineFilter {
  /** Bare or qualified names; all tables when left out. */
  readonly tables?: readonly string[] | undefined
  /** Landing files, absolute, or relative to the working directory or to `raw_data_path`. */
  readonly files?: readonly string[] | undefined
}

export interface QuarantineListOptions extends QuarantineFilter {
  readonly limit?: number | undefined
}

export interface QuarantineDiscardOptions extends QuarantineFilter {
  /** Rows by their ids. */
  readonly ids?: readonly string[] | undefined
}

/** Rows in quarantine, table by table, in the order of their files. */
export async function* listQuarantine(config: ResolvedConfig, options: QuarantineListOptions): AsyncIterable<QuarantinedRow> {
  await using session = await openSession(childLimits(config, 1))
  const rows = await allRows(config, options, session)
  if (rows === undefined) return
  const limit = options.limit === undefined ? raw('') : raw(`limit ${Math.trunc(options.limit)}`)
  const query = sql`select id, "table", _source_file, line, row_number, column_name, rule, reason, raw, _batch_number, _batch_id, file_version,
    rejected_at from (${rows}) order by ${ORDER} ${limit}`
  for await (const chunk of session.stream(query)) for (const values of chunk.rows) yield reportOf(values)
}

/** Writes the rows to a new file that a person mends, and gives their number. ConfigError `ING-USAGE` for a file that is there. */
export async function exportQuarantine(config: ResolvedConfig, file: string, filter: QuarantineFilter): Promise<number> {
  const path = resolve(file)
  const isJson = /\.(ndjson|jsonl)$/i.test(path)
  if (!isJson && !/\.csv$/i.test(path))
    throw new ConfigError('ING-USAGE', `${file}: what format shall it have?`, [], { hint: 'end its name with .csv or .ndjson' })
  // It may hold what somebody has mended.
  if (existsSync(path)) throw new ConfigError('ING-USAGE', `${file} is there already`, [], { hint: 'give the name of a new file' })
  await using session = await openSession(childLimits(config, 1))
  const rows = await allRows(config, filter, session)
  const wanted = sql`select id, _source_file as file, line, reason, raw from (${rows ?? NOTHING}) order by ${ORDER}`
  const format = raw(isJson ? 'format json' : 'format csv, header')
  try {
    await session.run(inlined(sql`copy (${wanted}) to ${literal(path)} (${format})`))
  } catch (cause) {
    const reason = cause instanceof Error ? firstLine(cause.message) : String(cause)
    throw new UnavailableError('ING-STORAGE', `${file} cannot be written: ${reason}`, { cause, hint: 'choose another folder' })
  }
  const [counted] = await session.rows(sql`select count(*) as rows from (${wanted})`)
  return Number(counted?.['rows'] ?? 0)
}

/** Takes the mended rows of a file back in, a batch for each table that it has rows of. */
export async function resubmitQuarantined(
  file: string,
  names: readonly string[] | undefined,
  work: TableWork,
): Promise<readonly ResubmitReport[]> {
  const path = resolve(file)
  if (!existsSync(path))
    throw new ConfigError('ING-USAGE', `there is no file ${file}`, [], { hint: 'ingest quarantine export --output FILE' })
  const among = new Set(selectTables(work.config.tables, names).map(({ name }) => name))
  const found = await work.worker.mendedTables(path)
  const tables = found.map((name) => runnableTable(work.config.tables, name)).filter(({ name }) => among.has(name))
  // A row that is not in quarantine is found before the first table takes any.
  for (const table of tables) await work.worker.checkMended({ table, trackerId: work.tracker.id, file: path })
  const reports: ResubmitReport[] = []
  for (const table of tables) {
    const pass = { table, tracker: work.tracker, owner: work.owner, worker: work.worker }
    reports.push(resubmitReport(table, await leasedAlone(table, 'resubmit', work, () => resubmitRows(pass, path))))
  }
  return reports
}

/** Gives rows up: they stay counted as rejected, and the history of their file says so. */
export async function discardQuarantined(options: QuarantineDiscardOptions, work: TableWork): Promise<readonly DiscardReport[]> {
  const { config, tracker, worker } = work
  const reports: DiscardReport[] = []
  for (const table of discardedTables(config, options)) {
    const ids = options.ids === undefined ? null : options.ids.filter((id) => tableOfId(id) === table.name)
    const files = options.files === undefined ? null : options.files.map((path) => absolutePath(config, path))
    const rows = await leasedAlone(table, 'discard', work, async () => {
      const discarded = await worker.discard({ table, trackerId: tracker.id, ids, files })
      const notes = discarded.map((one) => ({ ...one, reason: `${one.rows} rejected rows were discarded` }))
      await tracker.noteFiles(table.name, notes)
      return discarded
    })
    const count = rows.reduce((sum, one) => sum + Number(one.rows), 0)
    if (count > 0) reports.push({ table: table.name, rows: count, files: rows.length })
  }
  return reports
}

/** Tables that have a row that is meant. ConfigError for ids of no table. */
function discardedTables(config: ResolvedConfig, { tables, ids }: QuarantineDiscardOptions): readonly TableConfig[] {
  const selected = selectTables(config.tables, tables)
  if (ids === undefined) return selected
  const named = new Set(ids.map((id) => tableOfId(id) ?? unknownId(id)))
  for (const name of named) oneTable(selected, name)
  return selected.filter(({ name }) => named.has(name))
}

function unknownId(id: string): never {
  throw new ConfigError('ING-QUARANTINE-UNKNOWN', `${id} is not the id of a quarantined row`, [], {
    hint: 'ingest quarantine list shows them',
  })
}

const ORDER = raw('"table", _source_file, row_number nulls last, line nulls last, id')

const NOTHING = sql`select null::varchar as id, null::varchar as "table", null::varchar as _source_file, null::bigint as line,
  null::bigint as row_number, null::varchar as reason, null::varchar as raw where false`

/** Rows of all quarantines that are meant, with the name of their table; undefined where there is none. */
async function allRows(config: ResolvedConfig, { tables, files }: QuarantineFilter, session: Session): Promise<Sql | undefined> {
  const queries: Sql[] = []
  for (const table of selectTables(config.tables, tables)) {
    const rows = await quarantinedRows(table, session)
    if (rows !== undefined) queries.push(sql`select ${literal(table.name)} as "table", * from (${rows})`)
  }
  if (queries.length === 0) return undefined
  const all = join(queries, ' union all ')
  if (files === undefined) return all
  const paths = files.map((path) => literal(absolutePath(config, path)))
  return sql`select * from (${all}) where _source_file in (${join(paths)})`
}

/** Values in the order of the query of `listQuarantine`; its columns are ours, and what their types are is known. */
function reportOf(values: readonly unknown[]): QuarantinedRow {
  const [id, table, file, line, row, column, rule, reason, text, batch, batchId, version, at] = values
  const number = (value: unknown) => (value === null ? null : Number(value))
  const optional = (value: unknown) => (value === null ? null : String(value))
  return {
    id: String(id),
    table: String(table),
    file: String(file),
    line: number(line),
    row_number: number(row),
    column: optional(column),
    rule: String(rule),
    reason: String(reason),
    raw: optional(text),
    batch: Number(batch),
    batch_id: String(batchId),
    file_version: String(version),
    rejected_at: String(at),
  }
}

function resubmitReport({ name }: TableConfig, { batch, version, manifest }: Resubmitted): ResubmitReport {
  const files = manifest.resubmit?.files ?? []
  const sum = (count: 'read' | 'loaded' | 'rejected' | 'filtered' | 'deduplicated') =>
    files.reduce((total, { rows }) => total + Number(rows[count]), 0)
  return {
    table: name,
    batch: Number(batch.number),
    batch_id: batch.id,
    version: version === null ? null : Number(version),
    files: files.length,
    rows: {
      resubmitted: sum('read'),
      loaded: sum('loaded'),
      rejected: sum('rejected'),
      filtered: sum('filtered'),
      deduplicated: sum('deduplicated'),
    },
  }
}
