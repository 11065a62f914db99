import { isAbsolute, join, normalize, relative, resolve } from 'node:path'
import { redactUrl } from '../errors/redact.ts'
import { enterFolder, globOf, globSegments, hasGlob, literalOf } from '../lib/glob.ts'
import { type ObjectUrl, objectUrlText, parseObjectUrl } from '../model/object-url.ts'

/** A path of the config: a local one, absolute; or an address in a store that is not local. */
export type Location =
  | { readonly kind: 'local'; readonly path: string }
  | {
      readonly kind: 'remote'
      readonly scheme: string
      readonly url: string
      /** Undefined for stores that are known by name alone. */
      readonly object: ObjectUrl | undefined
    }

export type LocationResult = Location | { readonly kind: 'wrong'; readonly problem: string; readonly fix: string }

/** A path, or a URL. */
export function textOf(location: Location): string {
  return location.kind === 'local' ? location.path : location.url
}

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

const SCHEME = /^[a-z][a-z0-9+.-]*:\//i

/** A path as written, relative to a base. */
export function locate(written: string, base: Location): LocationResult {
  const wrong = wrongPath(written)
  if (wrong !== undefined) return wrong
  const scheme = /^([a-z][a-z0-9+.-]*):\/?\//i.exec(written)?.[1]?.toLowerCase()
  if (scheme === 'file') return fileUrl(written)
  if (scheme !== undefined) {
    if (REMOTE_SCHEMES.includes(scheme)) return remote(scheme, written)
    return {
      kind: 'wrong',
      problem: `${scheme}:// is no scheme that ingestd knows`,
      fix: 'write a path, file://, s3://, gs://, az:// or abfss://',
    }
  }
  if (base.kind === 'remote' && !isAbsolute(written)) return belowRemote(base, base.url, written)
  return { kind: 'local', path: base.kind === 'local' ? resolve(base.path, written) : normalize(written) }
}

function wrongPath(written: string): LocationResult | undefined {
  if (written.includes('\0')) return { kind: 'wrong', problem: 'a path cannot hold a NUL character', fix: 'remove it' }
  // A shell puts the home folder there; a folder that is named so would be made unseen.
  if (/^~(?:\/|$)/.test(written)) return { kind: 'wrong', problem: '~ is not understood here', fix: `write \${HOME}${written.slice(1)}` }
  return undefined
}

function remote(scheme: string, written: string): LocationResult {
  const object = parseObjectUrl(written)
  if (object === undefined) return { kind: 'remote', scheme, url: redactUrl(written), object }
  return 'problem' in object ? { kind: 'wrong', ...object } : { kind: 'remote', scheme, url: objectUrlText(object), object }
}

/** Keys have no folders to go up in. */
function belowRemote(base: Location & { kind: 'remote' }, url: string, written: string): LocationResult {
  if (written.split('/').includes('..'))
    return { kind: 'wrong', problem: `.. cannot stand in a path below ${base.url}`, fix: 'write the whole URL' }
  return remote(base.scheme, `${url.replace(/\/+$/, '')}/${written.replace(/^(?:\.\/+)+/, '')}`)
}

/** A table in a bucket is below a prefix of plain names; the quarantine lies beside it. */
export function tableLocation(location: LocationResult): LocationResult {
  if (location.kind !== 'remote' || location.object === undefined) return location
  const { root, path } = location.object
  const names = path.replace(/\/+$/, '').split('/')
  if (path.replaceAll('/', '') === '')
    return { kind: 'wrong', problem: 'a table cannot be a whole bucket or container', fix: `write a folder in it: ${root}/tables/name` }
  if (names.some((name) => name === '' || name === '.' || name === '..'))
    return { kind: 'wrong', problem: `${location.url} names a folder that has no name, or is . or ..`, fix: 'write plain names' }
  return { ...location, url: `${root}/${names.join('/')}`, object: { ...location.object, path: names.join('/') } }
}

/** The characters of a glob in a folder's own name stand for themselves. */
function escapeGlob(path: string): string {
  return path.replace(/[\\*?[\]{}]/g, '\\$&')
}

/** A source pattern, relative to the folder that raw files lie in. A slash at its end says that it is a folder. */
export function locatePattern(written: string, base: Location): LocationResult {
  const location = isAbsolute(written) || SCHEME.test(written) ? locate(written, base) : patternBelow(base, written)
  if (location.kind === 'wrong') return location
  const found: Location = location.kind === 'local' ? { ...location, path: withSlash(location.path, written) } : location
  try {
    globSegments(found.kind === 'local' ? found.path : found.url)
    return found
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { kind: 'wrong', problem: error.message, fix: 'write fewer braces, or make several tables of it' }
  }
}

function withSlash(path: string, written: string): string {
  return written.endsWith('/') && path !== '/' ? `${path.replace(/\/$/, '')}/` : path
}

function patternBelow(base: Location, written: string): LocationResult {
  const wrong = wrongPath(written)
  if (wrong !== undefined) return wrong
  const names = written.split('/')
  const firstGlob = names.findIndex(hasGlob)
  if (firstGlob >= 0 && names.slice(firstGlob).includes('..')) {
    return { kind: 'wrong', problem: '.. cannot stand behind a glob', fix: 'write the path without ..' }
  }
  if (base.kind === 'remote') return belowRemote(base, escapeGlob(base.url), written)
  // Leading `..` are taken from the base before it is escaped.
  const parts = normalize(written).split('/')
  const ups = Math.max(
    parts.findIndex((part) => part !== '..'),
    0,
  )
  const folder = resolve(base.path, ...parts.slice(0, ups))
  return { kind: 'local', path: join(escapeGlob(folder), parts.slice(ups).join('/')) }
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

/** The format whose suffix all names of a pattern end in; undefined when they say none, or several. */
export function formatOf(pattern: string, suffixes: ReadonlyMap<string, string>): string | undefined {
  const found = new Set(
    globSegments(pattern).map((segments) => {
      const last = segments.at(-1)
      const name = last === undefined || last.kind === 'deep' ? '' : last.text.toLowerCase()
      const plain = name.replace(/\.(gz|zst|bz2|zip)$/, '')
      return [...suffixes].find(([suffix]) => name.endsWith(suffix) || plain.endsWith(suffix))?.[1]
    }),
  )
  const [only] = found
  return found.size === 1 ? only : undefined
}

/** The folder that a listing by the pattern begins in. */
export function baseOf(pattern: string): string {
  const names = pattern.split('/')
  const firstGlob = names.findIndex(hasGlob)
  return literalOf(names.slice(0, firstGlob < 0 ? names.length - 1 : firstGlob).join('/'))
}

/** Tells whether a listing by the pattern would look into a folder. */
export function listsInside(pattern: string): (folder: string) => boolean {
  // Without a glob, or with a slash at its end, the pattern may be a folder with all that is below it.
  const glob = globOf(globSegments(hasGlob(pattern) && !pattern.endsWith('/') ? pattern : `${pattern}/**`))
  const names = pattern.split('/')
  const firstGlob = names.findIndex(hasGlob)
  const base = `${literalOf(names.slice(0, firstGlob < 0 ? names.length : firstGlob).join('/')).replace(/\/$/, '')}/`
  return (folder) => {
    // Most folders lie elsewhere, and configs may have thousands of tables.
    if (!`${folder}/`.startsWith(base) && !base.startsWith(`${folder}/`)) return false
    let positions = glob.start
    for (const name of folder.split('/')) if (name !== '' && positions.length > 0) positions = enterFolder(glob, positions, name)
    return positions.length > 0
  }
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
