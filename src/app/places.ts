import { join } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'

/** Folder for links to landing files and other short-lived things. */
export function spoolOf(config: ResolvedConfig): string {
  return join(config.checkpointPath, 'spool')
}
