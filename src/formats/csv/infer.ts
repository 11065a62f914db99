import { id, join, literal, raw, type Sql, sql } from '../../engine/sql.ts'
import type { Column } from '../../model/schema.ts'
import type { TableConfig } from '../../model/table.ts'
import type { FileGroup, FormatContext } from '../format.ts'
import { overReadable, sampleOf, unified } from '../sample.ts'
import { fromText, type ValueRules } from '../values.ts'
import { layoutOf, lookedAt, PASSING_OVER, type Reading, readCsv, readingOf } from './reading.ts'

/** Rows of each group that types are proposed from; the whole sample then confirms or refutes them. */
const PROPOSING_ROWS = 2_000
const CONFIRMING_ROWS = 100_000

/** Of the files that fill a column, those that may hold other than its type: they fail, instead of making it text for all. */
const ODD_SHARE = 1 / 4

/** Of the values of a file, those that may be of another type where rows may be rejected: they are, instead of making it text for all. */
const ODD_VALUES = 1 / 20

/**
 * Types from the texts themselves, since the engine's guess loses what a loader must keep: leading zeros, a plus sign,
 * digits beyond 17. A type is proposed by a few rows and confirmed by the sample.
 */
export function inferCsv(groups: readonly FileGroup[], context: FormatContext): Promise<readonly Column[]> {
  const reading = readingOf(context)
  return inferTexts(groups, { reading, texts: (group, rows) => texts(group, reading, rows) }, context)
}

/** How a format gives its values as texts. */
export interface TextSource {
  readonly reading: ValueRules
  /** The rows of a group, or the first of them, as texts, and `__path`, by which files are told apart; ill-formed ones are left out. */
  texts(group: FileGroup, rows: number | null): Sql
}

