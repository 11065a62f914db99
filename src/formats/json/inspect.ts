import { id, sql } from '../../engine/sql.ts'
import { FileError } from '../../errors/errors.ts'
import { mayReject } from '../../model/reject.ts'
import type { TableConfig } from '../../model/table.ts'
import { type Compression, compressionOf } from '../compression.ts'
import { culprits } from '../culprits.ts'
import { messageOf, namedFile, throwForeign } from '../engine-message.ts'
import { RESERVED_NAMES } from '../file-list.ts'
import { badColumnName, badJson, duplicateColumn, truncated, wrongEncoding } from '../file-problems.ts'
import type { FileGroup, FormatContext, Inspection, SourceFile } from '../format.ts'
import { inParallel } from '../parallel.ts'
import { type TextEnds, textEnds } from '../text-ends.ts'
import { groupFiles, type Keyed } from './groups.ts'
import { jsonProblem } from './problem.ts'
import { type Layout, readLines } from './reading.ts'

const FIRST_BYTES = 4096
const LAST_BYTES = 1024
const OPEN_FILES = 32

/**
 * Looks at both ends of each file, then collects the fields of every record with one query over all files, since a
 * field may first stand in the last record. A file that cannot be parsed is found on the way.
 */
export async function inspectJson(files: readonly SourceFile[], context: FormatContext): Promise<Inspection> {
  const looks = await inParallel(files, OPEN_FILES, context.signal, (file) => wholeFile(file, context))
  const failed: FileError[] = looks.filter((look) => look instanceof FileError)
  const whole = looks.flatMap((look) => (look instanceof FileError ? [] : [look]))
  const groups: FileGroup[] = []
  for (const compression of new Set(whole.map((look) => look.compression))) {
    const same = whole.filter((look) => look.compression === compression)
    const empty = same.filter((look) => look.empty).map(({ file }) => file)
    if (empty.length > 0) groups.push({ files: empty, columns: [], empty: true, layout: { compression } })
    const found = await keyed(
      same.filter((look) => !look.empty).map(({ file }) => file),
      compression,
      context,
    )
    failed.push(...found.failed)
    groups.push(...groupFiles(found.files, { compression }, context.table))
    if (found.lines.length > 0) groups.push(...groupFiles(found.lines, { compression, lines: true }, context.table))
  }
  return { groups, failed, reader: null }
}

/** A file whose ends show no cut. */
export interface Look {
  readonly file: SourceFile
  readonly compression: Compression
  readonly empty: boolean
}

/** Looks at both ends of a file. */
export async function wholeFile(file: SourceFile, context: FormatContext): Promise<Look | FileError> {
  const compression = compressionOf(file, context.table)
  if (file.size === 0n) return { file, compression, empty: true }
  try {
    const ends = await bothEnds(file, compression, context)
    return { file, compression, empty: checkEnds(file, ends, context) }
  } catch (error) {
    if (error instanceof FileError) return error
    throw error
  }
}

/** The tail of a zstd file costs its decompression; it is only needed where a cut would not show otherwise. */
async function bothEnds(file: SourceFile, compression: Compression, { io, table }: FormatContext): Promise<TextEnds> {
  const tail = compression !== 'zstd' || table.watch.requireFinalNewline ? LAST_BYTES : 0
  const ends = await textEnds(file, compression, io, { head: FIRST_BYTES, tail })
  return tail === 0 && opening(ends) === '[' ? textEnds(file, compression, io, { head: FIRST_BYTES, tail: LAST_BYTES }) : ends
}

function opening(ends: TextEnds): string {
  return ends.head.toString('latin1').trimStart()[0] ?? ''
}

/** Whether the file has no record. Throws FileError where an end shows that the file is cut, or no JSON. */
function checkEnds(file: SourceFile, ends: TextEnds, { table }: FormatContext): boolean {
  checkEncoding(file, ends.head)
  const head = ends.head.toString('latin1').trimStart()
  if (head === '') return ends.complete
  const documents = table.fileFormat === 'json'
  const opened = head[0] ?? ' '
  if (mayRejectEnds(ends, table)) return false
  if (opened !== '{' && !(documents && opened === '[')) {
    throw badJson(
      file.path,
      null,
      `a record begins with '{'${documents ? " and an array with '['" : ''}, not with ${JSON.stringify(opened)}`,
    )
  }
  if (table.watch.requireFinalNewline && !/[\r\n]$/.test(ends.tail.toString('latin1')))
    throw truncated(file.path, 'it has no final newline')
  if (!isClosed(opened, ends, documents)) throw truncated(file.path, `its last ${opened === '[' ? 'array' : 'record'} is not closed`)
  return ends.complete && /^\[\s*\]\s*$/.test(head)
}

/** Whole lines that are no records may be rejected, also the first and the last. */
function mayRejectEnds({ tail }: TextEnds, table: TableConfig): boolean {
  return table.fileFormat === 'ndjson' && mayReject(table) && /[\r\n]$/.test(tail.toString('latin1'))
}

/** The engine takes an array that stops after a comma as complete. Without a tail, the frames of zstd show a cut. */
function isClosed(opened: string, ends: TextEnds, documents: boolean): boolean {
  const last = ends.tail.toString('latin1').trimEnd().at(-1)
  if (last === undefined || last === (opened === '[' ? ']' : '}')) return true
  // A line that is over, and no record, is told by its number.
  if (!documents && /[\r\n]$/.test(ends.tail.toString('latin1'))) return true
  return documents && opened === '{' && last === ']'
}

function checkEncoding(file: SourceFile, head: Buffer): void {
  const [first, second] = head
  const wide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first === 0 || second === 0
  if (wide) throw wrongEncoding(file.path, 'the JSON is not UTF-8', 'deliver UTF-8')
}

