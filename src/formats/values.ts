import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { parseType, type TypeField, type TypeNode, typeText } from '../model/type-text.ts'
import type { Leniency } from './format.ts'

/** How texts of a source are written. */
export interface ValueRules {
  /** strptime pattern; null is ISO 8601. */
  readonly dateFormat: string | null
  readonly timestampFormat: string | null
  readonly decimalSeparator: string
  /** Empty when there is none. */
  readonly thousands: string
}

export const ISO_RULES: ValueRules = { dateFormat: null, timestampFormat: null, decimalSeparator: '.', thousands: '' }

const INTEGER = /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|U[A-Z]*INT[A-Z]*)$/
const DECIMAL = /^DECIMAL\(\d+, ?(\d+)\)$/
const TIMESTAMP = /^TIMESTAMP/

/**
 * Whether the engine's own reader takes the type from text without loss. It rounds 1.5 to an integer and 1.239 to
 * DECIMAL(10,2), takes what is beyond FLOAT for infinite, cuts the time off a date, and reads a timestamp with a zone by a pattern as null: those are read as
 * text and converted by `fromText`, and numbers of files that have infinite ones.
 */
export function readsNatively(
  type: string,
  rules: ValueRules,
  { hasInfinite = false }: { readonly hasInfinite?: boolean | undefined } = {},
): boolean {
  if (type === 'DOUBLE' && hasInfinite) return false
  if (INTEGER.test(type) || DECIMAL.test(type) || type === 'DATE' || type === 'FLOAT' || isNested(type)) return false
  return !(TIMESTAMP.test(type) && rules.timestampFormat !== null)
}

/** Whether the type has parts: those are read from JSON. */
export function isNested(type: string): boolean {
  return /^(STRUCT|MAP)\b|\]$/.test(type)
}

/**
 * A value that the engine's reader has converted. Infinite times have no place in a Delta table; an infinite number may be one that
 * was too large, which its text alone tells.
 */
export function nativeValue(type: string, value: Sql): Sql {
  if (type === 'DOUBLE')
    return sql`case when not isinf(${value}) or ${value} is null then ${value} when ${refusal(sql`${value}::varchar`)} then null end`
  if (!TIMESTAMP.test(type)) return value
  return sql`case when isfinite(${value}) or ${value} is null then ${value} when ${refusal(sql`${value}::varchar`)} then ${value} end`
}

/** Whether the type has values without an end, which a Delta table cannot hold. */
export function hasEndless(type: string): boolean {
  return type === 'DATE' || TIMESTAMP.test(type)
}

/** A date or timestamp of a column; it fails where it is infinite. */
export function finiteTime(name: string, value: Sql): Sql {
  return sql`case when isfinite(${value}) or ${value} is null then ${value}
    when ${refusal(sql`${literal(name)} || ' is ' || ${value}::varchar`)} then null end`
}

/** The conversion of a text to a type; it fails, and `try(…)` gives null, where the value would not be kept exactly. */
export function fromText(type: string, text: Sql, rules: ValueRules, lenient: Leniency = {}): Sql {
  const node = parseType(type)
  return node.kind === 'plain' ? plainValue(node.text, text, rules) : jsonValue(node, sql`${text}::json`, { ...rules, lenient }, 1)
}

/** What `try(fromText(…))` gives, without an exception for each text that does not fit: those are slow. */
export function triedText(type: string, text: Sql, rules: ValueRules): Sql {
  const node = parseType(type)
  return node.kind === 'plain' ? plainValue(node.text, text, { ...rules, nulls: true }) : sql`try(${fromText(type, text, rules)})`
}

interface PlainRules extends ValueRules {
  /** A text that does not fit is null, instead of failing. */
  readonly nulls?: boolean
}

function plainValue(type: string, text: Sql, rules: PlainRules): Sql {
  if (type === 'VARCHAR') return text
  if (INTEGER.test(type)) return integerValue(type, pointed(text, rules), rules)
  const scale = DECIMAL.exec(type)?.[1]
  if (scale !== undefined) return decimalValue(type, Number(scale), { text: pointed(text, rules), rules })
  if (type === 'FLOAT' || type === 'DOUBLE') return floatValue(type, pointed(text, rules), rules)
  if (type === 'DATE') return dateValue(text, rules)
  if (TIMESTAMP.test(type)) return timestampValue(type, text, rules)
  return cast(text, type, rules)
}

function cast(value: Sql, type: string, { nulls }: PlainRules): Sql {
  return nulls === true ? sql`try_cast(${value} as ${raw(type)})` : sql`${value}::${raw(type)}`
}

function parsed(text: Sql, pattern: string, { nulls }: PlainRules): Sql {
  return nulls === true ? sql`try_strptime(${text}, ${literal(pattern)})` : sql`strptime(${text}, ${literal(pattern)})`
}

/**
 * A condition that only null meets: for any text it is a conversion error, which unlike `error()` may stand in `try`. Where
 * what does not fit is null, nothing meets it.
 */
function refusal(text: Sql, { nulls }: PlainRules = ISO_RULES): Sql {
  return nulls === true ? sql`false` : sql`('inexact: ' || ${text})::bigint is null`
}

/** By the length of a text of digits alone: the greatest integer that is shorter. */
const SHORTER = sql`[${raw(['-1', ...Array.from({ length: 18 }, (_, zeros) => `${'9'.repeat(zeros + 1)}`)].join(', '))}]`

