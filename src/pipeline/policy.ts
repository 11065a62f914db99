import type { TableConfig } from '../model/table.ts'
import type { ChangedFilePolicy } from '../tracker/tracker.ts'

/** `auto` by strategy: newest data for overwrite, nothing for append. */
export function changedFilePolicy(table: TableConfig): ChangedFilePolicy {
  switch (table.onChangedFile) {
    case 'auto':
      return table.strategy === 'append' ? 'ignore' : 'load'
    case 'append':
    case 'replace':
      return 'load'
    case 'ignore':
      return 'ignore'
    case 'fail':
      return 'fail'
  }
}
