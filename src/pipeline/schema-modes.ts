import type { FileGroup } from '../formats/format.ts'
import type { Warning } from '../model/batch.ts'
import { isByValue } from '../model/reject.ts'
import type { SchemaChange } from '../model/schema.ts'
import { fileColumnNames, schemaModeOf, type TableConfig } from '../model/table.ts'
import { changesBetween, type TypeChange } from '../model/type-difference.ts'
import type { TableColumn, TableState } from '../stores/store.ts'
import { type Growth, grown, misfit, unknownFields } from './fit.ts'

/** A column of files, and the column of the table that it is. */
export interface ColumnPair {
  readonly source: string
  readonly target: string
  /** DuckDB type; null where the file does not say. */
  readonly type: string | null
}

/** Where the columns of a group go. */
export interface Mapped {
  readonly group: FileGroup
  readonly pairs: readonly ColumnPair[]
  /** Columns that the table lacks and does not get. */
  readonly apart: readonly ColumnPair[]
}

/** The table that files are brought together with. */
export interface Held {
  readonly table: TableConfig
  readonly state: TableState | null
  /** Whether values of a column of another type are judged one by one. */
  readonly judges?: boolean
}

/** Why a file does not fit the table. */
export interface Problem {
  readonly code:
    | 'ING-FILE-COLUMN-NAME'
    | 'ING-FILE-DUPLICATE-COLUMN'
    | 'ING-SCHEMA-NEW-COLUMN'
    | 'ING-SCHEMA-MISSING-COLUMN'
    | 'ING-SCHEMA-STRANGER'
    | 'ING-SCHEMA-TYPE'
  readonly message: string
  readonly hint: string
}

/** A column that the table lacks, or that the file does, where its mode is `fail`. */
export function strictProblem(
  { pairs }: Mapped,
  { reference, owned }: { readonly reference: ReadonlySet<string>; readonly owned: ReadonlySet<string> },
  table: TableConfig,
): Problem | undefined {
  const own = new Set(pairs.map(({ target }) => lower(target)))
  const added = pairs.find(({ target }) => !reference.has(lower(target)) && schemaModeOf(table, target) === 'fail')
  if (added)
    return {
      code: 'ING-SCHEMA-NEW-COLUMN',
      message: `the column ${JSON.stringify(added.target)} is not in ${table.name}`,
      hint: 'schema_evolution: true adds it; exclude_columns leaves it out',
    }
  const missing = [...reference].find((name) => !own.has(name) && !owned.has(name) && schemaModeOf(table, name) === 'fail')
  return missing === undefined
    ? undefined
    : {
        code: 'ING-SCHEMA-MISSING-COLUMN',
        message: `the column ${JSON.stringify(missing)} of ${table.name} is missing`,
        hint: 'schema_evolution: true loads it as null',
      }
}

/** A first line of which the table knows no name is no header, or one of other files. */
export function strangerProblem({ group, pairs }: Mapped, known: ReadonlySet<string>, table: TableConfig): Problem | undefined {
  const ownNames = new Set(fileColumnNames(table).map(lower))
  const isOwn = ({ target }: ColumnPair) => ownNames.has(lower(target))
  const hasHeader = table.fileFormat === 'csv' || table.fileFormat === 'xlsx'
  const isKnown = ({ source, target }: ColumnPair) => known.has(lower(target)) || known.has(lower(source))
  const isAkin = group.empty || pairs.some((pair) => !isOwn(pair) && isKnown(pair))
  if (!hasHeader || isAkin) return undefined
  return {
    code: 'ING-SCHEMA-STRANGER',
    message: `none of its columns is in ${table.name}: ${pairs
      .filter((pair) => !isOwn(pair))
      .slice(0, 3)
      .map(({ source }) => JSON.stringify(source))
      .join(', ')}`,
    hint: 'give the file its header; rename_columns tells which columns of the table its columns are',
  }
}

/** Sets apart the columns that a table with columns of its own lacks, and does not get by their mode. */
export function withoutUnknown(one: Mapped, known: ReadonlySet<string>, table: TableConfig): Mapped {
  const isApart = ({ target }: ColumnPair) => !known.has(lower(target)) && ['ignore', 'rescue'].includes(schemaModeOf(table, target))
  const apart = one.pairs.filter(isApart)
  return apart.length === 0 ? one : { ...one, pairs: one.pairs.filter((pair) => !isApart(pair)), apart }
}

/** The columns of the table after a batch, and what it changes in them. */
export interface GrownColumns {
  readonly columns: readonly TableColumn[]
  readonly changes: readonly SchemaChange[]
}

/** Types of files, as they are known before they are read, or were found by looking at them. */
export interface TypesOfFiles {
  readonly file: string | null
  readonly isInferred?: boolean
  /** Only fields that are new are asked for, and no wider types. */
  readonly fieldsAlone?: boolean
  /** Column of the table and type of the files. */
  readonly types: readonly { readonly target: string; readonly type: string }[]
}

