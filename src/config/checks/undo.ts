import { AUDIT_COLUMNS } from '../../model/schema.ts'
import type { Clash, TableDraft } from './draft.ts'

/** `replace` swaps rows that are told by the file that they came from; versions of keys and snapshots replace one another by themselves. */
export function replaceClash({ input, kind }: TableDraft): Clash | undefined {
  if (input.on_changed_file !== 'replace' || kind === 'overwrite') return undefined
  const key = ['on_changed_file']
  if (kind !== 'append')
    return {
      key,
      problem: `replace swaps the rows of a file in an append table, and this is ${kind === 'custom' ? 'a strategy of your own' : kind}`,
      fix: kind === 'custom' ? 'write append, ignore or fail' : 'write auto: new content is loaded as the newest data',
    }
  if (!input.audit_columns) return { key, problem: 'replace needs audit_columns, which tell the rows of a file', fix: 'remove one of them' }
  const masked = Object.keys(input.mask).find((name) => AUDIT_COLUMNS.some((column) => column.name === name.toLowerCase()))
  if (masked !== undefined) return { key: ['mask', masked], problem: `replace tells rows by ${masked}`, fix: 'remove one of them' }
  if (input.deduplicate === false || (Array.isArray(input.deduplicate) && input.deduplicate.length === 0)) return undefined
  return {
    key,
    problem: 'replace cannot be combined with deduplicate: rows that came twice are there once, under the first file that brought them',
    fix: 'remove one of them',
  }
}
