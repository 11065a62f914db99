import { literal, sql } from '../../engine/sql.ts'
import { FileError } from '../../errors/errors.ts'
import type { Column } from '../../model/schema.ts'
import { culprits } from '../culprits.ts'
import { messageOf, namedFile, throwForeign } from '../engine-message.ts'
import { escapeGlob, fileList, RESERVED_NAMES } from '../file-list.ts'
import { badColumnName, duplicateColumn, truncated, wrongFormat } from '../file-problems.ts'
import type { FileGroup, FormatContext, Inspection, SourceFile } from '../format.ts'
import { flagOption } from '../options.ts'
import { inParallel } from '../parallel.ts'
import { parquetProblem } from './problem.ts'

const OPEN_FILES = 32
/** Files up to this size are read at once, others at both ends. */
const SMALL = 65_536n
/** Magic, footer length, magic. */
const LEAST = 12

/** Groups files by schema with one query over all of them; the ends of each file are looked at before. */
export async function inspectParquet(files: readonly SourceFile[], context: FormatContext): Promise<Inspection> {
  const looks = await inParallel(files, OPEN_FILES, context.signal, (file) => wholeFile(file, context))
  const failed: FileError[] = looks.filter((look) => look instanceof FileError)
  const whole = looks.flatMap((look) => (look instanceof FileError ? [] : [look]))
  let schemas = await schemasOf(whole, context)
  if (schemas instanceof Error) {
    const found = await culprits(
      whole,
      (part) => thrown(schemasOf(part, context)),
      (error) => namedFile(messageOf(error), whole),
    )
    failed.push(...found.map(({ file, error }) => parquetProblem(file, messageOf(error))))
    const bad = new Set(found.map(({ file }) => file))
    schemas = await schemasOf(
      whole.filter((file) => !bad.has(file)),
      context,
    )
    if (schemas instanceof Error) throw schemas
  }
  const groups: FileGroup[] = []
  for (const schema of schemas) {
    const group = await groupOf(schema, context)
    if (Array.isArray(group)) failed.push(...group)
    else groups.push(group)
  }
  return { groups, failed, reader: null }
}

async function wholeFile(file: SourceFile, { io }: FormatContext): Promise<SourceFile | FileError> {
  if (file.size === 0n) {
    return new FileError('ING-FILE-EMPTY', file.path, `${file.path}: the file has no bytes, and Parquet needs a footer`, {
      hint: 'deliver it again',
    })
  }
  try {
    const head = Buffer.from(await io.head(file, file.size <= SMALL ? Number(SMALL) : 4))
    const tail = file.size <= SMALL ? head.subarray(-8) : Buffer.from(await io.tail(file, 8))
    return endsProblem(file, head, tail) ?? file
  } catch (error) {
    if (error instanceof FileError) return error
    throw error
  }
}

function endsProblem(file: SourceFile, head: Buffer, tail: Buffer): FileError | undefined {
  const begins = head.toString('latin1', 0, 4)
  const ends = tail.toString('latin1', Math.max(0, tail.length - 4))
  if (begins === 'PARE') return wrongFormat(file.path, 'the Parquet file is encrypted', 'deliver it without encryption')
  if (begins !== 'PAR1') return wrongFormat(file.path, 'this is not a Parquet file')
  if (ends !== 'PAR1' || file.size < LEAST) return truncated(file.path, 'it begins as Parquet, but has no footer')
  const footer = BigInt(tail.readUInt32LE(tail.length - 8))
  if (footer === 0n || footer + BigInt(LEAST) > file.size)
    return truncated(file.path, `its footer says ${footer} bytes, which the file does not have`)
  return undefined
}

interface Schema {
  readonly files: readonly SourceFile[]
  readonly empty: boolean
}

/** Files by equal schema, told apart by whether they have rows. The error, where a footer cannot be read. */
async function schemasOf(files: readonly SourceFile[], { session }: FormatContext): Promise<readonly Schema[] | Error> {
  if (files.length === 0) return []
  const list = fileList(files)
  try {
    const rows = await session.rows(sql`
      select s.file_name as path, s.key, m.num_rows = 0 as empty
      from (select file_name, md5(string_agg(concat_ws(chr(31), name, type, type_length, repetition_type, num_children, converted_type,
          scale, "precision", logical_type), chr(30) order by column_id)) as key from parquet_schema(${list}) group by file_name) as s
        join parquet_file_metadata(${list}) as m using (file_name)`)
    return grouped(files, rows)
  } catch (error) {
    throwForeign(error)
    return error instanceof Error ? error : new Error(String(error))
  }
}

function grouped(files: readonly SourceFile[], rows: readonly Readonly<Record<string, unknown>>[]): readonly Schema[] {
  const byPath = new Map(rows.map((row) => [row['path'], row]))
  const groups = new Map<string, { files: SourceFile[]; empty: boolean }>()
  for (const file of files) {
    const row = byPath.get(file.readPath)
    const key = `${row?.['key']} ${row?.['empty']}`
    const group = groups.get(key)
    if (group) group.files.push(file)
    else groups.set(key, { files: [file], empty: row?.['empty'] === true })
  }
  return [...groups.values()]
}

async function thrown(schemas: Promise<readonly Schema[] | Error>): Promise<void> {
  const result = await schemas
  if (result instanceof Error) throw result
}

/** The group of a schema, or an error for each of its files. */
async function groupOf({ files, empty }: Schema, context: FormatContext): Promise<FileGroup | FileError[]> {
  const [first] = files
  if (!first) return []
  const columns = await columnsOf(first, context)
  const names = await topNames(first, context)
  const problem = namesProblem(names)
  return problem ? files.map((file) => problem(file.path)) : { files, columns, empty }
}

/** Names and types of one file's columns. */
async function columnsOf(file: SourceFile, context: FormatContext): Promise<readonly Column[]> {
  const list = literal(escapeGlob(file.readPath))
  const binary = flagOption(context.table, 'binary_as_string') ? sql`, binary_as_string = true` : sql``
  const rows = await context.session.rows(sql`describe select * from read_parquet(${list}, hive_partitioning = false${binary})`)
  return rows.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }))
}

/** Names as the file has them: a read appends `_1` to a name that stands twice. */
async function topNames(file: SourceFile, { session }: FormatContext): Promise<readonly string[]> {
  const rows = await session.rows(
    sql`select name, num_children::bigint as children from parquet_schema(${fileList([file])}) order by column_id`,
  )
  const names: string[] = []
  let at = 1
  while (at < rows.length) {
    names.push(String(rows[at]?.['name']))
    for (let open = 1; open > 0 && at < rows.length; at += 1) open += Number(rows[at]?.['children'] ?? 0n) - 1
  }
  return names
}

function namesProblem(names: readonly string[]): ((path: string) => FileError) | undefined {
  const seen = new Map<string, string>()
  for (const name of names) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) return (path) => duplicateColumn(path, other, name)
    seen.set(name.toLowerCase(), name)
  }
  const reserved = RESERVED_NAMES.find((name) => seen.has(name))
  return reserved === undefined ? undefined : (path) => badColumnName(path, `the column name ${reserved} is reserved`)
}
