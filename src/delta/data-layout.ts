import type { Row } from '../engine/engine.ts'
import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { parseType, type TypeNode, typeText } from '../model/type-text.ts'
import { fieldIdOf, type MappingMode, physicalName } from './column-mapping.ts'
import { integerOf, textOf } from './decode.ts'
import { type DeltaField, type DeltaType, duckdbType } from './schema.ts'

/** A column of the table as it is read from files of one layout. */
export interface ColumnRead {
  /** The column of the files; null where they do not have it. */
  readonly source: { readonly name: string; readonly type: string } | null
  /** Its value in terms of a column of that type. */
  readonly value: (column: Sql) => Sql
}

/** Parquet columns as a tree, with the ids of fields. */
export interface ParquetColumn {
  readonly name: string
  readonly fieldId: number | null
  readonly children: readonly ParquetColumn[]
}

/** How files are read that name their columns as the schema does, or by physical names without nested ones. */
export function plainReads(fields: readonly DeltaField[], mode: MappingMode): readonly ColumnRead[] {
  return fields.map((field) => ({
    source: { name: physicalName(field, mode), type: duckdbType(field.type, field.name) },
    value: (column) => column,
  }))
}

/**
 * How files are read of which the columns are looked up field by field, at every level: by id, or by physical name
 * where a struct may have lost every field that older files have. `columns` are those of one such file.
 */
export function layoutReads(
  fields: readonly DeltaField[],
  mode: MappingMode,
  columns: readonly { readonly parquet: ParquetColumn; readonly type: TypeNode }[],
): readonly ColumnRead[] {
  return fields.map((field) => {
    const found = columns.find(({ parquet }) => isField(field, parquet, mode))
    if (found === undefined) return { source: null, value: () => nothing(field.type, field.name) }
    return {
      source: { name: found.parquet.name, type: typeText(found.type) },
      value: (column) => converted(column, field, { ...found, mode, depth: 0 }),
    }
  })
}

/** The tree of a file from the rows of `parquet_schema`, in their order; the root's children. */
export function parquetColumns(rows: readonly Row[]): readonly ParquetColumn[] {
  let at = 0
  const next = (): ParquetColumn => {
    const row = rows[at] ?? {}
    at += 1
    const fieldId = integerOf(row['field_id'])
    const children = Array.from({ length: Number(integerOf(row['num_children']) ?? 0n) }, next)
    return { name: textOf(row['name']) ?? '', fieldId: fieldId === null ? null : Number(fieldId), children }
  }
  return next().children
}

interface Place {
  readonly parquet: ParquetColumn
  readonly type: TypeNode
  readonly mode: MappingMode
  /** Levels of lambdas around it, so that each names its own parameter. */
  readonly depth: number
}

function converted(value: Sql, field: Pick<DeltaField, 'name' | 'type'>, place: Place): Sql {
  const { type } = field
  const { mode, depth } = place
  if (typeof type === 'string') return sql`${value}::${raw(duckdbType(type, field.name))}`
  const element = raw(`e${depth}`)
  if (type.type === 'struct' && place.type.kind === 'struct') {
    const parts = type.fields.map((inner) => sql`${id(inner.name)} := ${member(value, inner, place)}`)
    return sql`case when ${value} is not null then struct_pack(${join(parts)}) end`
  }
  if (type.type === 'array' && place.type.kind === 'list') {
    const inner = { parquet: elementOf(place), type: place.type.element, mode, depth: depth + 1 }
    return sql`list_transform(${value}, lambda ${element}: ${converted(element, { name: field.name, type: type.elementType }, inner)})`
  }
  if (type.type === 'map' && place.type.kind === 'map') {
    const [key, entry] = place.parquet.children[0]?.children ?? []
    const keyed = { parquet: key ?? place.parquet, type: place.type.key, mode, depth: depth + 1 }
    const valued = { parquet: entry ?? place.parquet, type: place.type.value, mode, depth: depth + 1 }
    return sql`map_from_entries(list_transform(map_entries(${value}), lambda ${element}: struct_pack(
      key := ${converted(sql`${element}.key`, { name: field.name, type: type.keyType }, keyed)},
      value := ${converted(sql`${element}.value`, { name: field.name, type: type.valueType }, valued)})))`
  }
  return sql`${value}::${raw(duckdbType(type, field.name))}`
}

function member(value: Sql, field: DeltaField, { parquet, type, mode, depth }: Place): Sql {
  const found = parquet.children.find((child) => isField(field, child, mode))
  const known = type.kind === 'struct' ? type.fields.find(({ name }) => name === found?.name) : undefined
  if (found === undefined || known === undefined) return nothing(field.type, field.name)
  return converted(sql`${value}.${id(known.name)}`, field, { parquet: found, type: known.type, mode, depth })
}

/** Old writers leave one of the two levels out: the repeated group is then the element itself. */
function elementOf({ parquet, type }: Place): ParquetColumn {
  const repeated = parquet.children[0] ?? parquet
  const [only, ...more] = repeated.children
  if (only === undefined || more.length > 0) return repeated
  const element = type.kind === 'list' ? type.element : type
  const isElement =
    element.kind === 'struct' && element.fields.length === 1 && element.fields[0]?.name === only.name && only.children.length === 0
  return isElement ? repeated : only
}

function isField(field: DeltaField, column: ParquetColumn, mode: MappingMode): boolean {
  return mode === 'id' ? column.fieldId !== null && column.fieldId === fieldIdOf(field) : column.name === physicalName(field, mode)
}

function nothing(type: DeltaType, place: string): Sql {
  return sql`null::${raw(duckdbType(type, place))}`
}

/** The type of a column as `describe` prints it. */
export function typeOfColumn(row: Row): TypeNode {
  return parseType(textOf(row['column_type']) ?? '')
}
