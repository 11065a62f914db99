import { literal, raw, type Sql, sql } from '../../engine/sql.ts'
import { ConfigError } from '../../errors/errors.ts'
import type { TableConfig } from '../../model/table.ts'
import { flagOption, listOption, textOption } from '../options.ts'
import { lineFormat } from './lines.ts'
import { lineReadingOf } from './reading.ts'
import type { LineRules } from './rules.ts'

/** Where a field stands in a line, in characters. */
interface Span {
  readonly name: string | null
  /** From 1. */
  readonly start: number
  /** Null is the rest of the line. */
  readonly width: number | null
}

/** Lines whose fields stand at fixed places. */
export const fixedWidth = lineFormat('fixed_width', rulesOf)

function rulesOf(table: TableConfig): LineRules {
  const reading = lineReadingOf(table)
  const spans = spansOf(table)
  const trim = trimOf(table)
  const pads = textOption(table, 'short_lines') === 'pad'
  const length = leastLength(spans)
  return {
    reading,
    names: namesOf(table, spans),
    namesIn: (header) => spans.map((span) => cut(header, span).trim()),
    field: (line, position) => {
      const span = spans[position]
      return span === undefined ? raw('null') : trim(substring(line, span))
    },
    fits: (line) => (pads ? raw('true') : sql`length(${line}) >= ${raw(String(length))}`),
    passesOver: false,
    misfit: { rule: 'ragged', reason: `a record has ${length} characters` },
    problem: (line) => `${[...line].length} characters, a record has ${length}`,
  }
}

function substring(line: Sql, { start, width }: Span): Sql {
  const from = raw(String(start))
  return width === null ? sql`substring(${line}, ${from})` : sql`substring(${line}, ${from}, ${raw(String(width))})`
}

function cut(line: string, { start, width }: Span): string {
  return [...line].slice(start - 1, width === null ? undefined : start - 1 + width).join('')
}

function leastLength(spans: readonly Span[]): number {
  return Math.max(0, ...spans.map(({ start, width }) => start - 1 + (width ?? 1)))
}

function trimOf(table: TableConfig): (text: Sql) => Sql {
  const blanks = literal(' \t')
  switch (textOption(table, 'trim') ?? 'both') {
    case 'left':
      return (text) => sql`ltrim(${text}, ${blanks})`
    case 'right':
      return (text) => sql`rtrim(${text}, ${blanks})`
    case 'none':
      return (text) => text
    default:
      return (text) => sql`trim(${text}, ${blanks})`
  }
}

function namesOf(table: TableConfig, spans: readonly Span[]): readonly string[] | null {
  if (flagOption(table, 'header') === true) return null
  const given = listOption(table, 'names')
  return spans.map(({ name }, index) => name ?? given?.[index] ?? `column${index}`)
}

/** A field without a start follows the one before it. */
function spansOf(table: TableConfig): readonly Span[] {
  const { fields, widths } = table.formatOptions
  const written: readonly { readonly name?: unknown; readonly start?: unknown; readonly width?: unknown }[] = Array.isArray(fields)
    ? fields
    : Array.isArray(widths)
      ? widths.map((width) => ({ width }))
      : []
  const spans: Span[] = []
  let next = 1
  for (const field of written) {
    const start = typeof field.start === 'number' ? field.start : next
    const width = typeof field.width === 'number' ? field.width : null
    spans.push({ name: typeof field.name === 'string' ? field.name : null, start, width })
    next = start + (width ?? 0)
  }
  if (spans.length === 0)
    throw new ConfigError('ING-CONFIG-MISSING', `${table.name}: fixed_width needs format_options: {fields: […]} or {widths: […]}`)
  return spans
}