const WHOLE = '\\s*[+-]?([0-9]+([.]0*)?|0[xXbB][0-9a-fA-F]+)\\s*'
const POWERED = '\\s*[+-]?[0-9]*[.]?[0-9]*[eE][+]?[0-9]{1,2}\\s*'

function integerValue(type: string, text: Sql, rules: PlainRules): Sql {
  const value = cast(text, type, rules)
  const plain = cast(text, type, { ...rules, nulls: true })
  // A text from which the engine rounds something off is longer than the integer that comes of it. So most need no search for a
  // point, and only the others (signs, leading zeros, spaces) are looked at closely. What is written twice is computed once, before
  // any `try`: so it must not fail.
  return sql`case when ${plain} > ${SHORTER}[strlen(${text})] then ${plain}
    when regexp_full_match(${text}, ${literal(WHOLE)}) then ${value}
    when regexp_full_match(${text}, ${literal(POWERED)}) and strlen(rtrim(regexp_extract(${text}, '[.]([0-9]*)', 1), '0'))
      <= regexp_extract(${text}, '[eE][+]?([0-9]+)', 1)::integer then ${value}
    when ${refusal(text, rules)} then null end`
}

function decimalValue(type: string, scale: number, { text, rules }: { readonly text: Sql; readonly rules: PlainRules }): Sql {
  const value = cast(text, type, rules)
  return sql`case when not contains(${text}, '.') and not contains(lower(${text}), 'e') then ${value}
    when regexp_full_match(${text}, ${literal(`\\s*[+-]?[0-9]*[.]?[0-9]{0,${scale}}0*\\s*`)}) then ${value}
    when contains(lower(${text}), 'e') and ${cast(text, 'DOUBLE', rules)} = (${value})::double then ${value}
    when ${refusal(text, rules)} then null end`
}

/** What is too large for the type is not infinite. */
function floatValue(type: string, text: Sql, rules: PlainRules): Sql {
  const value = cast(text, type, rules)
  return sql`case when not isinf(${value}) or contains(lower(${text}), 'inf') then ${value}
    when ${value} is not null and ${refusal(text, rules)} then null end`
}

function dateValue(text: Sql, rules: PlainRules): Sql {
  if (rules.dateFormat !== null) return sql`${parsed(text, rules.dateFormat, rules)}::date`
  const value = cast(text, 'DATE', rules)
  return sql`case when strlen(${text}) = 10 then ${value}
    when regexp_full_match(${text}, '\\s*[+-]?[0-9]{4,6}[-/][0-9]{1,2}[-/][0-9]{1,2}( [(]BC[)])?([T ]00:00(:00([.]0*)?)?(Z|[+]00(:00)?)?)?\\s*') then ${value}
    when ${refusal(text, rules)} then null end`
}

function timestampValue(type: string, text: Sql, rules: PlainRules): Sql {
  if (rules.timestampFormat !== null) return sql`${parsed(text, rules.timestampFormat, rules)}::${raw(type)}`
  const value = sql`(${cast(text, type, rules)})`
  return rules.nulls === true ? sql`case when isfinite(${value}) then ${value} end` : nativeValue(type, value)
}

function ungrouped(text: Sql, rules: ValueRules): Sql {
  return rules.thousands === '' ? text : sql`replace(${text}, ${literal(rules.thousands)}, '')`
}

/** Where another character separates decimals, a point is none: 1.234 may be a thousand and more. */
function pointed(text: Sql, rules: ValueRules): Sql {
  const plain = ungrouped(text, rules)
  return rules.decimalSeparator === '.' ? plain : sql`translate(${plain}, ${literal(`${rules.decimalSeparator}.`)}, '.?')`
}

interface NestedRules extends ValueRules {
  readonly lenient: Leniency
}

function tried(value: Sql, { lenient }: NestedRules): Sql {
  return lenient.values === true ? sql`try(${value})` : value
}

/**
 * A JSON value as a type, level by level: objects become maps first, so that a field which the type lacks is seen
 * (the engine's own transformation leaves it out silently), and a field that is missing is null.
 */
function jsonValue(node: TypeNode, json: Sql, rules: NestedRules, depth: number): Sql {
  switch (node.kind) {
    case 'plain':
      return plainValue(node.text, sql`(${json}->>'$')`, { ...rules, nulls: rules.lenient.values === true })
    case 'map':
      return tried(sql`${json}::${raw(typeText(node))}`, rules)
    case 'list': {
      const element = id(`e${depth}`)
      return sql`list_transform(${tried(sql`${json}::json[]`, rules)}, lambda ${element}: ${jsonValue(node.element, element, rules, depth + 1)})`
    }
    case 'struct':
      return structValue(node.fields, json, rules, depth)
  }
}

function structValue(fields: readonly TypeField[], json: Sql, rules: NestedRules, depth: number): Sql {
  const object = id(`o${depth}`)
  const known = sql`[${join(fields.map(({ name }) => literal(name)))}]`
  const parts = fields.map(({ name, type }) => sql`${id(name)} := ${jsonValue(type, sql`${object}[${literal(name)}]`, rules, depth + 1)}`)
  // The list of one element evaluates the map once for all fields.
  const entries = tried(sql`${json}::map(varchar, json)`, rules)
  if (rules.lenient.fields === true)
    return sql`list_transform([${entries}], lambda ${object}: case when ${object} is not null then struct_pack(${join(parts)}) end)[1]`
  return sql`list_transform([${entries}], lambda ${object}: case when ${object} is null then null
    when list_has_all(${known}, map_keys(${object})) then struct_pack(${join(parts)})
    when ${refusal(sql`${object}::varchar`)} then null end)[1]`
}
