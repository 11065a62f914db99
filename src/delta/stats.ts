import { type MappingMode, physicalName } from './column-mapping.ts'
import { ExactNumber, type Json, jsonText } from './json.ts'
import type { DeltaField, DeltaType } from './schema.ts'
import { stringBounds } from './string-bounds.ts'

/** What the engine measured of one column of one data file: names and texts of its own. */
export type ColumnStatistics = Readonly<Record<string, Readonly<Record<string, string>>>>

interface Bounds {
  readonly min?: Json | undefined
  readonly max?: Json | undefined
}

/** A primitive column: the names on the way to it, and its type. */
export interface Leaf {
  readonly path: readonly string[]
  /** The same as data files name them, where columns are mapped. */
  readonly physical?: readonly string[]
  /** Null for a list or a map, of which only the place is counted. */
  readonly type: string | null
}

/** Columns with statistics when the table does not say otherwise. */
const DEFAULT_COLUMNS = 32

/**
 * `add.stats`: JSON text made by hand, since a bound that lost a digit makes readers skip rows that are there. A bound
 * that cannot be exact, or that readers take differently, is left out: that costs time, never rows.
 */
export function statsText(rows: bigint, statistics: ColumnStatistics, leaves: readonly Leaf[]): string {
  const minValues: NestedValues = {}
  const maxValues: NestedValues = {}
  const nullCount: NestedValues = {}
  for (const leaf of leaves) {
    const measured = leaf.type === null ? undefined : statistics[statisticsKey(leaf)]
    if (measured === undefined || leaf.type === null) continue
    const { min, max } = boundsOf(leaf.type, measured)
    const path = leaf.physical ?? leaf.path
    place(minValues, path, min)
    place(maxValues, path, max)
    place(nullCount, path, countOf(measured['null_count']))
  }
  return jsonText({ numRecords: rows, minValues, maxValues, nullCount })
}

/** The columns that get statistics: the first ones, or those that the table's properties name. */
export function indexedLeaves(
  fields: readonly DeltaField[],
  partitionColumns: readonly string[],
  properties: Readonly<Record<string, string>>,
  mode: MappingMode = 'none',
): readonly Leaf[] {
  const data = fields.filter((field) => !partitionColumns.includes(field.name))
  const leaves = data.flatMap((field) => leavesOf(field.type, { path: [field.name], physical: [physicalName(field, mode)] }, mode))
  const named = properties['delta.dataSkippingStatsColumns']
  if (named !== undefined) {
    const wanted = parseNames(named)
    return leaves.filter((leaf) =>
      wanted.some((name) => name.every((part, index) => part.toLowerCase() === leaf.path[index]?.toLowerCase())),
    )
  }
  const count = Number(properties['delta.dataSkippingNumIndexedCols'] ?? DEFAULT_COLUMNS)
  return count < 0 ? leaves : leaves.slice(0, Number.isNaN(count) ? DEFAULT_COLUMNS : count)
}

interface Place {
  readonly path: readonly string[]
  readonly physical: readonly string[]
}

interface NestedValues {
  [name: string]: Json | NestedValues
}

function leavesOf(type: DeltaType, { path, physical }: Place, mode: MappingMode): readonly Leaf[] {
  const names = mode === 'none' ? { path } : { path, physical }
  if (typeof type === 'string') return [{ ...names, type }]
  if (type.type !== 'struct') return [{ ...names, type: null }]
  return type.fields.flatMap((field) =>
    leavesOf(field.type, { path: [...path, field.name], physical: [...physical, physicalName(field, mode)] }, mode),
  )
}

/** The engine's name of a column: the dotted path, each part in quotes. */
export function statisticsKey(leaf: Leaf): string {
  return (leaf.physical ?? leaf.path).map((name) => `"${name.replaceAll('"', '""')}"`).join('.')
}

function place(values: NestedValues, path: readonly string[], value: Json | undefined): void {
  if (value === undefined) return
  const [name, ...rest] = path
  if (name === undefined) return
  if (rest.length === 0) {
    define(values, name, value)
    return
  }
  const known = Object.hasOwn(values, name) ? values[name] : undefined
  const inner = isNested(known) ? known : {}
  define(values, name, inner)
  place(inner, rest, value)
}

/** Assignment would call a setter for a column named `__proto__`. */
function define(values: NestedValues, name: string, value: Json | NestedValues): void {
  Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true })
}

function isNested(value: Json | NestedValues | undefined): value is NestedValues {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function countOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : undefined
}

function boundsOf(type: string, measured: Readonly<Record<string, string>>): Bounds {
  const { min, max } = measured
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return { min: exactInteger(min), max: exactInteger(max) }
    case 'float':
    case 'double':
      return floatBounds(measured)
    case 'date':
      return { min: plainDate(min), max: plainDate(max) }
    case 'timestamp':
      return { min: milliseconds(min, 'Z'), max: milliseconds(max, 'Z') }
    case 'timestamp_ntz':
      return { min: milliseconds(min, ''), max: milliseconds(max, '') }
    case 'string':
      return stringBounds(min, max)
    default:
      return type.startsWith('decimal(') ? { min: exactDecimal(min), max: exactDecimal(max) } : {}
  }
}

function exactInteger(text: string | undefined): Json | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined
}

function exactDecimal(text: string | undefined): Json | undefined {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? new ExactNumber(text) : undefined
}

/** With a NaN in the column no maximum holds for every reader, since some order it last; infinities have no JSON number. */
function floatBounds({ min, max, has_nan: hasNan }: Readonly<Record<string, string>>): Bounds {
  // Without its own word on NaN the engine may have found one.
  return { min: floatBound(min, '-0.0'), max: hasNan === 'false' ? floatBound(max, '0.0') : undefined }
}

/** A zero bound bears the sign that includes the other zero. */
function floatBound(text: string | undefined, zero: string): Json | undefined {
  if (text === undefined || !/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return undefined
  return new ExactNumber(Number(text) === 0 ? zero : text)
}

/** Years of four digits alone: some readers lose rows to dates BC and beyond 9999. */
function plainDate(text: string | undefined): Json | undefined {
  return text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : undefined
}

/** Both bounds are cut down to milliseconds, as the protocol asks; readers allow for it. */
function milliseconds(text: string | undefined, zone: string): Json | undefined {
  const [, day, time, fraction] = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:\+00(?::00)?)?$/.exec(text ?? '') ?? []
  if (day === undefined || time === undefined) return undefined
  return `${day}T${time}.${(fraction ?? '').padEnd(3, '0').slice(0, 3)}${zone}`
}

/** `a, b.c, \`d.e\`` as lists of names. */
function parseNames(text: string): readonly (readonly string[])[] {
  const names: string[][] = [[]]
  for (const [token, quoted, plain] of text.matchAll(/`((?:[^`]|``)*)`|([^`.,\s][^`.,]*)|,/g)) {
    if (token === ',') names.push([])
    else names.at(-1)?.push(quoted?.replaceAll('``', '`') ?? plain?.trim() ?? '')
  }
  return names.filter((name) => name.length > 0)
}
