import type { TableConfig } from '../model/table.ts'
import type { CompleteRules } from './complete.ts'
import { type IgnoreRule, ignoreRule } from './ignore.ts'
import { compilePattern, type SourcePattern } from './pattern.ts'

/** Everything that decides whether a file of a source is taken; listing and looking follow the same rules. */
export interface SourceRules {
  /** The table, as messages name it. */
  readonly subject: string
  readonly pattern: SourcePattern
  readonly ignored: IgnoreRule
  /** `{name}.done` or a plain name; null when none is asked for. */
  readonly marker: string | null
  readonly complete: CompleteRules
}

/** Formats of text come compressed as a whole; the others compress within themselves. */
const COMPRESSIBLE: readonly string[] = ['csv', 'json', 'ndjson'] satisfies readonly TableConfig['fileFormat'][]

export function sourceRules(table: TableConfig): SourceRules {
  const { watch } = table
  return {
    subject: table.tableName,
    pattern: compilePattern(table.sourcePattern, COMPRESSIBLE.includes(table.fileFormat)),
    ignored: ignoreRule(watch.ignore, watch.marker),
    marker: watch.marker,
    complete: { settleMs: watch.settleMs, modifiedAfterMs: watch.modifiedAfterMs },
  }
}
