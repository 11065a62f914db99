import { basename, isAbsolute, join, normalize, relative, resolve } from 'node:path'
import picomatch from 'picomatch'
import { redactUrl } from '../errors/redact.ts'

/** A path of the config: a local one, absolute; or an address in a store that is not local. */
export type Location =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'remote'; readonly scheme: string; readonly url: string }

export type LocationResult = Location | { readonly kind: 'wrong'; readonly problem: string; readonly fix: string }

const REMOTE_SCHEMES = [
  's3',
  's3a',
  's3n',
  'gs',
  'gcs',
  'az',
  'azure',
  'abfs',
  'abfss',
  'wasb',
  'wasbs',
  'adl',
  'https',
  'http',
  'hdfs',
  'dbfs',
  'onelake',
]

/** A path as written, relative to a base. */
export function locate(written: string, base: Location): LocationResult {
  if (written.includes('\0')) return { kind: 'wrong', problem: 'a path cannot hold a NUL character', fix: 'remove it' }
  const scheme = /^([a-z][a-z0-9+.-]*):\/?\//i.exec(written)?.[1]?.toLowerCase()
  if (scheme === 'file') return fileUrl(written)
  if (scheme !== undefined) {
    if (REMOTE_SCHEMES.includes(scheme)) return { kind: 'remote', scheme, url: redactUrl(written) }
    return {
      kind: 'wrong',
      problem: `${scheme}:// is no scheme that ingestd knows`,
      fix: 'write a path, file://, s3://, gs://, az:// or abfss://',
    }
  }
  if (base.kind === 'remote' && !isAbsolute(written))
    return { ...base, url: `${base.url.replace(/\/+$/, '')}/${written.replace(/^\.\//, '')}` }
  return { kind: 'local', path: base.kind === 'local' ? resolve(base.path, written) : normalize(written) }
}

/** The characters of a glob in a folder's own name stand for themselves. */
function escapeGlob(path: string): string {
  return path.replace(/[\\*?[\]{}()!+@|]/g, '\\$&')
}

/** A source pattern, relative to the folder that raw files lie in. */
export function locatePattern(written: string, base: Location): LocationResult {
  if (isAbsolute(written) || /^[a-z][a-z0-9+.-]*:\//i.test(written) || base.kind === 'remote') return trimmed(locate(written, base))
  if (written.includes('\0')) return { kind: 'wrong', problem: 'a path cannot hold a NUL character', fix: 'remove it' }
  const afterGlob = written.split('/').findIndex((part) => /[*?[{]/.test(part))
  if (afterGlob >= 0 && written.split('/').slice(afterGlob).includes('..'))
    return { kind: 'wrong', problem: '.. cannot stand behind a glob', fix: 'write the path without ..' }
  // Leading `..` are taken from the base before it is escaped.
  const parts = normalize(written).split('/')
  const ups = parts.findIndex((part) => part !== '..')
  const folder = resolve(base.path, ...parts.slice(0, Math.max(ups, 0)))
  return trimmed({ kind: 'local', path: join(escapeGlob(folder), parts.slice(Math.max(ups, 0)).join('/')) })
}

function trimmed(location: LocationResult): LocationResult {
  return location.kind === 'local'
    ? { kind: 'local', path: location.path.length > 1 ? location.path.replace(/\/$/, '') : location.path }
    : location
}

function fileUrl(written: string): LocationResult {
  const match = /^file:\/\/(?:localhost)?(\/.*)$/is.exec(written)
  if (match?.[1] === undefined)
    return {
      kind: 'wrong',
      problem: 'a file:// URL must hold an absolute path of this machine',
      fix: 'write file:///path, or the path alone',
    }
  try {
    const path = decodeURIComponent(match[1])
    if (path.includes('\0')) return { kind: 'wrong', problem: 'a path cannot hold a NUL character', fix: 'remove it' }
    return { kind: 'local', path: normalize(path) }
  } catch {
    return {
      kind: 'wrong',
      problem: 'a % in a file:// URL must be followed by two hexadecimal digits',
      fix: 'write %25 for the character itself',
    }
  }
}

/** Patterns without braces that stand for one with braces; the pattern itself where there are too many. */
function expandBraces(pattern: string): readonly string[] {
  let done: readonly string[] = [pattern]
  for (;;) {
    const next = done.flatMap(expandFirst)
    if (next.length === done.length || next.length > 1000) return next.length > 1000 ? done : next
    done = next
  }
}

function expandFirst(pattern: string): readonly string[] {
  // The innermost group, so that nested ones unfold from within.
  const match = /^(.*?)(?<!\\)\{([^{}]*,[^{}]*)\}(.*)$/s.exec(pattern)
  if (match === null) return [pattern]
  const [, before = '', inner = '', after = ''] = match
  return inner.split(',').map((choice) => before + choice + after)
}

/** The format whose suffix all names of a pattern end in; undefined when they say none, or several. */
export function formatOf(pattern: string, suffixes: ReadonlyMap<string, string>): string | undefined {
  const found = new Set(
    expandBraces(pattern).map((one) => {
      const name = basename(one).toLowerCase()
      const plain = name.replace(/\.(gz|zst)$/, '')
      return [...suffixes].find(([suffix]) => name.endsWith(suffix) || plain.endsWith(suffix))?.[1]
    }),
  )
  const [only] = found
  return found.size === 1 ? only : undefined
}

/** True when a listing by the pattern would look into the folder. */
export function listsInside(pattern: string, folder: string): boolean {
  const target = folder.split('/').filter((part) => part !== '')
  return expandBraces(pattern).some((one) => {
    const parts = one.split('/').filter((part) => part !== '')
    return reaches(parts, target)
  })
}

// The last part of a pattern names files; what stands before it must be able to lead to the folder or below it.
function reaches(parts: readonly string[], target: readonly string[]): boolean {
  const [part, ...rest] = parts
  const [name, ...deeper] = target
  if (part === undefined) return false
  if (name === undefined) return true
  if (part === '**') return true
  return rest.length > 0 && picomatch.isMatch(name, part, { dot: true, nonegate: true }) && reaches(rest, deeper)
}

/** True when one folder is the other or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

/** A file as the user would name it from where the command runs. */
export function displayName(file: string, cwd: string): string {
  const short = relative(cwd, file)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? file : short
}