/** The columns with what files have beyond them, as far as their modes and the table allow. */
export function grownColumns(columns: readonly TableColumn[], files: readonly TypesOfFiles[], held: Held): GrownColumns {
  const byName = new Map(columns.map((column) => [lower(column.name), column]))
  const known = new Set(held.state?.columns.map(({ name }) => lower(name)))
  const changes: SchemaChange[] = []
  for (const { file, target, type, isInferred, fieldsAlone } of files.flatMap(({ types, ...of }) =>
    types.map((one) => ({ ...of, ...one })),
  )) {
    const column = byName.get(lower(target))
    if (column === undefined) continue
    const own = schemaModeOf(held.table, target)
    const mode = fieldsAlone === true && own === 'widen' ? 'evolve' : own
    const isKnown = known.has(lower(target))
    const wanted = grownType(column, type, { mode, isInferred: isInferred === true }, isKnown ? held : undefined)
    byName.set(lower(target), wanted === column.type ? column : { ...column, type: wanted })
    if (isKnown) changes.push(...changesBetween(column.type, wanted, column.name).map((change) => ({ ...schemaChange(change), file })))
  }
  return { columns: columns.map((column) => byName.get(lower(column.name)) ?? column), changes }
}

function schemaChange({ path, from, to }: TypeChange): Omit<SchemaChange, 'file'> {
  return { kind: from === null ? 'added' : 'changed', column: path, from, to }
}

/** The type that a column grows to; its own where it holds all values already, or cannot grow. A column that is held has rows. */
function grownType(column: TableColumn, type: string, growth: Growth, held: Held | undefined): string {
  if (growth.isInferred !== true && misfit(type, column.type) === undefined) return column.type
  const wanted = grown(column.type, type, growth) ?? column.type
  return held === undefined || widenBlocker(column, wanted, held) === undefined ? wanted : column.type
}

/** The first file of a group. */
export function firstFile(group: FileGroup): string | null {
  return (
    group.files.reduce((first, file) => (first === undefined || file.ordinal < first.ordinal ? file : first), group.files[0])?.path ?? null
  )
}

/** A type that no mode brings into the table's. `ignore` leaves fields out, and `rescue` takes what does not fit. */
export function typeProblem(
  { pairs }: Mapped,
  columns: readonly TableColumn[],
  { table, state, judges = false }: Held,
): Problem | undefined {
  const byName = new Map(columns.map((column) => [lower(column.name), column]))
  for (const { source, target, type } of pairs) {
    const column = byName.get(lower(target))
    const mode = schemaModeOf(table, target)
    if (type === null || column === undefined || mode === 'rescue') continue
    const reason = misfit(type, column.type)
    if (reason === undefined || grown(column.type, type, { mode }) === column.type) continue
    if (judges && isByValue(type, column.type)) continue
    const wanted = grown(column.type, type, { mode })
    const blocked = wanted === undefined ? undefined : widenBlocker(column, wanted, { table, state })
    return {
      code: 'ING-SCHEMA-TYPE',
      message: `column ${JSON.stringify(source)}: ${reason}${blocked === undefined ? '' : `, and it cannot be widened: ${blocked}`}`,
      hint: 'deliver the type of the table, or leave the column out with exclude_columns',
    }
  }
  return undefined
}

/** Whether a column of the files has values or fields that have no place in the table's. */
export function isBeyond(type: string | null, wanted: string | undefined): boolean {
  return type !== null && wanted !== undefined && misfit(type, wanted) !== undefined
}

/** Columns and nested fields of files that the table has no place for, where their mode is `ignore`. */
export function ignoredNames({ pairs, apart }: Mapped, columns: readonly TableColumn[], table: TableConfig): readonly string[] {
  const types = new Map(columns.map((column) => [lower(column.name), column.type]))
  return [
    ...apart.filter(({ target }) => schemaModeOf(table, target) === 'ignore').map(({ target }) => target),
    ...pairs.flatMap(({ target, type }) => {
      const wanted = types.get(lower(target))
      if (type === null || wanted === undefined || schemaModeOf(table, target) !== 'ignore') return []
      return unknownFields(type, wanted, target)
    }),
  ]
}

/** Tells of what was left out of files. */
export function ignoredWarnings(
  groups: readonly { readonly group: FileGroup; readonly ignored: readonly string[] }[],
  table: string,
): readonly Warning[] {
  const files = new Map<string, number>()
  for (const { group, ignored } of groups) for (const name of ignored) files.set(name, (files.get(name) ?? 0) + group.files.length)
  return [...files].map(([name, count]) => ({
    code: 'ING-SCHEMA-IGNORED',
    message: `${table}: ${JSON.stringify(name)} of ${count === 1 ? '1 file' : `${count} files`} is not in the table and was left out (schema_evolution: ignore)`,
  }))
}

/** Why a column of a table that holds rows cannot have a wider type. */
function widenBlocker(column: TableColumn, wanted: string, { table, state }: Held): string | undefined {
  const widened = changesBetween(column.type, wanted, column.name).filter(({ from }) => from !== null)
  if (widened.length === 0) return undefined
  const is = (name: string) => lower(name) === lower(column.name)
  if (table.outputFormat === 'parquet') return 'files of output_format: parquet keep one type for each column'
  if (state?.properties['delta.enableTypeWidening']?.trim().toLowerCase() === 'false')
    return "the table's property delta.enableTypeWidening is false"
  if (state?.partitionColumns.some(is) && !/INT/.test(wanted))
    return `partition values are texts, and those of ${wanted} are written otherwise`
  if (table.strategy === 'scd2' && table.sequenceBy.some(is)) return 'sequence_by gives the columns of the history their type'
  return undefined
}

function lower(name: string): string {
  return name.toLowerCase()
}
