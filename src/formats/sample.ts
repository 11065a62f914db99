import { throwForeign } from './engine-message.ts'
import type { FileGroup, SourceFile } from './format.ts'

const SAMPLED_FILES = 20
/** Small sources are read in full, which makes their types sure. */
const FULL_FILES = 200
const FULL_BYTES = 32n * 1024n * 1024n

/** Column names over all groups, ignoring case; the spelling of the first file stays. */
export function unified(groups: readonly FileGroup[]): readonly string[] {
  const names = new Map<string, string>()
  const inOrder = groups.toSorted((a, b) => firstOrdinal(a) - firstOrdinal(b))
  for (const group of inOrder) for (const { name } of group.columns) if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), name)
  return [...names.values()]
}

function firstOrdinal(group: FileGroup): number {
  return group.files.reduce((least, file) => Math.min(least, file.ordinal), Number.POSITIVE_INFINITY)
}

export interface Sample {
  readonly groups: readonly FileGroup[]
  /** True when all files are in it, and few enough to be read in full. */
  readonly whole: boolean
}

/** Parts of the groups that types are inferred from: at least one file for each column, spread over all groups. */
export function sampleOf(groups: readonly FileGroup[]): Sample {
  const full = groups.filter((group) => !group.empty)
  const files = full.flatMap((group) => group.files)
  const bytes = files.reduce((sum, file) => sum + file.size, 0n)
  if (files.length <= FULL_FILES && bytes <= FULL_BYTES) return { groups: full, whole: true }
  const share = Math.max(1, Math.floor(SAMPLED_FILES / full.length))
  return { groups: chosenGroups(full).map((group) => ({ ...group, files: spread(group.files, share) })), whole: false }
}

/** The groups that bring a column, in order, and others up to the number of sampled files. */
function chosenGroups(groups: readonly FileGroup[]): readonly FileGroup[] {
  const seen = new Set<string>()
  const bringing: FileGroup[] = []
  const others: FileGroup[] = []
  for (const group of groups) {
    const news = group.columns.filter(({ name }) => !seen.has(name.toLowerCase()))
    for (const { name } of news) seen.add(name.toLowerCase())
    ;(news.length > 0 ? bringing : others).push(group)
  }
  return [...bringing, ...others.slice(0, Math.max(0, SAMPLED_FILES - bringing.length))]
}

function spread(files: readonly SourceFile[], count: number): readonly SourceFile[] {
  if (files.length <= count) return files
  const step = files.length / count
  return Array.from({ length: count }, (_, index) => files[Math.floor(index * step)]).filter((file) => file !== undefined)
}

/**
 * Runs a query over the files of a group, or, where some of them cannot be read, over each of the others alone; what is
 * wrong with a file is reported when it is loaded.
 */
export async function overReadable<T>(group: FileGroup, query: (group: FileGroup) => Promise<T>): Promise<readonly T[]> {
  try {
    return [await query(group)]
  } catch (error) {
    throwForeign(error)
    if (group.files.length <= 1) return []
    const results: T[] = []
    for (const file of group.files) results.push(...(await overReadable({ ...group, files: [file] }, query)))
    return results
  }
}
