import type { TableConfig } from '../model/table.ts'
import type { CompleteRules } from './complete.ts'
import { type IgnoreRule, ignoreRule } from './ignore.ts'
import { below, compilePattern, type SourcePattern } from './pattern.ts'
import { FutureClock } from './settle-clock.ts'

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
  // The commits of a table are its files: any of them is decided by itself.
  const pattern = isTable
    ? compilePattern(`${table.sourcePattern.replace(/\/+$/, '')}/_delta_log/${COMMITS}`, false)
    : compilePattern(table.sourcePattern, COMPRESSIBLE.includes(table.fileFormat))
  const ignored = ignoreRule(watch.ignore, watch.marker)
  return {
    subject: table.tableName,
    pattern,
    ignored: isTable ? beforeStart(table, ignored) : outsideArchives(table, pattern, ignored),
    marker: watch.marker,
    complete: { settleMs: watch.settleMs, modifiedAfterMs: watch.modifiedAfterMs, future: new FutureClock() },
  }
}

/** What was loaded and archived is not taken a second time, where the archive lies below a source. */
function outsideArchives({ archives }: TableConfig, { base }: SourcePattern, ignored: IgnoreRule): IgnoreRule {
  const folders = new Set(archives.flatMap((archive) => below(base, archive) ?? []))
  if (folders.size === 0) return ignored
  return (name, prefix) =>
    ignored(name, prefix) ?? (folders.has(prefix + name) ? 'loaded files are archived there (after_load)' : undefined)
}

/** Commits before the version that a table is followed from are not taken. */
function beforeStart({ formatOptions }: TableConfig, ignored: IgnoreRule): IgnoreRule {
  const start = formatOptions['starting_version']
  if (start === undefined) return ignored
  const first = String(start).padStart(20, '0')
  return (name, prefix) => ignored(name, prefix) ?? (name.slice(0, 20) < first ? `starting_version is ${String(start)}` : undefined)
}
