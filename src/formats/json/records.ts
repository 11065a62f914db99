import { id, join, literal, raw, type Sql, sql } from '../../engine/sql.ts'
import { FileError } from '../../errors/errors.ts'
import type { TableConfig } from '../../model/table.ts'
import { messageOf, throwForeign } from '../engine-message.ts'
import { badJson, duplicateColumn } from '../file-problems.ts'
import type { Format, FormatContext, InterimFile, SourceFile } from '../format.ts'
import { flagOption, textOption } from '../options.ts'
import { type Part, withParts } from '../parts.ts'
import { type Decimals, decimalsOf, exactDecimals } from './exact.ts'
import { type Look, wholeFile } from './inspect.ts'
import { jsonProblem } from './problem.ts'
import { readObjects } from './reading.ts'
import { NOT_THERE, parseRecordPath, recordsAt } from './record-path.ts'

/**
 * JSON whose records stand at a path (`json_path`), or whose nested fields are columns (`flatten`): the engine writes the records
 * of each file into a file of the load's own, one a line, and these are read.
 */
export function withRecords(format: Format): Format {
  return withParts(format, {
    take: async (files, context) => {
      const taken = new Map<SourceFile, readonly Part[] | FileError>()
      if (!isRewritten(context.table)) return taken
      for (const file of files) {
        context.signal.throwIfAborted()
        const part = await rewritten(file, context)
        if (part !== undefined) taken.set(file, part instanceof FileError ? part : [{ ...part, member: null }])
      }
      return taken
    },
    hidesLines: ({ table }) => isRewritten(table),
    inner: (context) => (isRewritten(context.table) ? { ...context, table: linesOf(context.table) } : context),
  })
}

function isRewritten(table: TableConfig): boolean {
  return table.jsonPath !== null || isFlat(table)
}

function isFlat(table: TableConfig): boolean {
  return flagOption(table, 'flatten') ?? false
}

/** How the records are read once they stand one a line; their lines are not those of the file, so records are counted instead. */
function linesOf(table: TableConfig): TableConfig {
  return {
    ...table,
    fileFormat: 'json',
    jsonPath: null,
    formatOptions: { ...table.formatOptions, compression: 'none', flatten: false },
    watch: { ...table.watch, requireFinalNewline: false },
  }
}

/** Undefined for a file without any byte. */
async function rewritten(file: SourceFile, context: FormatContext): Promise<InterimFile | FileError | undefined> {
  const look = await wholeFile(file, context)
  if (look instanceof FileError) return look
  if (file.size === 0n) return undefined
  if (look.empty) return context.io.interim(nothing())
  try {
    const records = recordsOf(look, context)
    const flat = isFlat(context.table) ? await flattened(records, file, context) : undefined
    const rows =
      flat === undefined
        ? {
            query: sql`select json::varchar as line from (${records})`,
            how: sql`format csv, header false, quote '', escape '', delimiter ''`,
          }
        : { query: flat, how: sql`format json` }
    return await context.io.interim((path) => context.session.run(sql`copy (${rows.query}) to ${literal(path)} (${rows.how})`))
  } catch (error) {
    if (error instanceof FileError) return error
    throwForeign(error)
    return problemOf(look, error, context)
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function recordsOf({ file, compression }: Look, context: FormatContext): Sql {
  const read = readObjects([file], { layout: { compression }, context })
  const decimals = declaredDecimals(context.table)
  const documents = decimals === undefined ? read : sql`(select ${exactDecimals(raw('json'), decimals)} as json from ${read})`
  const path = context.table.jsonPath === null ? undefined : parseRecordPath(context.table.jsonPath)
  const records =
    path === undefined ? sql`select json from ${documents}` : sql`select unnest(${recordsAt(sql`json`, path)}) as json from ${documents}`
  return sql`select case when json_type(json) in ('OBJECT', 'NULL') then json else error(${literal(NO_OBJECT)})::json end as json from (${records})`
}

/** Of flattened records the fields have other names: any end of the column's may be theirs. */
function declaredDecimals(table: TableConfig): Decimals | undefined {
  const decimals = decimalsOf(Object.entries(table.columnTypes).map(([name, type]) => ({ name, type })))
  if (decimals === undefined || !isFlat(table)) return decimals
  const separator = separatorOf(table)
  const ends = [...decimals.fields].map((name) => name.split(separator))
  return { ...decimals, fields: new Set(ends.flatMap((parts) => parts.map((_, from) => parts.slice(from).join(separator)))) }
}

function separatorOf(table: TableConfig): string {
  return textOption(table, 'flatten_separator') ?? '_'
}

const NO_OBJECT = 'a record must be an object'

async function problemOf({ file, compression }: Look, error: unknown, context: FormatContext): Promise<FileError> {
  const message = messageOf(error)
  if (message.includes(NOT_THERE)) return badJson(file.path, null, `it has no list of records at json_path ${context.table.jsonPath}`)
  if (message.includes(NO_OBJECT)) return badJson(file.path, null, NO_OBJECT)
  return jsonProblem(file, message, { compression, context })
}

/** A field within objects; lists stay as they are. */
interface Leaf {
  readonly name: string
  readonly keys: readonly string[]
}

/** The records with a column for each field that is no object; undefined where there is no field. */
async function flattened(records: Sql, file: SourceFile, { session, table }: FormatContext): Promise<Sql | undefined> {
  const [row] = await session.rows(sql`select json_group_structure(json)::varchar as structure from (${records})`)
  const structure: unknown = typeof row?.['structure'] === 'string' ? JSON.parse(row['structure']) : {}
  const leaves = leavesOf(structure, [], separatorOf(table))
  checkNames(leaves, file)
  if (leaves.length === 0) return undefined
  const values = leaves.map(({ name, keys }) => sql`json_extract(json, ${literal(pointer(keys))}) as ${id(name)}`)
  return sql`select ${join(values)} from (${records})`
}

function leavesOf(structure: unknown, keys: readonly string[], separator: string): readonly Leaf[] {
  const isObject = typeof structure === 'object' && structure !== null && !Array.isArray(structure)
  const fields = isObject ? Object.entries(structure) : []
  if (fields.length === 0) return keys.length === 0 ? [] : [{ name: keys.join(separator), keys }]
  return fields.flatMap(([key, value]) => leavesOf(value, [...keys, key], separator))
}

function checkNames(leaves: readonly Leaf[], file: SourceFile): void {
  const seen = new Map<string, string>()
  for (const { name } of leaves) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) throw duplicateColumn(file.path, other, name)
    seen.set(name.toLowerCase(), name)
  }
}

/** A JSON pointer, which takes any key. */
function pointer(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
