import { type Glob, globMatches, type Segment, segmentMatches } from '../lib/glob.ts'
import { below, COMPRESSED, type SourcePattern } from './pattern.ts'

/** Whether a file at this absolute path belongs to the pattern, by its names alone. */
export function matchesPattern(pattern: SourcePattern, path: string): boolean {
  const relative = below(pattern.base, path)
  return relative !== undefined && globMatches(pattern.glob, relative)
}

/** Names to look up, when nothing else in a folder can match: then the folder need not be listed. */
export function onlyNames(glob: Glob, positions: readonly number[]): readonly string[] | undefined {
  const names = new Set<string>()
  for (const position of positions) {
    const segment = glob.steps[position]?.segment
    // A name with an escaped byte may stand for one that is not UTF-8, which only a listing shows.
    if (segment?.kind !== 'literal' || /%[89A-F][0-9A-F]/.test(segment.text)) return undefined
    names.add(segment.text)
  }
  return [...names]
}

/** Why a path does not match, said by what is nearest to matching. `subject` is the table. */
export function nearMiss(pattern: SourcePattern, path: string, subject: string): string {
  const relative = below(pattern.base, path)
  if (relative === undefined) {
    const differsByCase = below(pattern.base.toLowerCase(), path.toLowerCase()) !== undefined
    return differsByCase ? `lies below ${pattern.base} but for upper and lower case` : `lies outside ${pattern.base}`
  }
  const names = relative.split('/')
  const misses = pattern.alternatives.map((segments) => missOf(segments, names, subject))
  const nearest = misses.toSorted((a, b) => a.distance - b.distance)[0]
  return nearest === undefined ? `does not match ${pattern.text}` : `${nearest.text} (the pattern is ${pattern.text})`
}

interface Miss {
  /** Smaller is nearer. */
  readonly distance: number
  readonly text: string
}

function missOf(segments: readonly Segment[], names: readonly string[], subject: string): Miss {
  const last = segments.at(-1)
  const name = names.at(-1) ?? ''
  if (last === undefined) return { distance: 9, text: 'the pattern takes nothing' }
  const folders = segments.slice(0, -1)
  const foldersMatch = sequenceMatches(folders, names.slice(0, -1))
  if (foldersMatch) return nameMiss(last, name, subject)
  if (sequenceMatches(folders.map(loose), names.slice(0, -1).map(lower)) && segmentMatches(loose(last), lower(name)))
    return { distance: 3, text: `matches ${subject} but for upper and lower case in a folder name` }
  if (segmentMatches(last, name)) return folderMiss(folders, names.slice(0, -1))
  return { distance: 8, text: `neither its folder nor its name ${quoted(name)} matches` }
}

function nameMiss(segment: Segment, name: string, subject: string): Miss {
  const wanted = suffixOf(textOf(segment))
  const suffix = suffixOf(name)
  if (segmentMatches(loose(segment), lower(name))) {
    if (suffix !== wanted && lower(suffix) === lower(wanted))
      return { distance: 0, text: `matches ${subject} but for the suffix ${suffix}, it takes ${wanted}` }
    return { distance: 1, text: `matches ${subject} but for upper and lower case in ${quoted(name)}` }
  }
  const stem = name.slice(0, name.length - suffix.length)
  const isNear = suffix !== '' && (segmentMatches(segment, stem) || (wanted !== '' && segmentMatches(segment, `${stem}${wanted}`)))
  if (isNear) return { distance: 1, text: `matches ${subject} but for the suffix ${suffix}${wanted === '' ? '' : `, it takes ${wanted}`}` }
  return { distance: 4, text: `the name ${quoted(name)} does not match ${textOf(segment)}` }
}

function folderMiss(folders: readonly Segment[], names: readonly string[]): Miss {
  const difference = names.length - folders.length
  const anyDepth = folders.some((segment) => segment.kind === 'deep')
  if (!anyDepth && difference > 0) return { distance: 2, text: `is ${count(difference)} too deep: * stops at /, ** does not` }
  if (!anyDepth && difference < 0) return { distance: 2, text: `lacks ${count(-difference)}` }
  const at = folders.findIndex((segment, index) => !segmentMatches(segment, names[index] ?? ''))
  const segment = folders[at]
  if (anyDepth || segment === undefined) return { distance: 5, text: 'its folder does not match' }
  return { distance: 4, text: `the folder ${quoted(names[at] ?? '')} does not match ${textOf(segment)}` }
}

function sequenceMatches(segments: readonly Segment[], names: readonly string[]): boolean {
  const [segment, ...rest] = segments
  if (segment === undefined) return names.length === 0
  const [name, ...others] = names
  if (segment.kind !== 'deep') return name !== undefined && segmentMatches(segment, name) && sequenceMatches(rest, others)
  return sequenceMatches(rest, names) || (name !== undefined && sequenceMatches(segments, others))
}

/** The same segment without regard to case; names come to it in lower case. */
function loose(segment: Segment): Segment {
  if (segment.kind === 'deep') return segment
  if (segment.kind === 'literal') return { ...segment, text: lower(segment.text) }
  return { ...segment, test: new RegExp(segment.test.source, 'sui') }
}

/** The last dot and what follows; for a compressed file both suffixes, since the pattern speaks of the first. */
function suffixOf(name: string): string {
  const compressed = COMPRESSED.find((suffix) => name.endsWith(suffix)) ?? ''
  const plain = name.slice(0, name.length - compressed.length)
  const dot = plain.lastIndexOf('.')
  return dot < 0 || /[*/]/.test(plain.slice(dot)) ? compressed : plain.slice(dot) + compressed
}

function textOf(segment: Segment): string {
  return segment.kind === 'deep' ? '**' : segment.text
}

function count(folders: number): string {
  return folders === 1 ? 'one folder' : `${folders} folders`
}

function quoted(name: string): string {
  return JSON.stringify(name)
}

function lower(text: string): string {
  return text.toLowerCase()
}
