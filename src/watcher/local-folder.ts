import { type BigIntStats, type Dir, type Dirent, lstatSync, type OpenDirOptions, opendirSync, statSync } from 'node:fs'
import { type IngestError, UnavailableError } from '../errors/errors.ts'
import { markerOf } from './complete.ts'
import { rawName, shownName } from './names.ts'
import { joined } from './pattern.ts'

/** Where something lies: the path as shown, and its bytes where the shown one cannot be opened. */
export interface Place {
  readonly shown: string
  readonly raw: Buffer | null
}

export interface Entry {
  /** As shown. */
  readonly name: string
  /** The bytes of a name that is not UTF-8. */
  readonly raw: Buffer | null
  readonly isUnique: boolean
  readonly kind: EntryKind
}

/** `other` is what must never be opened: a pipe would wait for a writer, a device might do anything. */
export type EntryKind = 'file' | 'folder' | 'link' | 'other'

export function childOf(folder: Place, name: string, raw: Buffer | null): Place {
  const shown = joined(folder.shown, name)
  if (folder.raw === null && raw === null) return { shown, raw: null }
  return { shown, raw: Buffer.concat([Buffer.from(realPath(folder)), Buffer.from('/'), raw ?? Buffer.from(name)]) }
}

export function realPath(place: Place): string | Buffer {
  return place.raw ?? place.shown
}

/** What a path leads to, links followed; undefined when nothing is there or the link leads nowhere. */
export function statOf(place: Place): BigIntStats | undefined {
  return statAt(realPath(place))
}

/** The same for a path that can be opened as it is; a listing calls it once a file. */
export function statAt(path: string | Buffer): BigIntStats | undefined {
  try {
    return statSync(path, STAT_OPTIONS)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

const STAT_OPTIONS = { bigint: true, throwIfNoEntry: false } as const

/** What lies at a path itself. */
export function kindOf(place: Place): EntryKind | undefined {
  try {
    const stats = lstatSync(realPath(place), { throwIfNoEntry: false })
    return stats === undefined ? undefined : entryKind(stats)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

export interface FoundChild {
  readonly place: Place
  /** The bytes of its name, where they are not UTF-8. */
  readonly raw: Buffer | null
  readonly kind: EntryKind
}

/** What is meant by a shown name: the file of that very name, or else one whose bytes are shown so. */
export function findChild(folder: Place, name: string): FoundChild | undefined {
  return childIfThere(folder, name, null) ?? escapedChild(folder, name)
}

function escapedChild(folder: Place, name: string): FoundChild | undefined {
  const raw = rawName(name)
  if (raw === undefined) return undefined
  const shown = shownName(raw)
  return shown.text === name && shown.isUnique ? childIfThere(folder, name, raw) : undefined
}

function childIfThere(folder: Place, name: string, raw: Buffer | null): FoundChild | undefined {
  const place = childOf(folder, name, raw)
  const kind = kindOf(place)
  return kind === undefined ? undefined : { place, raw, kind }
}

/** Whether the marker of a file is there; `{name}` stands for the file's name. */
export function isMarked(folder: Place, name: string, raw: Buffer | null, marker: string): boolean {
  const text = markerOf(name, marker)
  if (raw === null) return statOf(childOf(folder, text, null)) !== undefined
  const parts = marker.split('{name}').flatMap((part, index) => (index === 0 ? [Buffer.from(part)] : [raw, Buffer.from(part)]))
  return statOf(childOf(folder, text, Buffer.concat(parts))) !== undefined
}

/** What the file system refused; any other error is ours and goes on. */
export function unreadable(path: string, cause: unknown): IngestError {
  const code = codeOf(cause)
  if (code === undefined) throw cause
  const told = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : code
  const hint = 'grant read permission on the folder, or leave it out with watch.ignore'
  return new UnavailableError('ING-SOURCE-UNREADABLE', `${path} cannot be listed: ${told}`, { cause, hint })
}

export function isAbsent(error: unknown): boolean {
  const code = codeOf(error)
  return code !== undefined && ABSENT.has(code)
}

/** A link in a circle and a name longer than the file system takes are not there either. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'])

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function entryKind(entry: Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): EntryKind {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'folder'
  return entry.isSymbolicLink() ? 'link' : 'other'
}

/** Entries that are read at once; with a page of found files it bounds the memory of a listing, whatever a folder holds. */
const READ_AHEAD = { bufferSize: 2048 } as const

/** What the decoder puts for bytes that are not UTF-8. It is a character of its own, too. */
const REPLACED = '\uFFFD'

// The declared type of `encoding` lacks 'buffer', which opendir takes as readdir does.
const AS_BYTES = { ...READ_AHEAD, encoding: 'buffer' } as unknown as OpenDirOptions

/** The entries of a folder, one by one, as the file system gives them. */
export interface Entries {
  next(): Entry | undefined
  close(): void
}

/**
 * Lists a folder. Names come as text, which costs half as much as bytes; if some were not UTF-8, those are read in a
 * second round as bytes. Throws what opendir throws.
 */
export function listedEntries(place: Place): Entries {
  let dir: Dir | undefined = opendirSync(realPath(place), READ_AHEAD)
  let round: 'text' | 'bytes' = 'text'
  let isIncomplete = false
  const close = () => {
    dir?.closeSync()
    dir = undefined
  }
  const read = (): Entry | undefined => {
    for (let entry = dir?.readSync() ?? null; entry !== null; entry = dir?.readSync() ?? null) {
      const found = round === 'text' ? textEntry(entry) : bytesEntry(entry)
      if (found !== undefined) return found
      isIncomplete ||= round === 'text'
    }
    return undefined
  }
  return {
    close,
    next() {
      const entry = read()
      if (entry !== undefined || !isIncomplete) return entry
      close()
      isIncomplete = false
      round = 'bytes'
      dir = opendirSync(realPath(place), AS_BYTES)
      return read()
    },
  }
}

/** Only these names of a folder, without listing it. */
export function namedEntries(place: Place, names: readonly string[]): Entries {
  const rest = [...names]
  return {
    close() {},
    next() {
      for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
        const kind = kindOf(childOf(place, name, null))
        if (kind !== undefined) return { name, raw: null, isUnique: true, kind }
      }
      return undefined
    },
  }
}

function textEntry(entry: Dirent): Entry | undefined {
  return entry.name.includes(REPLACED) ? undefined : { name: entry.name, raw: null, isUnique: true, kind: entryKind(entry) }
}

function bytesEntry(entry: Dirent): Entry | undefined {
  const name: unknown = entry.name
  if (!Buffer.isBuffer(name)) return undefined
  const { text, raw, isUnique } = shownName(name)
  // All others came in the first round.
  return raw === null && !text.includes(REPLACED) ? undefined : { name: text, raw, isUnique, kind: entryKind(entry) }
}
