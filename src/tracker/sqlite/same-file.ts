import { statSync } from 'node:fs'

/** Tells whether a file is still the one that it was: a process that has it open goes on with it also after it was deleted or replaced. */
export function sameFile(file: string): () => boolean {
  const inode = inodeOf(file)
  return () => inode !== undefined && inodeOf(file) === inode
}

function inodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino
}
