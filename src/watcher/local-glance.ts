import type { FileSeen } from '../model/file.ts'
import { markedFile } from './decisions.ts'
import { ignoredPath } from './ignore.ts'
import { statAt } from './local-folder.ts'
import { lookAt } from './local-look.ts'
import { matchesPattern } from './match.ts'
import { below } from './pattern.ts'
import type { SourceRules } from './rules.ts'
import type { WaitingFile } from './watcher.ts'

/** What lies at some paths, by the decisions of a listing. */
export interface Glance {
  readonly files: readonly FileSeen[]
  readonly waiting: readonly WaitingFile[]
  /** More than these paths must be looked at: a folder came, or something that stands for several files. */
  readonly listAll: boolean
}

/** Looks at paths at which something happened, without listing the folders that they lie in. */
export function glanceAt(rules: SourceRules, paths: Iterable<string>, nowMs: number): Glance {
  const files: FileSeen[] = []
  const waiting: WaitingFile[] = []
  let listAll = false
  for (const path of new Set([...paths].flatMap((one) => meant(rules, one)))) {
    if (path === null) {
      listAll = true
      continue
    }
    const { file, waiting: young, steps } = lookAt(rules, path, nowMs)
    if (young !== undefined) waiting.push(young)
    else if (file !== undefined && steps.every(({ passed }) => passed)) files.push(file)
  }
  return { files, waiting, listAll }
}

/** The paths of files that an event at a path may be about; null for such as only a listing finds. */
function meant(rules: SourceRules, path: string): readonly (string | null)[] {
  const relative = below(rules.pattern.base, path)
  if (relative === undefined) return [null]
  const marked = rules.marker === null ? undefined : markedFile(path, rules.marker)
  if (marked !== undefined) return [marked]
  if (ignoredPath(rules.ignored, relative) !== undefined) return []
  // A name that matches may be that of a folder, too.
  if (isFolder(path)) return [null]
  return matchesPattern(rules.pattern, path) ? [path] : []
}

function isFolder(path: string): boolean {
  try {
    return statAt(path)?.isDirectory() ?? false
  } catch {
    // A listing tells what cannot be looked at.
    return true
  }
}
