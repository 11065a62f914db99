import type { TableConfig } from '../model/table.ts'
import type { ChangedFilePolicy } from '../tracker/tracker.ts'

/** `auto` by strategy: newest data for overwrite, merge and scd2, nothing for append. */
export function changedFilePolicy(table: TableConfig): ChangedFilePolicy {
  switch (table.onChangedFile) {
    case 'auto':
      return table.strategy === 'append' ? 'ignore' : 'load'
    case 'append':
      return 'load'
    case 'replace':
      return 'replace'
    case 'ignore':
      return 'ignore'
    case 'fail':
      return 'fail'
  }
}
