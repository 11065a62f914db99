import type { CleanUpState } from '../../model/file.ts'
import { count } from './numbers.ts'

/** What `after_load` has left to do, in a line; empty where nothing is. */
export function cleanUpsText({ due, failed, last_error: reason }: CleanUpState): string {
  if (due + failed === 0) return ''
  const parts = [...(due > 0 ? [`${count(due)} due`] : []), ...(failed > 0 ? [`${count(failed)} failed`] : [])]
  return `clean-ups of loaded files: ${parts.join(', ')}${failed > 0 && reason !== null ? ` (${reason}); they are tried again` : ''}`
}
