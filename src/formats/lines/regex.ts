import { literal, literalList, type Sql, sql } from '../../engine/sql.ts'
import { ConfigError } from '../../errors/errors.ts'
import { groupsOf, re2Pattern } from '../../lib/pattern-groups.ts'
import type { TableConfig } from '../../model/table.ts'
import { excerpt } from '../file-problems.ts'
import type { Format } from '../format.ts'
import { textOption } from '../options.ts'
import { lineFormat } from './lines.ts'
import { lineReadingOf } from './reading.ts'
import type { LineRules } from './rules.ts'

const lines = lineFormat('regex', rulesOf)

/** Lines that a regular expression takes apart: RE2, whose time grows with the line alone. */
export const regex: Format = {
  ...lines,
  inspect: async (files, context) => {
    const { pattern } = rulesOf(context.table)
    try {
      await context.session.rows(sql`select regexp_full_match('', ${literal(pattern)})`)
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
      throw new ConfigError('ING-CONFIG-VALUE', `${context.table.name}: format_options.pattern is no regular expression of RE2: ${reason}`)
    }
    return lines.inspect(files, context)
  },
}

function rulesOf(table: TableConfig): LineRules & { readonly pattern: string } {
  const pattern = re2Pattern(String(table.formatOptions['pattern'] ?? ''))
  const groups = groupsOf(pattern)
  const names = groups.flatMap((name) => (name === null ? [] : [name]))
  // Names go by position: groups without a name count as well.
  const all = literalList(groups.map((name, index) => name ?? `__group${index}`))
  const found = (line: Sql) => sql`regexp_extract(${line}, ${literal(`^(?:${pattern})$`)}, ${all})`
  return {
    pattern,
    reading: lineReadingOf(table),
    names,
    namesIn: () => names,
    field: (line, position) => sql`struct_extract(${found(line)}, ${literal(names[position] ?? '')})`,
    fits: (line) => sql`regexp_full_match(${line}, ${literal(pattern)})`,
    misfit: { rule: 'pattern', reason: 'the pattern does not match' },
    passesOver: textOption(table, 'on_mismatch') === 'skip',
    problem: (line) => `the pattern does not match: ${excerpt(line)}`,
  }
}
