import { ConfigError } from '../errors/errors.ts'
import type { TableVersionAt } from '../stores/store.ts'

/** A version of a table as a user names it: its number, or a time. */
export type TablePoint = string | number | bigint | Date

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i

/** ConfigError `ING-USAGE` for what is neither. */
export function versionAt(point: TablePoint): TableVersionAt {
  if (point instanceof Date) return { timestampMs: known(point.getTime(), String(point)) }
  const text = String(point).trim()
  return /^\d{1,18}$/.test(text) ? { version: BigInt(text) } : { timestampMs: timestampMs(text) }
}

function timestampMs(text: string): number {
  const [, date, time = '00:00', seconds = '00', fraction = '', zone = 'Z'] = TIME.exec(text.trim()) ?? []
  if (date === undefined) return known(Number.NaN, text)
  // A day that the month does not have would become one of the next month.
  const day = Date.parse(`${date}T00:00:00Z`)
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== date) return known(Number.NaN, text)
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase()
  return known(Date.parse(`${date}T${time}:${seconds}${fraction.slice(0, 4)}${offset}`), text)
}

function known(ms: number, text: string): number {
  if (!Number.isNaN(ms)) return ms
  throw new ConfigError('ING-USAGE', `${JSON.stringify(text)} is neither a version nor a timestamp`, [], {
    hint: 'write a version as 12, or a time as 2024-05-31T14:30:00Z; without a zone it is UTC',
  })
}
