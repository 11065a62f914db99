import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api'

/** bigint for integers of 64 bits and more, text for what JavaScript cannot hold, objects and arrays for nested values. */
export function plainValue(value: DuckDBValue): unknown {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof DuckDBBlobValue) return value.bytes
  return nested(value, plainValue) ?? value.toString()
}

/**
 * What stands in JSON: integers beyond 2^53 and decimals as text, timestamps in ISO 8601, UTC where they have a zone, and
 * NaN and infinities, for which JSON has no number, as text.
 */
export function jsonValue(value: DuckDBValue): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof DuckDBTimestampTZValue) return isoText(value.micros, value.toString(), 'Z')
  if (value instanceof DuckDBTimestampValue) return isoText(value.micros, value.toString(), '')
  return nested(value, jsonValue) ?? value.toString()
}

function nested(value: DuckDBValue, each: (value: DuckDBValue) => unknown): unknown {
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, each(entry)]))
  if (value instanceof DuckDBMapValue) return Object.fromEntries(value.entries.map(({ key, value: entry }) => [String(key), each(entry)]))
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(each)
  return undefined
}

/** Microseconds since the epoch as text; what a Date cannot hold, and infinities, as the engine writes them. */
function isoText(micros: bigint, text: string, zone: string): string {
  const ms = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n)
  const rest = String(micros - ms * 1000n).padStart(3, '0')
  const date = new Date(Number(ms))
  if (Number.isNaN(date.getTime())) return text
  return `${date.toISOString().slice(0, -1)}${rest === '000' ? '' : rest}${zone}`
}
