import { createHash } from 'node:crypto'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { FIELD_ID, fieldIdOf, type MappingMode, PHYSICAL_NAME, physicalName } from './column-mapping.ts'
import { allFields, type DeltaField, type DeltaType } from './schema.ts'

/** What the ids and physical names of new columns are made from. */
export interface Assignment {
  /** The table's id; null for a new table, whose columns go by their own names. */
  readonly tableId: string | null
  /** The highest id that was ever given to a column of the table. */
  readonly maxId: number
}

/**
 * The fields with an id and a physical name each; those that have both stay as they are. The names follow from the ids,
 * so that data files that were written before a commit fit the schema that comes with it.
 */
export function assigned(fields: readonly DeltaField[], { tableId, maxId }: Assignment): readonly DeltaField[] {
  let last = Math.max(maxId, highestId(fields))
  const ofFields = (some: readonly DeltaField[]): readonly DeltaField[] =>
    some.map((field) => {
      const isKnown = fieldIdOf(field) !== null && field.metadata[PHYSICAL_NAME] !== undefined
      if (!isKnown) last += 1
      const own = isKnown ? {} : { [FIELD_ID]: last, [PHYSICAL_NAME]: tableId === null ? field.name : nameOf(tableId, last) }
      return { ...field, metadata: { ...field.metadata, ...own }, type: ofType(field.type) }
    })
  const ofType = (type: DeltaType): DeltaType => {
    if (typeof type === 'string') return type
    switch (type.type) {
      case 'struct':
        return { ...type, fields: ofFields(type.fields) }
      case 'array':
        return { ...type, elementType: ofType(type.elementType) }
      case 'map':
        return { ...type, keyType: ofType(type.keyType), valueType: ofType(type.valueType) }
    }
  }
  return ofFields(fields)
}

export function highestId(fields: readonly DeltaField[]): number {
  let highest = 0
  for (const field of allFields(fields)) highest = Math.max(highest, fieldIdOf(field) ?? 0)
  return highest
}

/** An id is given once in the life of a table, so its name is not that of a column that was dropped. */
function nameOf(tableId: string, fieldId: number): string {
  const hash = createHash('sha256').update(`${tableId} ${fieldId}`).digest('hex')
  return `col-${[hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-')}`
}

/** A value with the names of nested fields as data files have them. */
export function physicalValue(value: Sql, type: DeltaType, mode: MappingMode, depth = 0): Sql {
  if (mode === 'none' || typeof type === 'string' || !hasStruct(type)) return value
  const inner = (part: Sql, of: DeltaType) => physicalValue(part, of, mode, depth + 1)
  const element = raw(`e${depth}`)
  switch (type.type) {
    case 'struct': {
      const parts = type.fields.map(
        (field) => sql`${id(physicalName(field, mode))} := ${inner(sql`struct_extract(${value}, ${literal(field.name)})`, field.type)}`,
      )
      return sql`case when ${value} is not null then struct_pack(${join(parts)}) end`
    }
    case 'array':
      return sql`list_transform(${value}, lambda ${element}: ${inner(element, type.elementType)})`
    case 'map':
      return sql`map_from_entries(list_transform(map_entries(${value}), lambda ${element}: struct_pack(
        key := ${inner(sql`${element}.key`, type.keyType)}, value := ${inner(sql`${element}.value`, type.valueType)})))`
  }
}

/** The option FIELD_IDS of a Parquet file of these fields. */
export function fieldIds(fields: readonly DeltaField[], mode: MappingMode): Sql {
  const entries = fields.flatMap((field) => {
    const inner = idsWithin(field.type, mode)
    const own = fieldIdOf(field)
    if (own === null) return inner === undefined ? [] : [sql`${literal(physicalName(field, mode))}: {${inner}}`]
    const value = inner === undefined ? raw(String(own)) : sql`{__duckdb_field_id: ${raw(String(own))}, ${inner}}`
    return [sql`${literal(physicalName(field, mode))}: ${value}`]
  })
  return join(entries)
}

function idsWithin(type: DeltaType, mode: MappingMode): Sql | undefined {
  if (typeof type === 'string' || !hasStruct(type)) return undefined
  switch (type.type) {
    case 'struct':
      return fieldIds(type.fields, mode)
    case 'array':
      return sql`element: {${idsWithin(type.elementType, mode) ?? raw('')}}`
    case 'map': {
      const [key, value] = [idsWithin(type.keyType, mode), idsWithin(type.valueType, mode)]
      return join([...(key === undefined ? [] : [sql`key: {${key}}`]), ...(value === undefined ? [] : [sql`value: {${value}}`])])
    }
  }
}

function hasStruct(type: DeltaType): boolean {
  if (typeof type === 'string') return false
  if (type.type === 'struct') return true
  return type.type === 'array' ? hasStruct(type.elementType) : hasStruct(type.keyType) || hasStruct(type.valueType)
}
