import { id, join, literal, raw, type Sql, sql } from '../../engine/sql.ts'
import type { Column } from '../../model/schema.ts'
import type { FileGroup, FormatContext } from '../format.ts'
import { overReadable, sampleOf, unified } from '../sample.ts'
import { fromText } from '../values.ts'
import { layoutOf, type Reading, readCsv, readingOf } from './reading.ts'

/** Rows of each group that types are proposed from; the whole sample then confirms or refutes them. */
const PROPOSING_ROWS = 2_000
const CONFIRMING_ROWS = 100_000

/**
 * Types from the texts themselves, since the engine's guess loses what a loader must keep: leading zeros, a plus sign,
 * digits beyond 17. A type is proposed by a few rows and confirmed by the sample.
 */
export async function inferCsv(groups: readonly FileGroup[], context: FormatContext): Promise<readonly Column[]> {
  const names = unified(groups)
  if (!context.table.inferTypes) return names.map((name) => ({ name, type: 'VARCHAR' }))
  const reading = readingOf(context)
  const { groups: sample, whole } = sampleOf(groups)
  const proposed = new Profiles(names)
  for (const group of sample) await profile(group, namesOf(group), { profiles: proposed, reading, rows: PROPOSING_ROWS, context })
  const confirming = { profiles: proposed, reading, rows: whole ? null : CONFIRMING_ROWS, context }
  const refuted = new Set<string>()
  for (const group of sample) for (const name of await misfits(group, confirming)) refuted.add(name.toLowerCase())
  const again = new Profiles(names)
  for (const group of refuted.size === 0 ? [] : sample) {
    const columns = namesOf(group).filter((name) => refuted.has(name.toLowerCase()))
    if (columns.length > 0) await profile(group, columns, { ...confirming, profiles: again })
  }
  return names.map((name) => ({ name, type: (refuted.has(name.toLowerCase()) ? again : proposed).typeOf(name) }))
}

function namesOf(group: FileGroup): readonly string[] {
  return group.columns.map(({ name }) => name)
}

interface Target {
  readonly profiles: Profiles
  readonly reading: Reading
  /** Rows of each group that are looked at; null is all. */
  readonly rows: number | null
  readonly context: FormatContext
}

/** Counts of what the texts of a column are; a count of zero means that all are. */
interface Profile {
  filled: boolean
  notBoolean: boolean
  notInteger: boolean
  notBigint: boolean
  notNumber: boolean
  notDate: boolean
  notTimestamp: boolean
  hasDigits: boolean
  wholeDigits: number
  fractionDigits: number
  /** Significant digits of a number without exponent. */
  digits: number
}

class Profiles {
  readonly #profiles: Map<string, Profile>

  constructor(names: readonly string[]) {
    this.#profiles = new Map(names.map((name) => [name.toLowerCase(), { ...NOTHING_SEEN }]))
  }

  add(name: string, seen: Profile): void {
    const profile = this.#profiles.get(name.toLowerCase())
    if (!profile) return
    profile.filled ||= seen.filled
    profile.notBoolean ||= seen.notBoolean
    profile.notInteger ||= seen.notInteger
    profile.notBigint ||= seen.notBigint
    profile.notNumber ||= seen.notNumber
    profile.notDate ||= seen.notDate
    profile.notTimestamp ||= seen.notTimestamp
    profile.hasDigits ||= seen.hasDigits
    profile.wholeDigits = Math.max(profile.wholeDigits, seen.wholeDigits)
    profile.fractionDigits = Math.max(profile.fractionDigits, seen.fractionDigits)
    profile.digits = Math.max(profile.digits, seen.digits)
  }

  isFilled(name: string): boolean {
    return this.#profiles.get(name.toLowerCase())?.filled === true
  }

  typeOf(name: string): string {
    const profile = this.#profiles.get(name.toLowerCase())
    if (!profile?.filled) return 'VARCHAR'
    if (!profile.notBoolean) return 'BOOLEAN'
    if (!profile.notInteger) return integerType(profile)
    if (!profile.notNumber && profile.hasDigits) return numberType(profile)
    if (!profile.notDate) return 'DATE'
    if (!profile.notTimestamp) return 'TIMESTAMP WITH TIME ZONE'
    return 'VARCHAR'
  }
}

const NOTHING_SEEN: Profile = {
  filled: false,
  notBoolean: false,
  notInteger: false,
  notBigint: false,
  notNumber: false,
  notDate: false,
  notTimestamp: false,
  hasDigits: false,
  wholeDigits: 0,
  fractionDigits: 0,
  digits: 0,
}

function integerType(profile: Profile): string {
  if (!profile.notBigint) return 'BIGINT'
  return profile.wholeDigits <= 38 ? 'DECIMAL(38,0)' : 'VARCHAR'
}

/** DOUBLE keeps 17 digits; a text with more of them was no double, so it stays a decimal, or text. */
function numberType(profile: Profile): string {
  if (profile.digits <= 17) return 'DOUBLE'
  return profile.wholeDigits + profile.fractionDigits <= 38 ? `DECIMAL(38,${profile.fractionDigits})` : 'VARCHAR'
}

