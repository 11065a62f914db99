import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import type { DeltaField, DeltaType } from './schema.ts'

/** A place that must not be null, and a condition on a row that is true where it is. */
export interface NotNull {
  /** Dotted, as a message shows it. */
  readonly place: string
  readonly violated: Sql
}

/** What the schema forbids: null in fields that are not nullable, and in lists and maps without nulls. */
export function notNulls(fields: readonly DeltaField[]): readonly NotNull[] {
  return fields.flatMap((field) => ofField(field, id(field.name), field.name))
}

/** Counts the violations of each constraint over a relation; columns c0, c1 … in the order of the constraints. */
export function violations(constraints: readonly NotNull[], relation: Sql): Sql {
  const counts = constraints.map(({ violated }, index) => sql`count_if(${violated}) as ${id(`c${index}`)}`)
  return sql`select ${join(counts)} from ${relation}`
}

function ofField(field: DeltaField, value: Sql, place: string): readonly NotNull[] {
  const own = field.nullable ? [] : [{ place, violated: sql`${value} is null` }]
  return [...own, ...ofType(field.type, value, place)]
}

function ofType(type: DeltaType, value: Sql, place: string): readonly NotNull[] {
  if (typeof type === 'string') return []
  switch (type.type) {
    case 'struct':
      // A null struct has no fields that could be missing.
      return type.fields.flatMap((field) =>
        ofField(field, sql`${value}.${id(field.name)}`, `${place}.${field.name}`).map((inner) => ({
          ...inner,
          violated: sql`${value} is not null and ${inner.violated}`,
        })),
      )
    case 'array':
      return [
        ...(type.containsNull ? [] : [{ place: `${place}[]`, violated: anyNull(value) }]),
        ...ofElements(type.elementType, value, `${place}[]`),
      ]
    case 'map':
      return [
        ...(type.valueContainsNull ? [] : [{ place: `${place}{value}`, violated: anyNull(sql`map_values(${value})`) }]),
        ...ofElements(type.valueType, sql`map_values(${value})`, `${place}{value}`),
      ]
  }
}

function ofElements(type: DeltaType, list: Sql, place: string): readonly NotNull[] {
  // Names of lambda variables differ by depth, so that an inner one does not hide the outer.
  const element = raw(`e${place.length}`)
  return ofType(type, element, place).map((inner) => ({
    ...inner,
    violated: sql`len(list_filter(${list}, lambda ${element}: ${inner.violated})) > 0`,
  }))
}

function anyNull(list: Sql): Sql {
  return sql`len(list_filter(${list}, lambda e: e is null)) > 0`
}
