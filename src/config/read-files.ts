import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { globMatches, globOf, globSegments, hasGlob, literalOf } from '../lib/glob.ts'

/** Configs are small; what is larger is no config. */
const MAX_BYTES = 32 * 1024 * 1024

/** Text of a UTF-8 file; rejects with the file system's error, or with one that says what is wrong with the text. */
export async function readText(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size > MAX_BYTES) throw new UnreadableText('is larger than 32 MiB')
  const bytes = await readFile(path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // The decoder says only that some byte is wrong.
    throw new UnreadableText('is not UTF-8')
  }
}

class UnreadableText extends Error {}

/** Why a file could not be read, in words. */
export function readProblem(error: unknown): string {
  if (error instanceof UnreadableText) return error.message
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read (permission denied)'
  if (code === 'EISDIR') return 'is a folder'
  return `cannot be read${code === '' ? '' : ` (${code})`}`
}

/**
 * Files that a glob names, sorted; a path without a glob is itself, whether it exists or not. RangeError for braces that
 * stand for too many alternatives.
 */
export async function expandGlob(pattern: string, folder: string): Promise<readonly string[]> {
  const names = pattern.split('/')
  const first = names.findIndex(hasGlob)
  if (first < 0) return [resolve(folder, literalOf(pattern))]
  const head = literalOf(names.slice(0, first).join('/'))
  const base = resolve(folder, pattern.startsWith('/') ? `/${head}` : head)
  const glob = globOf(globSegments(names.slice(first).join('/')))
  const found: string[] = []
  await walk(base, '', async (relative) => {
    if (globMatches(glob, relative)) found.push(join(base, relative))
  })
  return found.sort()
}

async function walk(base: string, relative: string, visit: (relative: string) => Promise<void>): Promise<void> {
  for (const entry of await entriesOf(join(base, relative))) {
    const path = relative === '' ? entry.name : `${relative}/${entry.name}`
    // Links to folders are not followed, so that a loop cannot hold the walk.
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) await walk(base, path, visit)
    } else await visit(path)
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    // A folder that is not there holds no files; what may not be read is told by the caller's check of the file itself.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return []
    throw error
  }
}
