import type { ResolvedConfig } from '../config/config.ts'
import { openSession } from '../engine/duckdb.ts'
import type { Session } from '../engine/engine.ts'
import { engineFailure } from '../engine/failure.ts'
import { id, inlined, raw, sql } from '../engine/sql.ts'
import { ConfigError, type IngestError, TableError } from '../errors/errors.ts'
import { quarantineOf } from '../model/quarantine.ts'
import type { TableConfig } from '../model/table.ts'
import type { TableVersion, TableVersionAt } from '../stores/store.ts'
import type { QueryResult } from './ingest.ts'
import { childLimits } from './limits.ts'
import { openTableAt } from './open-table.ts'
import { quarantinedRows } from './query-quarantine.ts'
import { oneTable } from './select-tables.ts'
import { withTableChanges } from './table-changes.ts'
import { type TablePoint, versionAt } from './table-point.ts'

interface Query {
  readonly use: (result: QueryResult) => Promise<void>
  /** Versions by names of tables. */
  readonly at: Readonly<Record<string, TablePoint>>
}

/** Runs SQL in a session of its own, where each configured table is a view `database.table` of one version. */
export async function queryTables(given: string, config: ResolvedConfig, { use, at }: Query): Promise<void> {
  checkReads(given)
  await using session = await openSession(childLimits(config, 1))
  const text = await withTableChanges(given, config, session)
  const tables = config.tables.filter(({ tableName }) => mentions(text, tableName))
  const versions = versionsOf(at, config.tables, tables)
  const unloaded: TableConfig[] = []
  for (const table of tables) {
    const { state } = await createView(table, session, versions.get(table.name))
    if (state === null) unloaded.push(table)
  }
  const quarantines = config.tables.map(quarantineOf).filter(({ tableName }) => mentions(text, tableName))
  for (const table of tables) {
    if (!quarantines.some(({ targetPath }) => targetPath === quarantineOf(table).targetPath)) continue
    if (!(await createQuarantineView(table, session))) unloaded.push(quarantineOf(table))
  }
  const chunks = session.stream(raw(withQuotedNames(text, [...config.tables, ...quarantines])))[Symbol.asyncIterator]()
  // The first chunk has the columns and no rows.
  const first = await chunks.next().catch((cause: unknown) => {
    throw unloadedIn(cause, unloaded) ?? queryError(cause)
  })
  await use({ columns: first.done ? [] : first.value.columns, chunks: rowsOf(chunks) })
}

const COMMENTS = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/
const WRITES = /^(?:insert|update|delete|merge|truncate|drop|alter)\b/i

/** ConfigError for what cannot be meant: the engine would refuse it with words about views. */
function checkReads(text: string): void {
  const statement = text.replace(COMMENTS, '')
  if (statement === '') throw new ConfigError('ING-QUERY', 'the query is empty', [], { hint: 'write a SELECT' })
  const [word] = WRITES.exec(statement) ?? []
  if (word === undefined) return
  throw new ConfigError('ING-QUERY', `a query changes no table, and this one begins with ${word.toUpperCase()}`, [], {
    hint: 'write a SELECT; tables change by their files, `ingest restore` and other writers',
  })
}

async function* rowsOf(
  chunks: AsyncIterator<{ readonly rows: readonly (readonly unknown[])[] }>,
): AsyncIterable<readonly (readonly unknown[])[]> {
  for (let chunk = await chunks.next().catch(failQuery); !chunk.done; chunk = await chunks.next().catch(failQuery)) yield chunk.value.rows
}

function failQuery(cause: unknown): never {
  throw queryError(cause)
}

/** Constants, quoted names and comments, which stay as they are, or a name of two parts. */
const TOKENS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)/g

/** The text with the names of configured tables quoted: `default.orders` is the name that all output shows, but DEFAULT is a word of SQL. */
export function withQuotedNames(text: string, tables: readonly TableConfig[]): string {
  const names = new Set(tables.map((table) => table.name.toLowerCase()))
  return text.replace(TOKENS, (token, database?: string, table?: string) =>
    database !== undefined && table !== undefined && names.has(`${database}.${table}`.toLowerCase()) ? `"${database}"."${table}"` : token,
  )
}

/** Only tables that the text names are opened; a name in a comment opens one too many, which harms nothing. */
function mentions(text: string, tableName: string): boolean {
  return text.toLowerCase().includes(tableName.toLowerCase())
}

/** ConfigError for a table that is named twice, or that the query does not ask of: its version would change nothing. */
function versionsOf(at: Query['at'], all: readonly TableConfig[], asked: readonly TableConfig[]): ReadonlyMap<string, TableVersionAt> {
  const versions = new Map<string, TableVersionAt>()
  for (const [given, point] of Object.entries(at)) {
    const { name } = oneTable(all, given)
    if (versions.has(name)) throw new ConfigError('ING-USAGE', `two versions of ${name} were given`, [], { hint: 'give one of them' })
    if (!asked.some((table) => table.name === name))
      throw new ConfigError('ING-USAGE', `a version of ${name} was given, and the query does not name it`, [], {
        hint: `select … from ${name}`,
      })
    versions.set(name, versionAt(point))
  }
  return versions
}

async function createView(table: TableConfig, session: Session, at: TableVersionAt | undefined): Promise<TableVersion> {
  const opened = await openTableAt(table, session, at)
  if (opened.state === null) {
    if (at !== undefined) throw new TableError('ING-TABLE-VERSION', `${table.name} has no version yet`, { hint: loadFirst(table.name) })
    return opened
  }
  await session.run(sql`create schema if not exists ${id(table.databaseName)}`)
  await session.run(inlined(sql`create view ${id(table.databaseName)}.${id(table.tableName)} as ${await opened.current()}`))
  return opened
}

/** The rows that are in quarantine by the table's log, whatever else its folder holds; whether there is one. */
async function createQuarantineView(table: TableConfig, session: Session): Promise<boolean> {
  const rows = await quarantinedRows(table, session)
  if (rows === undefined) return false
  const { databaseName, tableName } = quarantineOf(table)
  await session.run(sql`create schema if not exists ${id(databaseName)}`)
  await session.run(inlined(sql`create view ${id(databaseName)}.${id(tableName)} as ${rows}`))
  return true
}

function loadFirst(table: string): string {
  return `load it first: ingest run --tables ${table}`
}

/** The error for a table of the config that the engine does not find, since nothing was ever loaded into it. */
function unloadedIn(cause: unknown, unloaded: readonly TableConfig[]): ConfigError | undefined {
  const [, missing] = /^Catalog Error: Table with name "?(.+?)"? does not exist/.exec(cause instanceof Error ? cause.message : '') ?? []
  const table = unloaded.find(({ name, tableName }) => [name, tableName].includes(missing ?? ''))
  return table === undefined
    ? undefined
    : new ConfigError('ING-QUERY', `${table.name} has no version yet`, [], { cause, hint: loadFirst(table.name) })
}

/** Memory, disk and interrupts are not the fault of the SQL; all else that the engine refuses is. */
function queryError(cause: unknown): IngestError {
  const failure = engineFailure(cause)
  return failure === undefined || failure.code === 'ING-ENGINE' ? badQuery(cause) : failure
}

function badQuery(cause: unknown): ConfigError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new ConfigError('ING-QUERY', message.trim(), [], {
    cause,
    hint: 'tables are named database.table',
  })
}
