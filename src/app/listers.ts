import type { Clock } from '../lib/clock.ts'
import type { TableConfig } from '../model/table.ts'
import { localLister } from '../watcher/local.ts'
import type { Place } from '../watcher/local-folder.ts'
import { DateFolders } from '../watcher/object-dates.ts'
import { objectLister } from '../watcher/objects.ts'
import { type SourceRules, sourceRules } from '../watcher/rules.ts'
import type { Lister } from '../watcher/watcher.ts'
import { objectStoreOf } from './object-stores.ts'

export interface ListerOptions {
  /** Told of each local folder before it is listed. */
  readonly onFolder?: ((folder: Place) => void) | undefined
  /** Folders of a bucket that are named by dates, as earlier listings saw them. */
  readonly dates?: DateFolders | undefined
  /** Passes over old ones of these. */
  readonly onlyNew?: boolean | undefined
  /** Those of the table, with what was seen of the clock of its files. */
  readonly rules?: SourceRules | undefined
}

/** Looks at the source of a table, wherever it lies. ConfigError for a pattern that cannot be used. */
export function listerOf(table: TableConfig, clock: Clock, options: ListerOptions = {}): Lister {
  const { onFolder, dates, onlyNew = false, rules = sourceRules(table) } = options
  const { root } = rules.pattern
  if (root === '') return localLister(rules, clock, onFolder)
  const open = () => objectStoreOf(root, table.storage.source)
  return objectLister({ rules, open, clock, dates: dates ?? new DateFolders(), onlyNew })
}
