import type { Metadata } from './actions.ts'

/** Whether each commit of the table says when it was made, later than the one before. */
export function hasInCommitTimestamps({ configuration }: Metadata): boolean {
  return configuration['delta.enableInCommitTimestamps']?.trim().toLowerCase() === 'true'
}
