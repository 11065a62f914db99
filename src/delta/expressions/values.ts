import { literal, type Sql, sql } from '../../engine/sql.ts'
import { Refusal } from './refusal.ts'

export type ValueType =
  | { readonly kind: 'integer'; readonly bits: 8 | 16 | 32 | 64 }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'float' | 'double' | 'string' | 'boolean' | 'date' | 'timestamp' | 'timestamp_ntz' }
  /** Values that may be compared with null alone. */
  | { readonly kind: 'other' }

/** A part of an expression in the engine's SQL. */
export interface Typed {
  readonly type: ValueType
  readonly value: Sql
  /** Of a constant. */
  readonly text?: string
}

export const VALUE_TYPES: Readonly<Record<string, ValueType>> = {
  byte: { kind: 'integer', bits: 8 },
  short: { kind: 'integer', bits: 16 },
  integer: { kind: 'integer', bits: 32 },
  long: { kind: 'integer', bits: 64 },
  float: { kind: 'float' },
  double: { kind: 'double' },
  string: { kind: 'string' },
  boolean: { kind: 'boolean' },
  date: { kind: 'date' },
  timestamp: { kind: 'timestamp' },
  timestamp_ntz: { kind: 'timestamp_ntz' },
}

/** Integers up to here are the same number as a float. */
const FLOAT_EXACT = 2 ** 24

export function typeName(type: ValueType): string {
  return type.kind === 'other' ? 'nested or binary value' : type.kind
}

/** A number as a double. A float beside an integer is a float in Spark, which only small constants are not changed by. */
export function asDouble({ type, value, text }: Typed, beside?: ValueType): Sql {
  const isNumber = type.kind === 'integer' || type.kind === 'decimal' || type.kind === 'float' || type.kind === 'double'
  const isRounded = beside?.kind === 'float' && type.kind === 'integer' && (text === undefined || Math.abs(Number(text)) > FLOAT_EXACT)
  // The engine may miss the nearest double of a long decimal.
  const isLong = type.kind === 'decimal' && type.precision > 15 && text === undefined
  if (!isNumber || isRounded || isLong) throw new Refusal(`a ${typeName(type)} beside a ${beside?.kind ?? 'double'} is not understood`)
  return text === undefined ? sql`${value}::double` : sql`${literal(text)}::double`
}
