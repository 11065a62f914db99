import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import type { FileGroup, Format, FormatContext, Leniency, ReadColumn } from '../formats/format.ts'
import { RESCUED_COLUMN, type SchemaMode } from '../model/schema.ts'
import { schemaModeOf, type TableConfig } from '../model/table.ts'
import { parseType } from '../model/type-text.ts'

/** A group with the columns that a typed read takes of it. */
export interface TypedGroup {
  readonly group: FileGroup
  readonly columns: readonly ReadColumn[]
}

/** A group of which some columns are not read as they are. */
export interface CarefulGroup extends TypedGroup {
  /** Columns that are converted one value after the other, since some do not fit their type. */
  readonly careful: readonly CarefulColumn[]
  /** Columns of the files that the table lacks, and that are rescued. */
  readonly rescued: readonly string[]
  /** Columns and nested fields of the files that are left out. */
  readonly ignored: readonly string[]
}

/** A column whose values are looked at one by one. */
export interface CarefulColumn extends ReadColumn {
  readonly mode: SchemaMode
  /** The type that the files give it; null where they hold texts. */
  readonly given: string | null
}

/** The columns of a group whose mode makes something of values that do not fit. */
export function carefulColumns(
  { group, columns }: TypedGroup,
  sources: ReadonlyMap<string, string>,
  table: TableConfig,
): readonly CarefulColumn[] {
  const given = new Map(group.columns.map(({ name, type }) => [name, type]))
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  return [...sources].flatMap(([target, name]) => {
    const type = types.get(name)
    const mode = schemaModeOf(table, target)
    if (type === undefined || type === 'VARCHAR' || !(mode === 'rescue' || (mode === 'ignore' && isNested(type)))) return []
    return [{ name, type, mode, given: given.get(name) ?? null }]
  })
}

/**
 * The rows of a group as the format reads them; what cannot be read so is set apart with its text, as JSON in a column
 * `_rescued_data`: values that do not fit (which are null then), and columns that the table lacks.
 */
export function rowsOf(one: CarefulGroup, format: Format, context: FormatContext): Sql {
  const { group, careful, rescued } = one
  const isRescued = isRescuing(one)
  const isSifted = group.sifted !== undefined
  if (careful.length === 0 && !isRescued) return format.relation(group, one.columns, context)
  const asRead = new Map(careful.map(({ name, given }) => [name, given ?? 'VARCHAR']))
  const columns = one.columns.map(({ name, type }) => ({ name, type: asRead.get(name) ?? type }))
  const texts = careful.map(({ name, given }, index) => sql`${textOf(id(name), given)} as ${textName(index)}`)
  const read = sql`select ${join([raw('*'), ...texts])} from (${format.relation(group, columns, context)})`
  const values = careful.map(
    (column, index) => sql`${converted(column, textName(index), { format, context, isSifted })} as ${id(column.name)}`,
  )
  const fits = careful.map((column, index) => {
    const strict = isNested(column.type) ? format.tried(column.type, textName(index), context) : id(column.name)
    return sql`(${textName(index)} is null or ${strict} is not null) as ${fitName(index)}`
  })
  const valued = careful.length === 0 ? read : sql`select * replace (${join(values)}) from (${read})`
  const judged = fits.length === 0 ? valued : sql`select ${join([raw('*'), ...fits])} from (${valued})`
  const fitting = isSifted ? withoutMisfits(judged, careful) : judged
  if (!isRescued) return fitting
  const types = new Map(group.columns.map(({ name, type }) => [name, type]))
  const pieces = [
    ...careful.flatMap(({ name, mode }, index) => (mode === 'rescue' ? [piece(name, textName(index), sql`not ${fitName(index)}`)] : [])),
    ...rescued.map((name) => piece(name, textOf(id(name), types.get(name) ?? null), sql`${id(name)} is not null`)),
  ]
  return sql`select *, ${rescuedText(pieces)} as ${id(RESCUED_COLUMN.name)} from (${fitting})`
}

/** Rows whose nested values do not fit, though unknown fields are left out of them, were rejected. */
function withoutMisfits(rows: Sql, careful: readonly CarefulColumn[]): Sql {
  const fits = careful.flatMap(({ name, mode }, index) =>
    mode === 'ignore' ? [sql`(${textName(index)} is null or ${id(name)} is not null)`] : [],
  )
  return fits.length === 0 ? rows : sql`select * from (${rows}) where ${join(fits, ' and ')}`
}

/** Whether rows of the group may have rescued data. */
export function isRescuing({ careful, rescued }: Pick<CarefulGroup, 'careful' | 'rescued'>): boolean {
  return rescued.length > 0 || careful.some(({ mode }) => mode === 'rescue')
}

function converted(
  { type, mode }: CarefulColumn,
  text: Sql,
  { format, context, isSifted }: { readonly format: Format; readonly context: FormatContext; readonly isSifted: boolean },
): Sql {
  const lenient = (what: Leniency) => format.value(type, text, context, what)
  if (mode === 'ignore') return isSifted ? sql`try(${lenient({ fields: true })})` : lenient({ fields: true })
  return isNested(type) ? sql`try(${lenient({ fields: true, values: true })})` : format.tried(type, text, context)
}

/** The text of a value as its file has it. */
function textOf(value: Sql, given: string | null): Sql {
  if (given === null || given === 'VARCHAR') return value
  return isNested(given) ? sql`to_json(${value})::varchar` : sql`${value}::varchar`
}

interface Piece {
  readonly when: Sql
  readonly json: Sql
}

function piece(name: string, text: Sql, when: Sql): Piece {
  // The name of the file stands under `_file_path`.
  const key = name.toLowerCase() === FILE_KEY ? `${name} (column)` : name
  return { when, json: sql`case when ${when} then ${literal(`${JSON.stringify(key)}:`)} || to_json(${text})::varchar end` }
}

const FILE_KEY = '_file_path'

function rescuedText(pieces: readonly Piece[]): Sql {
  const some = join(
    pieces.map(({ when }) => when),
    ' or ',
  )
  const all = join([...pieces.map(({ json }) => json), sql`${literal(`"${FILE_KEY}":`)} || to_json(__path)::varchar`])
  return sql`case when ${some} then '{' || concat_ws(',', ${all}) || '}' end`
}

function isNested(type: string): boolean {
  return parseType(type).kind !== 'plain'
}

function textName(index: number): Sql {
  return id(`__text${index}`)
}

function fitName(index: number): Sql {
  return id(`__fits${index}`)
}