interface KeyedFiles {
  readonly files: readonly Keyed[]
  /** Files of which some lines are no records, though others are. */
  readonly lines: readonly Keyed[]
  readonly failed: readonly FileError[]
}

async function keyed(files: readonly SourceFile[], compression: Compression, context: FormatContext): Promise<KeyedFiles> {
  if (files.length === 0) return { files: [], lines: [], failed: [] }
  const failed: FileError[] = []
  const lines: Keyed[] = []
  const fail = async (file: SourceFile, message: string) => {
    const problem = await jsonProblem(file, message, { compression, context })
    const found = await brokenLines(file, problem, { compression, context })
    if (found instanceof FileError) failed.push(found)
    else lines.push(found)
  }
  let rows: readonly KeyRow[]
  let readable = files
  try {
    rows = await keyRows(files, { compression }, context)
  } catch (error) {
    throwForeign(error)
    const found = await culprits(
      files,
      (part) => keyRows(part, { compression }, context),
      (problem) => namedFile(messageOf(problem), files),
    )
    for (const culprit of found) await fail(culprit.file, messageOf(culprit.error))
    const bad = new Set(found.map(({ file }) => file))
    readable = files.filter((file) => !bad.has(file))
    rows = readable.length === 0 ? [] : await keyRows(readable, { compression }, context)
  }
  const { keys, broken } = byFile(readable, rows)
  const isLines = context.table.fileFormat === 'ndjson'
  const good: Keyed[] = []
  for (const file of readable) {
    const names = keys.get(file)
    const isDoubtful = broken.has(file)
    const problem = namesProblem(file, names)
    if (isDoubtful && !(isLines && mayReject(context.table))) await fail(file, '')
    else if (problem) failed.push(problem)
    else good.push({ file, names: [...(names?.all ?? [])], isDoubtful })
  }
  return { files: good, lines, failed }
}

/** A document whose records stand one a line, but for lines that are none: those may be rejected. Else its problem. */
async function brokenLines(
  file: SourceFile,
  problem: FileError,
  { compression, context }: { readonly compression: Compression; readonly context: FormatContext },
): Promise<Keyed | FileError> {
  // An object that a line leaves open looks like a cut of the whole; the ends of the file were looked at before.
  const isAsked = problem.code === 'ING-FILE-JSON' || problem.code === 'ING-FILE-TRUNCATED'
  const mayBe = context.table.fileFormat === 'json' && mayReject(context.table) && isAsked
  if (!mayBe) return problem
  const layout = { compression, lines: true }
  const [counted] = await context.session.rows(sql`select count(*) as lines, count(*) filter (json_type(json) = 'OBJECT') as records
    from ${readLines([file], { layout, context })}`)
  if (2n * BigInt(String(counted?.['records'])) <= BigInt(String(counted?.['lines']))) return problem
  const names = byFile([file], await keyRows([file], layout, context)).keys.get(file)
  return namesProblem(file, names) ?? { file, names: [...(names?.all ?? [])], isDoubtful: true }
}

/** A set of names that some records of a file have; the fullest come first, which gives the columns their order. */
interface KeyRow {
  readonly path: string
  readonly keys: readonly string[]
  /** A line that cannot be parsed, or a value that is no object. */
  readonly broken: boolean
}

async function keyRows(files: readonly SourceFile[], layout: Layout, context: FormatContext): Promise<readonly KeyRow[]> {
  const rows = await context.session.rows(sql`
    select distinct __path as path, keys, (kind is null or kind not in ('OBJECT', 'NULL')) as broken
    from (select __path, json_keys(json) as keys, case when json is not null and len(json_keys(json)) > 0 then 'OBJECT' else json_type(json) end as kind
      from ${readLines(files, { layout, context, more: [sql`filename = '__path'`] })})
    order by len(keys) desc, keys`)
  return rows.map((row) => ({
    path: String(row['path']),
    keys: Array.isArray(row['keys']) ? row['keys'].map(String) : [],
    broken: row['broken'] === true,
  }))
}

interface Names {
  readonly all: Set<string>
  /** A name that stands twice in one record. */
  twice: string | null
}

function byFile(
  files: readonly SourceFile[],
  rows: readonly KeyRow[],
): { readonly keys: ReadonlyMap<SourceFile, Names>; readonly broken: ReadonlySet<SourceFile> } {
  const opened = new Map(files.map((file) => [file.readPath, file]))
  const keys = new Map<SourceFile, Names>()
  const broken = new Set<SourceFile>()
  for (const row of rows) {
    const file = opened.get(row.path)
    if (!file) continue
    if (row.broken) broken.add(file)
    const names = keys.get(file) ?? { all: new Set<string>(), twice: null }
    keys.set(file, names)
    for (const key of row.keys) names.all.add(key)
    if (new Set(row.keys).size < row.keys.length) names.twice = row.keys.find((key, index) => row.keys.indexOf(key) < index) ?? null
  }
  return { keys, broken }
}

function namesProblem(file: SourceFile, names: Names | undefined): FileError | undefined {
  if (!names) return undefined
  if (names.twice !== null) return duplicateColumn(file.path, names.twice, names.twice)
  const seen = new Map<string, string>()
  for (const name of names.all) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) return duplicateColumn(file.path, other, name)
    seen.set(name.toLowerCase(), name)
  }
  if (seen.has('')) return badColumnName(file.path, 'a field has an empty name')
  const reserved = RESERVED_NAMES.find((name) => seen.has(name))
  return reserved === undefined ? undefined : badColumnName(file.path, `the field name ${id(reserved).text} is reserved`)
}
