import { id, join, literal, raw, type Sql, sql } from '../../engine/sql.ts'
import type { DeltaField, DeltaType } from '../schema.ts'
import { isBinary, negated, product, quotient, remainder, sum, united } from './arithmetic.ts'
import type { Comparison, Expression } from './parse.ts'
import { Refusal } from './refusal.ts'
import { asDouble, type Typed, typeName, VALUE_TYPES, type ValueType } from './values.ts'

/**
 * A condition on the rows of a table in the engine's SQL, which gives for each row what Spark would give, or null where
 * Spark's own answer depends on its settings. Refusal where neither can be had.
 */
export function conditionOf(expression: Expression, fields: readonly DeltaField[]): Sql {
  const { type, value } = typed(expression, fields)
  if (type.kind !== 'boolean') throw new Refusal(`it gives a ${typeName(type)}, not true or false`)
  return value
}

function typed(expression: Expression, fields: readonly DeltaField[]): Typed {
  const inner = (one: Expression) => typed(one, fields)
  switch (expression.kind) {
    case 'number':
      return numberOf(expression.text)
    case 'string':
      return { type: { kind: 'string' }, value: literal(expression.text), text: expression.text }
    case 'typed':
      return timeOf(expression.text, { kind: expression.type })
    case 'boolean':
      return { type: BOOLEAN, value: raw(String(expression.value)) }
    case 'column':
      return columnOf(expression.path, fields)
    case 'not':
      return condition(sql`(not ${conditionOf(expression.arg, fields)})`)
    case 'minus':
      return negated(inner(expression.arg))
    case 'logical':
      return condition(sql`(${conditionOf(expression.left, fields)} ${raw(expression.op)} ${conditionOf(expression.right, fields)})`)
    case 'comparison':
      return compared(expression.op, inner(expression.left), inner(expression.right))
    case 'arithmetic':
      return ARITHMETIC[expression.op](inner(expression.left), inner(expression.right))
    case 'in': {
      const arg = inner(expression.arg)
      return condition(
        sql`(${join(
          expression.list.map((one) => compared('=', arg, inner(one)).value),
          ' or ',
        )})`,
      )
    }
    case 'like': {
      const arg = text(inner(expression.arg), 'like')
      return condition(sql`(${arg} like ${literal(expression.pattern)})`)
    }
    case 'is':
      return isOf(inner(expression.arg), expression.what)
    case 'call':
      return called(expression.name, expression.args.map(inner))
  }
}

const BOOLEAN: ValueType = { kind: 'boolean' }

const ARITHMETIC = {
  '+': (left: Typed, right: Typed) => sum(left, right, '+'),
  '-': (left: Typed, right: Typed) => sum(left, right, '-'),
  '*': product,
  '/': quotient,
  '%': remainder,
} as const

function condition(value: Sql): Typed {
  return { type: BOOLEAN, value }
}

function numberOf(text: string): Typed {
  if (/e/i.test(text)) return { type: { kind: 'double' }, value: sql`${literal(text)}::double`, text }
  const [whole = '', fraction] = text.replace('-', '').split('.')
  if (fraction === undefined) {
    const number = BigInt(text)
    if (BigInt.asIntN(32, number) === number) return { type: { kind: 'integer', bits: 32 }, value: raw(`(${number})::integer`), text }
    if (BigInt.asIntN(64, number) === number) return { type: { kind: 'integer', bits: 64 }, value: raw(`(${number})::bigint`), text }
  }
  const scale = fraction?.length ?? 0
  const precision = Math.max(whole.replace(/^0+/, '').length + scale, 1)
  if (precision > 38) throw new Refusal(`${text} has more than 38 digits`)
  return { type: { kind: 'decimal', precision, scale }, value: sql`${literal(text)}::${raw(`decimal(${precision},${scale})`)}`, text }
}

function columnOf(path: readonly string[], fields: readonly DeltaField[]): Typed {
  let known = fields
  let value: Sql | undefined
  let type: DeltaType | undefined
  for (const name of path) {
    const field = known.find((one) => one.name.toLowerCase() === name.toLowerCase())
    if (field === undefined) throw new Refusal(`there is no column ${path.join('.')}`)
    // Spark pads the values of such a column where it compares them.
    if (String(field.metadata['__CHAR_VARCHAR_TYPE_STRING'] ?? '').startsWith('char')) throw new Refusal(`${name} is a CHAR`)
    value = value === undefined ? id(field.name) : sql`struct_extract(${value}, ${literal(field.name)})`
    type = field.type
    known = typeof type === 'object' && type.type === 'struct' ? type.fields : []
  }
  if (value === undefined || type === undefined) throw new Refusal('a column has no name')
  return { type: valueType(type), value }
}

function valueType(type: DeltaType): ValueType {
  if (typeof type !== 'string') return { kind: 'other' }
  const [, precision, scale] = /^decimal\((\d+), *(\d+)\)$/.exec(type) ?? []
  if (precision !== undefined) return { kind: 'decimal', precision: Number(precision), scale: Number(scale) }
  return VALUE_TYPES[type] ?? { kind: 'other' }
}

const OPERATORS: Readonly<Record<Comparison, string>> = {
  '=': '=',
  '<>': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '<=>': 'is not distinct from',
}

