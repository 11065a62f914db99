import { posix } from 'node:path'
import { ConfigError } from '../errors/errors.ts'
import { type Glob, globOf, globSegments, hasGlob, literalOf, type Segment } from '../lib/glob.ts'

/** The pattern of a source, cut into the folder where the walk begins and the names below it. */
export interface SourcePattern {
  /** As configured, without `.` and `..`. */
  readonly text: string
  /** Bucket or container of a pattern that is a URL, as `s3://bucket`; empty for a local one. */
  readonly root: string
  /** The longest part without a glob: an absolute folder or URL without a trailing slash, `/` for the root of a disk. */
  readonly base: string
  /** Names below the base, one list for each alternative. */
  readonly alternatives: readonly (readonly Segment[])[]
  readonly glob: Glob
  /** The path that a pattern without a glob names: a file, or a folder with all that is below it. */
  readonly plain: string | null
}

/** Endings of compressed files. */
export const COMPRESSED = ['.gz', '.zst', '.bz2', '.zip'] as const

/** What may follow the suffix of a pattern: `*.csv` also takes `.csv.gz`; archives and bzip2 are taken where the pattern names them. */
const COMPRESSED_TAIL = '(?:\\.gz|\\.zst)?'

/**
 * `customers/*.csv` takes files of that folder, `customers/**` files at any depth. A pattern without a glob is one
 * file, or, when a folder lies there, the same as `folder/**`; `folder/` is always the latter. `compressible` says that
 * the format may come compressed.
 */
export function compilePattern(absolute: string, compressible: boolean): SourcePattern {
  const root = rootOf(absolute) ?? ''
  // Keys of objects are what they are: `..` and `//` lead nowhere else there.
  const text = root === '' ? posix.normalize(absolute) : absolute
  const names = text
    .slice(root.length)
    .split('/')
    .filter((name) => name !== '')
  const firstGlob = names.findIndex(hasGlob)
  const isFolder = text.endsWith('/')
  if (firstGlob < 0) return plainPattern({ text, root, isFolder }, names.map(literalOf))
  const rest = names.slice(firstGlob)
  if (isFolder) rest.push('**')
  const alternatives = segmentsOf(text, rest, compressible).filter((segments) => !segments.some(leavesBase))
  const base = folderOf(root, names.slice(0, firstGlob).map(literalOf))
  return { text, root, base, alternatives, glob: globOf(alternatives), plain: null }
}

/** `s3://bucket` of a URL of an object store; undefined for a local path. */
export function rootOf(path: string): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(path)?.[0]
}

/** A path relative to a folder that it lies below; undefined when it lies elsewhere. */
export function below(base: string, path: string): string | undefined {
  const root = base === '/' ? base : `${base}/`
  return path.startsWith(root) && path.length > root.length ? path.slice(root.length) : undefined
}

/** The path of a name in a folder, which may be the root. */
export function joined(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`
}

function plainPattern(
  { text, root, isFolder }: Pick<SourcePattern, 'text' | 'root'> & { readonly isFolder: boolean },
  names: readonly string[],
): SourcePattern {
  const everything = globSegments('**')
  const name = names.at(-1)
  if (isFolder || name === undefined) {
    const base = folderOf(root, names)
    return { text, root, base, alternatives: everything, glob: globOf(everything), plain: base }
  }
  const itself: Segment = { kind: 'literal', text: name }
  const alternatives = [[itself], ...everything.map((segments) => [itself, ...segments])]
  const plain = folderOf(root, names)
  return { text, root, base: folderOf(root, names.slice(0, -1)), alternatives, glob: globOf(alternatives), plain }
}

function segmentsOf(text: string, names: readonly string[], compressible: boolean): readonly (readonly Segment[])[] {
  // Without a suffix in the pattern there is nothing that `.gz` could follow: `data-*` takes every ending as it is.
  const takesCompressed =
    compressible && /\.[^.*/]+$/.test(names.at(-1) ?? '') && !COMPRESSED.some((suffix) => names.at(-1)?.endsWith(suffix))
  try {
    return globSegments(names.join('/'), takesCompressed ? COMPRESSED_TAIL : '')
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    const hint = 'write fewer braces in source_path_pattern, or make several tables of it'
    throw new ConfigError('ING-CONFIG-VALUE', `the pattern ${text} cannot be used: ${cause.message}`, [], { cause, hint })
  }
}

/** `..` behind a brace would walk out of the folder that the pattern begins in. */
function leavesBase(segment: Segment): boolean {
  return segment.kind !== 'deep' && /^\.\.(?:\.gz|\.zst)?$/.test(segment.text)
}

function folderOf(root: string, names: readonly string[]): string {
  return root !== '' && names.length === 0 ? root : `${root}/${names.join('/')}`
}
