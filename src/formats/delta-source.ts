import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { FileError } from '../errors/errors.ts'
import { AUDIT_COLUMNS, type Column, SEQUENCE_COLUMN } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import { culprits } from './culprits.ts'
import { firstLine, messageOf } from './engine-message.ts'
import { RESERVED_NAMES } from './file-list.ts'
import { badColumnName, duplicateColumn, excerpt, truncated } from './file-problems.ts'
import type { CommitGroup, CommitsRead, FileGroup, Format, FormatContext, Inspection, ReadColumn, SourceFile } from './format.ts'
import { flagOption, textOption } from './options.ts'
import { fromText, ISO_RULES, triedText } from './values.ts'
import { widest } from './widest.ts'

/** A Delta table as a source: each commit in its log is a file. */
export const deltaSource: Format = {
  name: 'delta',
  inspect: inspectCommits,
  infer: inferColumns,
  relation: commitRelation,
  value: (type, text, _context, lenient) => fromText(type, text, ISO_RULES, lenient),
  tried: (type, text) => triedText(type, text, ISO_RULES),
  diagnose: diagnoseCommits,
  rowsRead,
}

/** A commit as a file, with what its rows are. */
interface Unit {
  readonly file: SourceFile
  readonly version: bigint
}

/** What a group was made of; a part of it can be read alone. */
interface Layout {
  readonly commits: CommitGroup
}

/** Versions that were met in a batch that committed, as ranges: what a log that was cleaned up does not tell any more. */
interface Remembered {
  readonly seen: readonly (readonly [string, string])[]
}

async function inspectCommits(files: readonly SourceFile[], context: FormatContext): Promise<Inspection> {
  const failed: FileError[] = []
  const whole: Unit[] = []
  for (const file of files) {
    const problem = await endProblem(file, context)
    if (problem === undefined) whole.push({ file, version: versionOf(file) })
    else failed.push(problem)
  }
  const before = rangesOf(context.reader)
  const groups: FileGroup[] = []
  for (const [folder, units] of byFolder(whole)) {
    const roles = await rolesOf(folder, units, before, context)
    failed.push(...roles.failed)
    const read = await context.tables.read({
      folder,
      units: roles.asked,
      changes: changesOf(context.table),
      skipRemoving: flagOption(context.table, 'skip_change_commits') === true,
      isOrdered: isOrdered(context.table),
    })
    const grouped = groupsOf(read, units, roles.covered, context.table)
    groups.push(...grouped.groups)
    failed.push(...grouped.failed)
  }
  const bad = new Set(failed.map(({ file }) => file))
  const seen = merged([...before, ...whole.filter(({ file }) => !bad.has(file.path)).map(({ version }) => [version, version] as const)])
  const reader: Remembered = { seen: seen.map(([from, to]) => [String(from), String(to)]) }
  return { groups, failed, reader }
}

/** A commit is put in place whole by those who write the log; one that stops within a line was cut by a copy. */
async function endProblem(file: SourceFile, { io }: FormatContext): Promise<FileError | undefined> {
  if (file.size === 0n)
    return new FileError('ING-FILE-EMPTY', file.path, `${file.path}: the commit has no bytes`, { hint: 'restore it from a backup' })
  try {
    const end = Buffer.from(await io.tail(file, 64))
      .toString('latin1')
      .trimEnd()
    return end.endsWith('}') ? undefined : truncated(file.path, 'the last action of the commit is not closed')
  } catch (error) {
    if (error instanceof FileError) return error
    throw error
  }
}

function versionOf({ path }: SourceFile): bigint {
  return BigInt(path.slice(path.lastIndexOf('/') + 1, -'.json'.length))
}

function byFolder(units: readonly Unit[]): ReadonlyMap<string, readonly Unit[]> {
  const folders = new Map<string, Unit[]>()
  for (const unit of units) {
    const folder = unit.file.path.slice(0, unit.file.path.lastIndexOf('/_delta_log/'))
    const list = folders.get(folder) ?? []
    folders.set(folder, list)
    list.push(unit)
  }
  return folders
}

interface Roles {
  readonly asked: { readonly version: bigint; readonly as: 'commit' | 'snapshot' }[]
  /** Versions whose rows another unit brings. */
  readonly covered: Set<bigint>
  readonly failed: FileError[]
}

/**
 * What each commit stands for. Where the log begins with a checkpoint, the first commit that can be read is all that the table
 * held then, unless versions before it were met already: then those between are lost, which only a person can settle.
 */
