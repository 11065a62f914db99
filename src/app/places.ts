import { join } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'

/** Folder for links to landing files and other short-lived things. */
export function spoolOf(config: ResolvedConfig): string {
  return join(config.checkpointPath, 'spool')
}

/** The module that a load process runs, as package.json names it: in a bundle no module lies beside another. */
export function workerEntry(): URL {
  return new URL(import.meta.resolve('#worker'))
}