/** The same for any format whose values are texts. */
export async function inferTexts(groups: readonly FileGroup[], source: TextSource, context: FormatContext): Promise<readonly Column[]> {
  const names = unified(groups)
  if (!context.table.inferTypes) return names.map((name) => ({ name, type: 'VARCHAR' }))
  const { groups: sample, whole } = sampleOf(groups)
  const proposed = new Profiles(names)
  for (const group of sample) await profile(group, namesOf(group), { profiles: proposed, source, rows: PROPOSING_ROWS, context })
  const confirming = { profiles: proposed, source, rows: whole ? null : CONFIRMING_ROWS, context }
  const votes = new Map<string, Votes>()
  for (const group of sample) await misfits(group, confirming, votes)
  const refuted = new Set([...votes].filter(([, { odd, filled }]) => isRefuted(odd, filled)).map(([name]) => name))
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

/** Files that fill a column, and those among them whose values the proposed type does not keep. */
interface Votes {
  filled: number
  odd: number
}

function isRefuted(odd: number, filled: number): boolean {
  return odd > Math.floor(filled * ODD_SHARE)
}

interface Target {
  readonly profiles: Profiles
  readonly source: TextSource
  /** Rows of each group that are looked at; null is all. */
  readonly rows: number | null
  readonly context: FormatContext
}

/** How many files hold a text of the column that is not of a type; `filled` is how many hold any. */
interface Profile {
  filled: number
  notBoolean: number
  notInteger: number
  notBigint: number
  notNumber: number
  notDate: number
  notTimestamp: number
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
    profile.filled += seen.filled
    profile.notBoolean += seen.notBoolean
    profile.notInteger += seen.notInteger
    profile.notBigint += seen.notBigint
    profile.notNumber += seen.notNumber
    profile.notDate += seen.notDate
    profile.notTimestamp += seen.notTimestamp
    profile.hasDigits ||= seen.hasDigits
    profile.wholeDigits = Math.max(profile.wholeDigits, seen.wholeDigits)
    profile.fractionDigits = Math.max(profile.fractionDigits, seen.fractionDigits)
    profile.digits = Math.max(profile.digits, seen.digits)
  }

  isFilled(name: string): boolean {
    return (this.#profiles.get(name.toLowerCase())?.filled ?? 0) > 0
  }

  typeOf(name: string): string {
    const profile = this.#profiles.get(name.toLowerCase())
    if (profile === undefined || profile.filled === 0) return 'VARCHAR'
    const holds = (odd: number) => !isRefuted(odd, profile.filled)
    if (holds(profile.notBoolean)) return 'BOOLEAN'
    if (holds(profile.notInteger)) return integerType(profile)
    if (holds(profile.notNumber) && profile.hasDigits) return numberType(profile)
    if (holds(profile.notDate)) return 'DATE'
    if (holds(profile.notTimestamp)) return 'TIMESTAMP WITH TIME ZONE'
    return 'VARCHAR'
  }
}

const NOTHING_SEEN: Profile = {
  filled: 0,
  notBoolean: 0,
  notInteger: 0,
  notBigint: 0,
  notNumber: 0,
  notDate: 0,
  notTimestamp: 0,
  hasDigits: false,
  wholeDigits: 0,
  fractionDigits: 0,
  digits: 0,
}

function integerType(profile: Profile): string {
  if (!isRefuted(profile.notBigint, profile.filled)) return 'BIGINT'
  return profile.wholeDigits <= 38 ? 'DECIMAL(38,0)' : 'VARCHAR'
}

/** DOUBLE keeps 17 digits; a text with more of them was no double, so it stays a decimal, or text. */
function numberType(profile: Profile): string {
  if (profile.digits <= 17) return 'DOUBLE'
  return profile.wholeDigits + profile.fractionDigits <= 38 ? `DECIMAL(38,${profile.fractionDigits})` : 'VARCHAR'
}

async function profile(group: FileGroup, names: readonly string[], { profiles, source, rows, context }: Target): Promise<void> {
  const counts = names.map((name) => sql`${profileOf(id(name), source.reading)} as ${id(name)}`)
  const query = (part: FileGroup) =>
    context.session.rows(sql`select ${join(counts)} from (${source.texts(part, rows)}) group by ${id(FILE)}`)
  for (const files of await overReadable(group, query))
    for (const row of files) for (const name of names) profiles.add(name, decodeProfile(row[name], context.table))
}

/** One struct of counts for a column. */
function profileOf(text: Sql, reading: ValueRules): Sql {
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

function isDate(text: Sql, reading: ValueRules): Sql {
  if (reading.dateFormat !== null) return sql`(try_strptime(${text}, ${literal(reading.dateFormat)}) is not null)`
  return sql`(regexp_full_match(${text}, '[0-9]{4}-[0-9]{2}-[0-9]{2}') and try_cast(${text} as date) is not null)`
}

function isTimestamp(text: Sql, reading: ValueRules): Sql {
  if (reading.timestampFormat !== null) return sql`(try_strptime(${text}, ${literal(reading.timestampFormat)}) is not null)`
  const shape = '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?'
  return sql`(regexp_full_match(${text}, ${literal(shape)}) and try_cast(${text} as timestamptz) is not null)`
}

function decodeProfile(value: unknown, table: TableConfig): Profile {
  // Decoder: the struct of `profileOf`, whose counts are bigint or, for a group without rows, null.
  const counts = (value ?? {}) as Readonly<Record<string, bigint | null>>
  const some = (name: string) => ((counts[name] ?? 0n) > 0n ? 1 : 0)
  const allowed = oddValues(counts['filled'] ?? 0n, table)
  const tooMany = (name: string) => (Number(counts[name] ?? 0n) > allowed ? 1 : 0)
  const most = (name: string) => Number(counts[name] ?? 0n)
  return {
    filled: some('filled'),
    notBoolean: tooMany('not_boolean'),
    notInteger: tooMany('not_integer'),
    notBigint: tooMany('not_bigint'),
    notNumber: tooMany('not_number'),
    notDate: tooMany('not_date'),
    notTimestamp: tooMany('not_timestamp'),
    hasDigits: some('has_digits') === 1,
    wholeDigits: most('whole_digits'),
    fractionDigits: most('fraction_digits'),
    digits: most('digits'),
  }
}

/** How many values of a column may be rejected instead of deciding its type. */
function oddValues(filled: bigint, { maxBadRows }: TableConfig): number {
  const values = Number(filled)
  return Math.floor(Math.min(typeof maxBadRows === 'number' ? maxBadRows : maxBadRows.share * values, ODD_VALUES * values))
}

/** Counts the files of a group whose values the proposed type does not keep, or that turn out to have values at all. */
async function misfits(group: FileGroup, { profiles, source, rows, context }: Target, votes: Map<string, Votes>): Promise<void> {
  const names = namesOf(group).filter((name) => !profiles.isFilled(name) || profiles.typeOf(name) !== 'VARCHAR')
  if (names.length === 0) return
  const counts = names.map((name) => {
    const odd = profiles.isFilled(name) ? sql`try(${fromText(profiles.typeOf(name), id(name), source.reading)}) is null` : raw('true')
    return sql`{filled: count(${id(name)}), odd: count(*) filter (where ${id(name)} is not null and ${odd})} as ${id(name)}`
  })
  const query = (part: FileGroup) =>
    context.session.rows(sql`select ${join(counts)} from (${source.texts(part, rows)}) group by ${id(FILE)}`)
  for (const row of (await overReadable(group, query)).flat()) {
    for (const name of names) {
      // Decoder: the struct that was asked for above.
      const { filled, odd } = row[name] as { readonly filled: bigint; readonly odd: bigint }
      const vote = votes.get(name.toLowerCase()) ?? { filled: 0, odd: 0 }
      votes.set(name.toLowerCase(), {
        filled: vote.filled + (filled > 0n ? 1 : 0),
        odd: vote.odd + (Number(odd) > oddValues(filled, context.table) ? 1 : 0),
      })
    }
  }
}

/** Name of the column that tells the file of a row. */
const FILE = '__path'

/** The rows of a group as texts, without ill-formed ones: they are reported when the file is read. */
function texts(group: FileGroup, reading: Reading, rows: number | null): Sql {
  const columns = group.columns.map(({ name }) => ({ name, type: 'VARCHAR' }))
  const read = readCsv(group.files, columns, {
    reading,
    layout: layoutOf(group),
    isLook: rows !== null,
    more: [...PASSING_OVER, sql`filename = ${literal(FILE)}`],
  })
  // The engine fails as a whole where it passes over a value of no UTF-8 and fewer columns are used than stand before it.
  const all = sql`select * from ${read} where ${lookedAt(columns)}`
  return rows === null ? all : sql`${all} limit ${raw(String(rows))}`
}