async function rolesOf(folder: string, units: readonly Unit[], before: readonly Range[], { table, tables }: FormatContext): Promise<Roles> {
  const roles: Roles = { asked: [], covered: new Set(), failed: [] }
  const start = startOf(table)
  const isSnapshotFirst = start !== undefined && flagOption(table, 'initial_snapshot') === true
  const oldest = await tables.oldest(folder)
  const base = (await tables.commits(folder)).find((version) => oldest !== undefined && version >= oldest)
  for (const { file, version } of units) {
    const role = roleOf(version, { start, base, isSnapshotFirst, before })
    if (role === 'covered') roles.covered.add(version)
    else if (role === 'lost') roles.failed.push(gap(file, version, before))
    else roles.asked.push({ version, as: role })
  }
  return roles
}

interface Beginning {
  readonly start: bigint | undefined
  /** The first commit of the log that can be read. */
  readonly base: bigint | undefined
  readonly isSnapshotFirst: boolean
  readonly before: readonly Range[]
}

function roleOf(version: bigint, { start, base, isSnapshotFirst, before }: Beginning): 'commit' | 'snapshot' | 'covered' | 'lost' {
  if (start !== undefined && version < start) return 'covered'
  if (isSnapshotFirst && version === start) return 'snapshot'
  const isFollowing = start !== undefined || before.some(([from]) => from < version)
  if (base !== undefined && version < base && !isFollowing) return 'covered'
  const isFirst = version === base && version > (start ?? 0n) && !holds(before, version - 1n)
  if (!isFirst) return 'commit'
  return isFollowing ? 'lost' : 'snapshot'
}

function gap(file: SourceFile, version: bigint, before: readonly Range[]): FileError {
  const last = before.filter(([from]) => from < version).at(-1)?.[1]
  const lost = last === undefined ? `before ${version}` : last + 2n === version ? `${last + 1n}` : `${last + 1n} to ${version - 1n}`
  const message = `${file.path}: the log was cleaned up before the commits ${lost} were loaded`
  return new FileError('ING-SOURCE-COMMITS-LOST', file.path, message, {
    hint: 'load the table anew: ingest retry FILE, then ingest run --full-drop; or go on without what they changed: ingest skip FILE',
  })
}

function groupsOf(
  read: CommitsRead,
  units: readonly Unit[],
  covered: ReadonlySet<bigint>,
  table: TableConfig,
): { readonly groups: readonly FileGroup[]; readonly failed: readonly FileError[] } {
  const files = new Map(units.map(({ version, file }) => [version, file]))
  const failed = read.failed.flatMap(({ version, error }) => {
    const file = files.get(version)
    if (file === undefined) return []
    const isData = error.code === 'ING-TABLE-DATA-FILE'
    const hint = isData ? VACUUMED : error.hint
    return [
      new FileError(isData ? 'ING-SOURCE-DATA-FILE' : error.code, file.path, `${file.path}: ${error.message}`, { cause: error, hint }),
    ]
  })
  const groups: FileGroup[] = []
  const without = [...read.empty, ...covered].flatMap((version) => files.get(version) ?? [])
  if (without.length > 0) groups.push({ files: without, columns: [], empty: true })
  for (const commits of read.groups) {
    const own = commits.versions.flatMap((version) => files.get(version) ?? [])
    const columns = commits.columns.filter(({ name }) => !isOurs(name, commits, table))
    const problem = namesProblem(columns)
    if (problem !== undefined) failed.push(...own.map((file) => problem(file.path)))
    else groups.push({ files: own, columns, empty: false, layout: { commits } satisfies Layout })
  }
  return { groups, failed }
}

const VACUUMED =
  'vacuum took it away: set format_options: {starting_version: N, initial_snapshot: true} with a version that is whole, and then: ingest skip FILE'

/** Columns that ingestd put into the source for its own sake, and puts into this table as well. */
function isOurs(name: string, { properties }: CommitGroup, table: TableConfig): boolean {
  if (properties['ingestd.tracker'] === undefined) return false
  const own = [...(table.auditColumns ? AUDIT_COLUMNS : []), SEQUENCE_COLUMN]
  return own.some((column) => column.name === name)
}

function namesProblem(columns: readonly Column[]): ((path: string) => FileError) | undefined {
  const seen = new Map<string, string>()
  for (const { name } of columns) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) return (path) => duplicateColumn(path, other, name)
    seen.set(name.toLowerCase(), name)
  }
  const reserved = RESERVED_NAMES.find((name) => seen.has(name))
  return reserved === undefined ? undefined : (path) => badColumnName(path, `the column name ${reserved} is reserved`)
}

function changesOf(table: TableConfig): 'inserts' | 'all' {
  return textOption(table, 'changes') === 'all' ? 'all' : 'inserts'
}

