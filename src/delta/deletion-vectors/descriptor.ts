import { integerOf, isRecord, textOf } from '../decode.ts'
import { decodeZ85, encodeZ85 } from './z85.ts'

/** Where a deletion vector is, as `add` and `remove` tell. */
export interface DeletionVector {
  /** `u`: a file of the table by its uuid; `p`: a file by its absolute path; `i`: the bitmap itself. */
  readonly storageType: 'u' | 'p' | 'i'
  readonly pathOrInlineDv: string
  /** Null for an inline one, and where a file holds nothing else. */
  readonly offset: number | null
  /** Of the bitmap alone. */
  readonly sizeInBytes: number
  /** Rows that it deletes. */
  readonly cardinality: bigint
}

export function decodeDescriptor(value: unknown): DeletionVector | undefined {
  if (!isRecord(value)) return undefined
  const storageType = textOf(value['storageType'])
  const pathOrInlineDv = textOf(value['pathOrInlineDv'])
  const sizeInBytes = integerOf(value['sizeInBytes'])
  const cardinality = integerOf(value['cardinality'])
  const offset = integerOf(value['offset'])
  if (pathOrInlineDv === null || sizeInBytes === null || cardinality === null) return undefined
  if (storageType !== 'u' && storageType !== 'p' && storageType !== 'i') return undefined
  return { storageType, pathOrInlineDv, offset: offset === null ? null : Number(offset), sizeInBytes: Number(sizeInBytes), cardinality }
}

/** The file of a vector relative to the table's root; undefined for one in the log, and for a text that names no file of the table. */
export function vectorFile({ storageType, pathOrInlineDv }: DeletionVector, root: string): string | undefined {
  if (storageType === 'i') return undefined
  return storageType === 'u' ? fileOfUuid(pathOrInlineDv) : relativeTo(root, pathOrInlineDv)
}

/** The file of a `p` vector on this machine; undefined where it names none. */
export function absoluteFile({ storageType, pathOrInlineDv }: DeletionVector): string | undefined {
  const path = localPath(pathOrInlineDv)
  return storageType === 'p' && path.startsWith('/') && !path.split('/').includes('..') ? path : undefined
}

function localPath(logged: string): string {
  return decodedUri(logged).replace(/^file:(\/\/)?/, '')
}

function relativeTo(root: string, logged: string): string | undefined {
  const path = localPath(logged)
  return path.startsWith(`${root}/`) && !path.split('/').includes('..') ? path.slice(root.length + 1) : undefined
}

function decodedUri(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // It is no URI: taken as it is.
  }
}

/** Characters of an encoded uuid; what stands before them is a folder. */
const UUID_LENGTH = 20

/** The file of a `u` vector, relative to the table's root; undefined for a text that names none. */
export function fileOfUuid(pathOrInlineDv: string): string | undefined {
  const bytes = decodeZ85(pathOrInlineDv.slice(-UUID_LENGTH))
  if (pathOrInlineDv.length < UUID_LENGTH || bytes === undefined) return undefined
  const folder = pathOrInlineDv.slice(0, -UUID_LENGTH)
  return `${folder === '' ? '' : `${folder}/`}deletion_vector_${hyphenated(Buffer.from(bytes).toString('hex'))}.bin`
}

/** `pathOrInlineDv` of a file `deletion_vector_<uuid>.bin` in the table's root. */
export function encodedUuid(uuid: string): string {
  return encodeZ85(Buffer.from(uuid.replaceAll('-', ''), 'hex'))
}

export function fileName(uuid: string): string {
  return `deletion_vector_${uuid}.bin`
}

function hyphenated(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
