import * as z from 'zod'
import { parseDuration, parseShare, parseSize } from './units.ts'

/**
 * Kinds of values. The `error` of each says what it expects, so that a message can read
 * `must be <error>, is <what was found>`.
 */

/** What is shown of a key: its sentence, and a value to write where the default says little. */
export interface Doc {
  readonly description: string
  // JSON Schema's own `examples` is dropped by zod where a text is converted.
  readonly example?: unknown
}

export function doc(description: string, details: Omit<Doc, 'description'> = {}): { description: string; example?: unknown } {
  return { description, ...details }
}

export const flag = () => z.boolean({ error: 'true or false' })

export const text = () => {
  const error = 'text'
  return z.string({ error }).min(1, { error: 'text that is not empty' })
}

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const error = max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`
  return z.int({ error }).min(min, { error }).max(max, { error })
}

export function amount(min: number, max = 1e9) {
  const error = `a number from ${min} to ${max}`
  return z.number({ error }).min(min, { error }).max(max, { error })
}

export function moreThanZero(max: number) {
  const error = `a number above 0 and up to ${max}`
  return z.number({ error }).positive({ error }).max(max, { error })
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: values.length === 1 ? `"${values[0]}"` : `one of ${values.join(', ')}` })
}

export const texts = () => z.array(text(), { error: 'a list of text' })

/** Names of columns: not empty, none twice. */
export const columnNames = () => {
  const error = 'a list of column names, none of them twice'
  return z.array(text(), { error }).refine((names) => new Set(names.map((name) => name.toLowerCase())).size === names.length, { error })
}

export const textMap = () => z.record(text(), text(), { error: 'a map of text' })

/** Text or a list of it, for what is mostly one. */
export const textOrTexts = () => z.union([text(), texts()], { error: 'text or a list of text' })

/** Milliseconds, written as `90 days`. */
export const duration = () => {
  const error = 'a duration such as 90 days, 12 hours or 30s'
  return parsed(z.string({ error }), DURATION_PATTERN, error, parseDuration)
}

/** Bytes, written as `4GB`. */
export const size = () => {
  const error = 'a size such as 128MB, 4GB or 1GiB'
  return parsed(z.string({ error }), SIZE_PATTERN, error, (value) => {
    const bytes = parseSize(value)
    return bytes === undefined || bytes === 0n ? undefined : bytes
  })
}

/** A share of the memory, or bytes. */
export const memory = () => {
  const error = 'a size such as 4GB, or a percentage such as 60%'
  return parsed(z.string({ error }), MEMORY_PATTERN, error, (value) => {
    const share = parseShare(value)
    if (share !== undefined) return share > 0 ? { share } : undefined
    const bytes = parseSize(value)
    return bytes === undefined || bytes === 0n || bytes > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : { bytes: Number(bytes) }
  })
}

/** A count of rows, or a share of them. */
export const rowLimit = () => {
  const error = 'a whole number of rows of at least 0, or a percentage such as 1%'
  const share = parsed(z.string({ error }), SHARE_PATTERN, error, (value) => {
    const found = parseShare(value)
    return found === undefined ? undefined : { share: found }
  })
  return z.union([wholeNumber(0), share], { error })
}

/** Milliseconds since the epoch of an ISO date or time; without an offset it is UTC. */
export const timestamp = () => {
  const error = 'a date or time such as 2024-01-31 or 2024-01-31T12:00:00Z'
  return parsed(z.string({ error }), TIMESTAMP_PATTERN, error, parseTimestamp)
}

/** A number from 0 to 1. */
export const ratio = () => amount(0, 1)

const DURATION_PATTERN = /^\s*\d+(\.\d+)?\s*[A-Za-z]+\s*$/
const SIZE_PATTERN = /^\s*\d+(\.\d+)?\s*([KkMmGgTt][Ii]?)?[Bb]\s*$/
const SHARE_PATTERN = /^\s*\d+(\.\d+)?\s*%\s*$/
const MEMORY_PATTERN = /^\s*\d+(\.\d+)?\s*(%|([KkMmGgTt][Ii]?)?[Bb])\s*$/
const TIMESTAMP_PATTERN = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/

function parseTimestamp(value: string): number | undefined {
  const withTime = value.length === 10 ? `${value}T00:00:00` : value.replace(' ', 'T')
  const zoned = /(Z|[+-]\d{2}:\d{2})$/.test(withTime) ? withTime : `${withTime}Z`
  const ms = Date.parse(zoned)
  // Date.parse rolls 30 February over into March.
  const [year, month, day] = [Number(value.slice(0, 4)), Number(value.slice(5, 7)), Number(value.slice(8, 10))]
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return Number.isNaN(ms) || day > lastDay ? undefined : ms
}

/** Text that `parse` turns into a value; the pattern is for editors, `parse` decides. */
function parsed<T>(base: z.ZodString, pattern: RegExp, error: string, parse: (value: string) => T | undefined) {
  return base.regex(pattern, { error }).transform((value, context): T => {
    const result = parse(value)
    if (result !== undefined) return result
    context.issues.push({ code: 'custom', message: error, input: value })
    return z.NEVER
  })
}
