import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { isRecord, parsedRecord, textOf } from './decode.ts'
import { parseExpression } from './expressions/parse.ts'
import { Refusal } from './expressions/refusal.ts'
import { conditionOf } from './expressions/to-sql.ts'
import { allFields, type DeltaField, type DeltaType } from './schema.ts'

/** What a row of the table must be. */
export interface Constraint {
  /** For a message: `the constraint positive (amount > 0)`. */
  readonly rule: string
  /** True for a row that is not so; null for none. */
  readonly violated: Sql
}

/** A place that must not be null, and a condition on a row that is true where it is. */
interface NotNull {
  /** Dotted, as a message shows it. */
  readonly place: string
  readonly violated: Sql
}

const CHECK = 'delta.constraints.'

/**
 * All that the table asks of a row: NOT NULL, CHECK constraints, the invariants of columns, and the lengths of VARCHAR
 * and CHAR. TableError with the name of a constraint that we do not understand: no row may be written then.
 */
export function constraintsOf(
  table: string,
  fields: readonly DeltaField[],
  properties: Readonly<Record<string, string>>,
): readonly Constraint[] {
  return [
    ...notNulls(fields).map(({ place, violated }) => ({ rule: `NOT NULL of column ${place}`, violated })),
    ...checksIn(properties).map((one) => check(table, { ...one, fields })),
    ...[...allFields(fields)].flatMap((field) => invariants(table, field, fields)),
    ...fields.flatMap(lengths),
  ]
}

/** TableError for a CHECK constraint that we would not understand, whatever the columns of the table. */
export function checkUnderstood(table: string, properties: Readonly<Record<string, string>>): void {
  for (const { name, text } of checksIn(properties)) understood(table, { name, text }, () => parseExpression(text))
}

function checksIn(properties: Readonly<Record<string, string>>): readonly { readonly name: string; readonly text: string }[] {
  return Object.entries(properties)
    .filter(([name]) => name.toLowerCase().startsWith(CHECK))
    .map(([name, text]) => ({ name: `the constraint ${name.slice(CHECK.length)}`, text }))
}

/** The same rows; reading them fails at the first that violates a constraint. `columns` are those of the rows. */
export function guarded(rows: Sql, columns: readonly string[], constraints: readonly Constraint[]): Sql {
  const [first, ...others] = columns
  if (constraints.length === 0 || first === undefined) return rows
  const cases = constraints.map(({ violated }, index) => sql`when ${violated} then error(${literal(`${FAILURE}${index}`)})`)
  const checked = sql`case ${join(cases, ' ')} else ${id(first)} end as ${id(first)}`
  return sql`select ${join([checked, ...others.map(id)])} from (${rows})`
}

const FAILURE = 'ingestd constraint '

/** The constraint that a statement over guarded rows failed with. */
export function violatedBy(error: unknown, constraints: readonly Constraint[]): Constraint | undefined {
  const [, index] = new RegExp(`${FAILURE}(\\d+)`).exec(error instanceof Error ? error.message : '') ?? []
  return index === undefined ? undefined : constraints[Number(index)]
}

/** Counts the violations of each constraint by `key`, a column of the rows; columns key, c0, c1 … for those that have any. */
export function violationsBy(key: string, rows: Sql, constraints: readonly Constraint[]): Sql {
  const counts = constraints.map(({ violated }, index) => sql`count_if(${violated}) as ${id(`c${index}`)}`)
  const any = join(
    constraints.map(({ violated }) => violated),
    ' or ',
  )
  return sql`select ${id(key)} as key, ${join(counts)} from (${rows}) where ${any} group by all order by all`
}

function check(
  table: string,
  { name, text, fields }: { readonly name: string; readonly text: string; readonly fields: readonly DeltaField[] },
): Constraint {
  const condition = understood(table, { name, text }, () => conditionOf(parseExpression(text), fields))
  return { rule: `${name} (${text})`, violated: sql`(${condition} is not true)` }
}

function understood<T>(table: string, { name, text }: { readonly name: string; readonly text: string }, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new TableError('ING-TABLE-CONSTRAINT-UNKNOWN', `${table} has ${name} (${text}), which ingestd cannot keep: ${error.message}`, {
      hint: 'write it with comparisons, and, or, not, in, between, like, is null, arithmetic and length(), or drop it',
    })
  }
}

/** Conditions that stand in the metadata of a field: older tables have them. */
function invariants(table: string, field: DeltaField, fields: readonly DeltaField[]): readonly Constraint[] {
  const given = field.metadata['delta.invariants']
  if (given === undefined) return []
  const name = `the invariant of column ${field.name}`
  const expression = parsedRecord(textOf(given) ?? '')?.['expression']
  const text = isRecord(expression) ? textOf(expression['expression']) : null
  return [check(table, { name, text: text ?? '', fields })]
}

/** VARCHAR(n) and CHAR(n) are texts to the schema, and the length stands beside. */
function lengths({ name, metadata }: DeltaField): readonly Constraint[] {
  const type = textOf(metadata['__CHAR_VARCHAR_TYPE_STRING']) ?? ''
  const [, limit] = /^(?:var)?char\((\d+)\)$/.exec(type) ?? []
  if (limit === undefined) return []
  return [{ rule: `${type} of column ${name}`, violated: sql`coalesce(length(${id(name)}) > ${raw(limit)}, false)` }]
}

/** What the schema forbids: null in fields that are not nullable, and in lists and maps without nulls. */
function notNulls(fields: readonly DeltaField[]): readonly NotNull[] {
  return fields.flatMap((field) => ofField(field, id(field.name), field.name))
}

function ofField(field: DeltaField, value: Sql, place: string): readonly NotNull[] {
  const own = field.nullable ? [] : [{ place, violated: sql`${value} is null` }]
  return [...own, ...ofType(field.type, value, place)]
}

function ofType(type: DeltaType, value: Sql, place: string): readonly NotNull[] {
  if (typeof type === 'string') return []
  switch (type.type) {
    case 'struct':
      // As Spark sees it, a null struct lacks the fields that it must have.
      return type.fields.flatMap((field) => ofField(field, sql`struct_extract(${value}, ${literal(field.name)})`, `${place}.${field.name}`))
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
    violated: sql`len(list_filter(${list}, lambda ${element}: ${element} is not null and ${inner.violated})) > 0`,
  }))
}

function anyNull(list: Sql): Sql {
  return sql`len(list_filter(${list}, lambda e: e is null)) > 0`
}
