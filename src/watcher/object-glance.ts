import pLimit from 'p-limit'
import type { FileSeen } from '../model/file.ts'
import { markedFile } from './decisions.ts'
import type { Glance } from './local-glance.ts'
import { matchesPattern } from './match.ts'
import type { SourceRules } from './rules.ts'
import type { Lister, WaitingFile } from './watcher.ts'

/** Objects that are asked for at the same time. */
const ASKED = 32

/** Looks at objects that something told of, without a listing. `paths` are those of objects, or of markers of objects. */
export async function glanceAtObjects(rules: SourceRules, paths: readonly string[], lister: Pick<Lister, 'look'>): Promise<Glance> {
  const meant = [...new Set(paths.map((path) => meantBy(rules, path)))]
  const looked = await pLimit(ASKED).map(
    meant.filter((path) => path !== null && path !== undefined),
    (path) => lister.look(path),
  )
  const files: FileSeen[] = []
  const waiting: WaitingFile[] = []
  for (const { file, waiting: young, steps } of looked) {
    if (young !== undefined) waiting.push(young)
    else if (file !== undefined && steps.every(({ passed }) => passed)) files.push(file)
  }
  return { files, waiting, listAll: meant.includes(null) }
}

/** The object that is meant by its own path or by that of its marker. Null for the marker of all of a folder; undefined for what the source does not take. */
export function meantBy(rules: SourceRules, path: string): string | null | undefined {
  const marked = rules.marker === null ? undefined : markedFile(path, rules.marker)
  const meant = marked === undefined ? path : marked
  if (meant === null) return path.startsWith(`${rules.pattern.base}/`) ? null : undefined
  return matchesPattern(rules.pattern, meant) ? meant : undefined
}
