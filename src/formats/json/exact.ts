import { literal, type Sql, sql } from '../../engine/sql.ts'
import { parseType, type TypeNode } from '../../model/type-text.ts'
import type { ReadColumn } from '../format.ts'

/*
 * The engine reads a number with a fraction as a double, which keeps fifteen digits. So where a decimal has more, it is made a text
 * before the record is parsed.
 */

/** Where a record may have decimals: as values of these fields, and within lists and maps. */
export interface Decimals {
  readonly fields: ReadonlySet<string>
  readonly isWithin: boolean
}

/** Undefined where no column is a decimal, or has one in it. */
export function decimalsOf(columns: readonly ReadColumn[]): Decimals | undefined {
  const fields = new Set<string>()
  let isWithin = false
  const note = (node: TypeNode, field: string | null): void => {
    if (node.kind === 'struct') for (const { name, type } of node.fields) note(type, name)
    else if (node.kind === 'list') note(node.element, null)
    else if (node.kind === 'map') note(node.value, null)
    else if (!node.text.startsWith('DECIMAL')) return
    else if (field === null) isWithin = true
    else fields.add(field)
  }
  for (const { name, type } of columns) if (type.includes('DECIMAL')) note(parseType(type), name)
  return fields.size > 0 || isWithin ? { fields, isWithin } : undefined
}

/** Sixteen digits, or fifteen and a point. */
const LONG = '-?[0-9.]{16,}(?:[eE][+-]?[0-9]+)?'
const TEXT = '"(?:[^"\\\\]|\\\\.)*"'
/** A field with a number, a text, or what stands between them. */
const PIECE = `${TEXT}\\s*:\\s*-?[0-9][0-9.eE+-]*|${TEXT}|[^"]+`

/** A record in which long decimals are texts; one that has none is looked at, and left as it is. */
export function exactDecimals(json: Sql, { fields, isWithin }: Decimals): Sql {
  const key = isWithin ? TEXT : `(?:${[...fields].flatMap((field) => spellings(field)).join('|')})`
  const ofField = sql`regexp_replace(piece, ${literal(`^(${key}\\s*:\\s*)(${LONG})$`)}, '\\1"\\2"')`
  const piece = isWithin
    ? sql`case when starts_with(piece, '"') then ${ofField} else regexp_replace(piece, ${literal(LONG)}, '"\\0"', 'g') end`
    : ofField
  const pieces = sql`regexp_extract_all(${json}::varchar, ${literal(PIECE)})`
  return sql`case when regexp_matches(${json}::varchar, ${literal(isWithin ? LONG : `${key}\\s*:\\s*${LONG}`)})
    then array_to_string(list_transform(${pieces}, lambda piece: ${piece}), '')::json else ${json} end`
}

/** How a name may be written in JSON, as patterns: as it is, or with other characters than ASCII by their numbers. */
function spellings(name: string): readonly string[] {
  const plain = JSON.stringify(name)
  const number = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  const escaped = plain.replaceAll(/[\u0080-\uffff]/g, number)
  const upper = plain.replaceAll(/[\u0080-\uffff]/g, (character) => number(character).toUpperCase().replace('\\U', '\\u'))
  return [...new Set([plain, escaped, upper])].map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
}