function startOf(table: TableConfig): bigint | undefined {
  const start = textOption(table, 'starting_version')
  return start === undefined ? undefined : BigInt(start)
}

/** Nothing but the numbers of rows tells an order from another where rows are appended. */
function isOrdered({ strategy, metadataColumns, deduplicate, maxBadRows, formatOptions }: TableConfig): boolean {
  const isNumbered = metadataColumns.includes('_file_row_number') || deduplicate !== false || maxBadRows !== 0
  return strategy !== 'append' || isNumbered || formatOptions['changes'] === 'all'
}

/** The table says what its columns are; where it changed on the way they are widened. */
async function inferColumns(groups: readonly FileGroup[], { session }: FormatContext): Promise<readonly Column[]> {
  const types = new Map<string, { readonly name: string; readonly types: string[] }>()
  for (const { columns } of groups)
    for (const { name, type } of columns) {
      const known = types.get(name.toLowerCase()) ?? { name, types: [] }
      types.set(name.toLowerCase(), known)
      if (type !== null && !known.types.includes(type)) known.types.push(type)
    }
  const inferred: Column[] = []
  for (const { name, types: distinct } of types.values()) inferred.push({ name, type: await widest(distinct, session) })
  return inferred
}

function commitRelation(group: FileGroup, columns: readonly ReadColumn[]): Sql {
  // Decoder: the layout was made above, the only place where these groups are made.
  const { commits } = group.layout as Layout
  const own = new Map(group.columns.map(({ name, type }) => [name, type]))
  const values = columns.map(({ name, type }) => (own.get(name) === type ? id(name) : sql`${id(name)}::${raw(type)} as ${id(name)}`))
  const rows = commits.rows(group.files.map((file) => ({ version: versionOf(file), path: file.path })))
  return sql`select ${join([...values, raw('__path, __index')])} from (${rows})`
}

/** Rows of each commit, where the reader of the data files gives more: those that are deleted, or were before. */
async function rowsRead(groups: readonly FileGroup[], context: FormatContext): Promise<ReadonlyMap<string, bigint> | undefined> {
  const full = groups.filter(({ empty }) => !empty)
  if (!full.some(({ layout }) => (layout as Layout).commits.isSifted)) return undefined
  const counts = new Map<string, bigint>()
  for (const group of full) {
    const rows = await context.session.rows(sql`select __path as path, count(*) as rows from (${commitRelation(group, [])}) group by 1`)
    for (const { path, rows: count } of rows) counts.set(String(path), BigInt(String(count)))
  }
  return counts
}

/** Reads the commits by halves, since a damaged page is reported without its commit. */
async function diagnoseCommits(
  group: FileGroup,
  columns: readonly ReadColumn[],
  _error: unknown,
  context: FormatContext,
): Promise<readonly FileError[]> {
  const works = (files: readonly SourceFile[]) => {
    context.signal.throwIfAborted()
    return context.session.rows(sql`select bit_xor(hash(record)) from (${commitRelation({ ...group, files }, columns)}) as record`)
  }
  const found = await culprits(group.files, works, () => undefined)
  return found.map(({ file, error }) => rowProblem(file, messageOf(error)))
}

function rowProblem({ path }: SourceFile, message: string): FileError {
  // Data files are told by their paths within the table.
  const what = firstLine(message).replaceAll(path.replace(/_delta_log\/[^/]*$/, ''), '')
  const conversion = /^(Conversion Error|Out of Range Error):? ?(.*)/i.exec(what)
  if (conversion)
    return new FileError('ING-FILE-VALUE', path, `${path}: ${excerpt(conversion[2] ?? what)}`, {
      hint: 'mend columns or the source table, then: ingest retry FILE',
    })
  return new FileError('ING-SOURCE-DATA-FILE', path, `${path}: a data file of the commit cannot be read: ${excerpt(what)}`, {
    hint: VACUUMED,
  })
}

type Range = readonly [bigint, bigint]

function rangesOf(reader: unknown): readonly Range[] {
  if (typeof reader !== 'object' || reader === null || !('seen' in reader)) return []
  // Decoder: it was written by `inspectCommits` as JSON.
  return (reader as Remembered).seen.map(([from, to]) => [BigInt(from), BigInt(to)])
}

function holds(ranges: readonly Range[], version: bigint): boolean {
  return ranges.some(([from, to]) => from <= version && version <= to)
}

/** Ranges in order, those that touch as one. */
function merged(ranges: readonly Range[]): readonly Range[] {
  const result: [bigint, bigint][] = []
  for (const [from, to] of ranges.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))) {
    const last = result.at(-1)
    if (last === undefined || from > last[1] + 1n) result.push([from, to])
    else if (to > last[1]) last[1] = to
  }
  return result
}
