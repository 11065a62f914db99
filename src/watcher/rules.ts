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
const COMPRESSIBLE: readonly string[] = ['csv', 'json', 'ndjson', 'fixed_width', 'regex'] satisfies readonly TableConfig['fileFormat'][]

/** Names of the commits in the log of a Delta table. */
const COMMITS = `${'[0-9]'.repeat(20)}.json`

export function sourceRules(table: TableConfig): SourceRules {
  const { watch } = table
  const isTable = table.fileFormat === 'delta'
  return {
    subject: table.tableName,
    // The commits of a table are its files: any of them is decided by itself.
    pattern: isTable
      ? compilePattern(`${table.sourcePattern.replace(/\/+$/, '')}/_delta_log/${COMMITS}`, false)
      : compilePattern(table.sourcePattern, COMPRESSIBLE.includes(table.fileFormat)),
    ignored: isTable ? beforeStart(table, ignoreRule(watch.ignore, watch.marker)) : ignoreRule(watch.ignore, watch.marker),
    marker: watch.marker,
    complete: { settleMs: watch.settleMs, modifiedAfterMs: watch.modifiedAfterMs },
  }
}

/** Commits before the version that a table is followed from are not taken. */
function beforeStart({ formatOptions }: TableConfig, ignored: IgnoreRule): IgnoreRule {
  const start = formatOptions['starting_version']
  if (start === undefined) return ignored
  const first = String(start).padStart(20, '0')
  return (name, prefix) => ignored(name, prefix) ?? (name.slice(0, 20) < first ? `starting_version is ${String(start)}` : undefined)
}