function compared(op: Comparison, left: Typed, right: Typed): Typed {
  const [a, b] = comparable(left, right)
  return condition(sql`(${a} ${raw(OPERATORS[op])} ${b})`)
}

/** Two values in a type in which Spark and the engine compare them alike. */
function comparable(left: Typed, right: Typed): readonly [Sql, Sql] {
  const a = timely(left, right.type)
  const b = timely(right, left.type)
  const same = a.type.kind === b.type.kind
  if (same && ['string', 'boolean', 'date', 'timestamp', 'timestamp_ntz', 'integer', 'double', 'float'].includes(a.type.kind))
    return [a.value, b.value]
  if (isBinary(a.type) || isBinary(b.type)) return [asDouble(a, b.type), asDouble(b, a.type)]
  const [p, q] = [digitsOf(a.type), digitsOf(b.type)]
  if (p === undefined || q === undefined)
    throw new Refusal(`a ${typeName(left.type)} and a ${typeName(right.type)} are compared, which writers do differently`)
  const scale = Math.max(p.scale, q.scale)
  const precision = Math.max(p.precision - p.scale, q.precision - q.scale) + scale
  if (precision > 38) throw new Refusal('it compares decimals of more than 38 digits')
  const type = raw(`decimal(${precision},${scale})`)
  return [sql`${a.value}::${type}`, sql`${b.value}::${type}`]
}

function digitsOf(type: ValueType): { readonly precision: number; readonly scale: number } | undefined {
  if (type.kind === 'decimal') return type
  return type.kind === 'integer' ? { precision: { 8: 3, 16: 5, 32: 10, 64: 19 }[type.bits], scale: 0 } : undefined
}

/** A text beside a date or a time stands for one. */
function timely(one: Typed, other: ValueType): Typed {
  const isTime = other.kind === 'date' || other.kind === 'timestamp' || other.kind === 'timestamp_ntz'
  return isTime && one.type.kind === 'string' && one.text !== undefined ? timeOf(one.text, other) : one
}

const TIMES = {
  date: { form: /^\d{4}-\d{2}-\d{2}$/, type: 'date' },
  // Without a zone it would mean the zone of whoever writes.
  timestamp: { form: /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$/, type: 'timestamptz' },
  timestamp_ntz: { form: /^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?)?$/, type: 'timestamp' },
} as const

function timeOf(text: string, type: ValueType): Typed {
  const time = type.kind === 'date' || type.kind === 'timestamp' || type.kind === 'timestamp_ntz' ? TIMES[type.kind] : undefined
  if (time === undefined || !time.form.test(text)) throw new Refusal(`the ${type.kind} '${text}' depends on who reads it`)
  return { type, value: sql`try_cast(${literal(text)} as ${raw(time.type)})`, text }
}

function isOf(arg: Typed, what: 'null' | 'true' | 'false'): Typed {
  if (what !== 'null' && arg.type.kind !== 'boolean') throw new Refusal(`is ${what} needs a condition`)
  return condition(sql`(${arg.value} is ${raw(what)})`)
}

function called(name: string, args: readonly Typed[]): Typed {
  const [arg] = args
  if (name === 'coalesce' && arg) return coalesced(args)
  if (arg === undefined || args.length !== 1) throw new Refusal(`${name}() with ${args.length} arguments is not understood`)
  switch (name) {
    case 'length':
    case 'char_length':
    case 'character_length':
      return { type: { kind: 'integer', bits: 32 }, value: sql`length(${text(arg, name)})::integer` }
    case 'upper':
    case 'ucase':
      return asciiOnly('upper', text(arg, name))
    case 'lower':
    case 'lcase':
      return asciiOnly('lower', text(arg, name))
    case 'trim':
    case 'ltrim':
    case 'rtrim':
      return { type: { kind: 'string' }, value: sql`${raw(name)}(${text(arg, name)}, ' ')` }
    case 'year':
    case 'month':
    case 'day':
      if (arg.type.kind !== 'date') throw new Refusal(`${name}() is understood of a date alone`)
      return { type: { kind: 'integer', bits: 32 }, value: sql`${raw(name)}(${arg.value})::integer` }
    case 'abs':
      return absolute(arg)
    case 'isnull':
      return isOf(arg, 'null')
    case 'isnotnull':
      return condition(sql`(${arg.value} is not null)`)
    default:
      throw new Refusal(`the function ${name}() is not understood`)
  }
}

/** Other letters have other twins in Java than in the engine; a row with them is not vouched for. */
function asciiOnly(name: 'upper' | 'lower', value: Sql): Typed {
  return { type: { kind: 'string' }, value: sql`(case when strlen(${value}) = length(${value}) then ${raw(name)}(${value}) end)` }
}

function absolute(arg: Typed): Typed {
  const { type, value } = negated(arg)
  return { type, value: sql`(case when ${arg.value} < 0 then ${value} else ${arg.value} end)` }
}

function coalesced(args: readonly Typed[]): Typed {
  const { type, values } = united(args)
  return { type, value: sql`coalesce(${join(values)})` }
}

function text({ type, value }: Typed, name: string): Sql {
  if (type.kind !== 'string') throw new Refusal(`${name} is understood of a text alone, not of a ${typeName(type)}`)
  return value
}