async function profile(group: FileGroup, names: readonly string[], { profiles, reading, rows, context }: Target): Promise<void> {
  const counts = names.map((name) => sql`${profileOf(id(name), reading)} as ${id(name)}`)
  const query = (part: FileGroup) => context.session.rows(sql`select ${join(counts)} from (${texts(part, reading, rows)})`)
  for (const [row] of await overReadable(group, query)) for (const name of names) profiles.add(name, decodeProfile(row?.[name]))
}

/** One struct of counts for a column. */
function profileOf(text: Sql, reading: Reading): Sql {
  const plain = reading.thousands === '' ? text : sql`replace(${text}, ${literal(reading.thousands)}, '')`
  const point = reading.decimalSeparator === '.' ? plain : sql`replace(${plain}, ${literal(reading.decimalSeparator)}, '.')`
  const number = sql`trim(${point})`
  const integer = sql`regexp_full_match(${number}, '-?(0|[1-9][0-9]*)')`
  const decimal = sql`regexp_full_match(${number}, '-?(0|[1-9][0-9]*)?([.][0-9]*)?([eE][+-]?[0-9]+)?') and regexp_matches(${number}, '^-?[.]?[0-9]')`
  const special = sql`lower(${number}) in ('nan', 'inf', '-inf', 'infinity', '-infinity')`
  return sql`{
    filled: count(${text}),
    not_boolean: count(*) filter (where lower(trim(${text})) not in ('true', 'false')),
    not_integer: count(*) filter (where not ${integer}),
    not_bigint: count(*) filter (where ${integer} and try_cast(${number} as bigint) is null),
    not_number: count(*) filter (where not (${decimal} or ${special})),
    not_date: count(*) filter (where not ${isDate(text, reading)}),
    not_timestamp: count(*) filter (where not ${isTimestamp(text, reading)}),
    has_digits: count(*) filter (where regexp_matches(${number}, '[0-9]')),
    whole_digits: max(strlen(regexp_extract(${number}, '^-?([0-9]*)', 1))),
    fraction_digits: max(strlen(regexp_extract(${number}, '[.]([0-9]*)', 1))),
    digits: max(case when not contains(lower(${number}), 'e') then strlen(ltrim(regexp_replace(${number}, '[^0-9]', '', 'g'), '0')) else 0 end)}`
}

function isDate(text: Sql, reading: Reading): Sql {
  if (reading.dateFormat !== null) return sql`(try_strptime(${text}, ${literal(reading.dateFormat)}) is not null)`
  return sql`(regexp_full_match(${text}, '[0-9]{4}-[0-9]{2}-[0-9]{2}') and try_cast(${text} as date) is not null)`
}

function isTimestamp(text: Sql, reading: Reading): Sql {
  if (reading.timestampFormat !== null) return sql`(try_strptime(${text}, ${literal(reading.timestampFormat)}) is not null)`
  const shape = '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?'
  return sql`(regexp_full_match(${text}, ${literal(shape)}) and try_cast(${text} as timestamptz) is not null)`
}

function decodeProfile(value: unknown): Profile {
  // Decoder: the struct of `profileOf`, whose counts are bigint or, for a group without rows, null.
  const counts = (value ?? {}) as Readonly<Record<string, bigint | null>>
  const some = (name: string) => (counts[name] ?? 0n) > 0n
  const most = (name: string) => Number(counts[name] ?? 0n)
  return {
    filled: some('filled'),
    notBoolean: some('not_boolean'),
    notInteger: some('not_integer'),
    notBigint: some('not_bigint'),
    notNumber: some('not_number'),
    notDate: some('not_date'),
    notTimestamp: some('not_timestamp'),
    hasDigits: some('has_digits'),
    wholeDigits: most('whole_digits'),
    fractionDigits: most('fraction_digits'),
    digits: most('digits'),
  }
}

/** Columns of a group whose values the proposed type does not keep, or that turn out to have values at all. */
async function misfits(group: FileGroup, { profiles, reading, rows, context }: Target): Promise<readonly string[]> {
  const counts = namesOf(group).flatMap((name) => {
    const type = profiles.typeOf(name)
    if (!profiles.isFilled(name)) return [sql`count(${id(name)}) as ${id(name)}`]
    if (type === 'VARCHAR') return []
    return [sql`count(*) filter (where ${id(name)} is not null and try(${fromText(type, id(name), reading)}) is null) as ${id(name)}`]
  })
  if (counts.length === 0) return []
  const found = await overReadable(group, (part) => context.session.rows(sql`select ${join(counts)} from (${texts(part, reading, rows)})`))
  return namesOf(group).filter((name) => found.some(([row]) => (row?.[name] ?? 0n) !== 0n))
}

/** The rows of a group as texts, without ill-formed ones: they are reported when the file is read. */
function texts(group: FileGroup, reading: Reading, rows: number | null): Sql {
  const columns = group.columns.map(({ name }) => ({ name, type: 'VARCHAR' }))
  const read = readCsv(group.files, columns, { reading, layout: layoutOf(group), more: [sql`ignore_errors = true`] })
  return rows === null ? sql`select * from ${read}` : sql`select * from ${read} limit ${raw(String(rows))}`
}
