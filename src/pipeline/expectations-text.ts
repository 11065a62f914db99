import { raw, type Sql, sql } from '../engine/sql.ts'
import type { Expectation } from '../model/table.ts'

/** Characters of a value that a message shows. */
const SHOWN = 60

/** A value as a message shows it. */
export function valueText(value: Sql, type: string): Sql {
  const text = sql`${value}::varchar`
  const short = sql`case when length(${text}) > ${raw(String(SHOWN))} then left(${text}, ${raw(String(SHOWN - 1))}) || '…' else ${text} end`
  const shown = type === 'VARCHAR' ? sql`'''' || ${short} || ''''` : short
  return sql`coalesce(${shown}, 'null')`
}

export function rowsText(rows: bigint): string {
  return rows === 1n ? '1 row' : `${rows} rows`
}

/** `break amount_is_positive (amount >= 0)`. */
export function breaksText(rows: bigint, rule: Expectation): string {
  const told = rule.kind === 'check' ? `${rule.name} (${checkText(rule.check)})` : rule.name
  return `${rows === 1n ? 'breaks' : 'break'} ${told}`
}

/** A condition on one line. */
export function checkText(check: string): string {
  return check.trim().replaceAll(/\s+/g, ' ')
}

/** The first of what there is to tell, and how much more there is. */
export function listed(texts: readonly string[], all: bigint): string {
  const rest = all - BigInt(texts.length)
  return `${texts.join('; ')}${rest > 0n ? `; and ${rest} more` : ''}`
}
