import { literal, type Sql, sql } from '../../engine/sql.ts'
import type { FormatContext, Framing } from '../format.ts'
import { readingOf } from './reading.ts'

/** A header before the records, where files of the table have one. */
export function csvFraming(columns: readonly string[], context: FormatContext): Framing {
  const { delimiter, quote, escape: sign, header } = readingOf(context)
  const names = columns.map((name) => (quote === '' ? name : `${quote}${name.replaceAll(quote, `${sign}${quote}`)}${quote}`))
  return { head: header ? `${names.join(delimiter)}\n` : '', isRecord: (text) => isRecord(text, quote, sign) }
}

/** Line breaks stand within quotes alone, and no quote is left open: what follows would become part of the record. */
function isRecord(text: Sql, quote: string, sign: string): Sql {
  if (quote === '') return sql`not regexp_matches(${text}, '[\\r\\n]')`
  const [open, escaping] = [quote, sign].map((one) => one.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  const quoted = quote === sign ? `${open}([^${open}]|${open}${open})*${open}` : `${open}([^${open}${escaping}]|${escaping}.)*${open}`
  const rest = sql`regexp_replace(${text}, ${literal(`(?s)${quoted}`)}, '', 'g')`
  return sql`not regexp_matches(${rest}, ${literal(`[\\r\\n${open}]`)})`
}
