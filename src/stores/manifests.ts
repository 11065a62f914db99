import type { Blobs } from '../blobs/blobs.ts'
import { isRecord, parsedRecord } from '../delta/decode.ts'
import { padded } from '../delta/log-names.ts'
import { TableError } from '../errors/errors.ts'
import type { ExpectationCount } from '../model/expectation.ts'
import type { RowCounts } from '../model/file.ts'
import type { Manifest, ManifestFile, RestorePoint, TakenOutFile } from '../model/manifest.ts'
import type { Resubmission, ResubmittedFile } from '../model/quarantine.ts'
import { ROW_ACTIONS } from '../model/table.ts'

const FOLDER = '_ingestd/manifests'

/** Manifests of batches, one file for each number; a number is given once, whoever writes first. */
export async function writeManifest(blobs: Blobs, manifest: Manifest): Promise<'created' | 'exists'> {
  return blobs.putIfAbsent(pathOf(manifest.batch), new TextEncoder().encode(manifestText(manifest)))
}

export async function readManifest(blobs: Blobs, batch: bigint): Promise<Manifest | undefined> {
  const content = await blobs.read(pathOf(batch))
  return content && decodeManifest(new TextDecoder().decode(content), pathOf(batch), blobs)
}

/** The highest number that a manifest bears; `committed` is one that is known to have been given. */
export async function highestManifest(blobs: Blobs, committed: bigint | null): Promise<bigint | null> {
  // Numbers below a committed one need no look.
  const recent = await blobs.list(FOLDER, committed === null ? '' : padded(committed))
  const entries = recent.length > 0 || committed === null ? recent : await blobs.list(FOLDER)
  const numbers = entries.flatMap((entry) => /\/(\d{20})\.json$/.exec(entry.path)?.slice(1) ?? []).map(BigInt)
  return numbers.reduce<bigint | null>((highest, number) => (highest === null || number > highest ? number : highest), null)
}

/** Whether a batch is in the chain of committed ones that ends with `last`. */
export async function chainHolds(
  blobs: Blobs,
  last: bigint,
  wanted: { readonly batch: bigint; readonly batchId: string },
): Promise<boolean> {
  for (let batch: bigint | null = last; batch !== null && batch >= wanted.batch; ) {
    const manifest: Manifest | undefined = await readManifest(blobs, batch)
    if (manifest === undefined) return false
    if (manifest.batchId === wanted.batchId) return true
    // A chain only goes down; one that does not is damaged, and ends here.
    batch = manifest.previous !== null && manifest.previous < batch ? manifest.previous : null
  }
  return false
}

/** JSON with integers as text where they may be wide, so that every reader keeps their digits. */
function manifestText(manifest: Manifest): string {
  const asText = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)
  return `${JSON.stringify({ ...manifest, reader: manifest.reader ?? null }, asText)}\n`
}

function pathOf(batch: bigint): string {
  return `${FOLDER}/${padded(batch)}.json`
}

function decodeManifest(text: string, path: string, blobs: Blobs): Manifest {
  try {
    return decode(parsedRecord(text))
  } catch (cause) {
    throw new TableError('ING-TABLE-LOG', `${blobs.root}/${path} is damaged`, { cause })
  }
}

function decode(value: unknown): Manifest {
  const manifest = record(value)
  const format = manifest['format']
  if (format !== 1 && format !== 2) throw new TypeError(`format ${String(format)}`)
  const previous = manifest['previous']
  const batch = integer(manifest['batch'])
  return {
    format,
    appId: text(manifest['appId']),
    batch,
    batchId: text(manifest['batchId']),
    previous: previous === null ? null : integer(previous),
    table: text(manifest['table']),
    createdAt: text(manifest['createdAt']),
    files: list(manifest['files']).map(decodeFile),
    reader: manifest['reader'] ?? undefined,
    sideFiles: list(manifest['sideFiles']).map(text),
    ...(manifest['replacesAll'] === true ? { replacesAll: true } : {}),
    ...(manifest['restore'] === undefined ? {} : { restore: decodeRestore(manifest['restore'], batch) }),
    ...(manifest['expectations'] === undefined ? {} : { expectations: list(manifest['expectations']).map(decodeCount) }),
    ...(manifest['resubmit'] === undefined ? {} : { resubmit: decodeResubmission(manifest['resubmit']) }),
    ...(manifest['takenOut'] === undefined ? {} : { takenOut: list(manifest['takenOut']).map(decodeTakenOut) }),
  }
}

function decodeRestore(value: unknown, by: bigint): RestorePoint {
  const restore = record(value)
  const batch = restore['batch'] === null ? null : integer(restore['batch'])
  const files = text(restore['files'])
  if (files !== 'pending' && files !== 'skipped') throw new TypeError(`files ${files}`)
  if (batch !== null && batch >= by) throw new TypeError(`batch ${by} restores the later batch ${batch}`)
  return { version: integer(restore['version']), batch, files }
}

function decodeResubmission(value: unknown): Resubmission {
  const { ids, files } = record(value)
  return { ids: list(ids).map(text), files: list(files).map(decodeResubmitted) }
}

function decodeResubmitted(value: unknown): ResubmittedFile {
  const file = record(value)
  return { path: text(file['path']), version: text(file['version']), batchId: text(file['batchId']), rows: decodeRows(file['rows']) }
}

function decodeTakenOut(value: unknown): TakenOutFile {
  const { path, rows } = record(value)
  return { path: text(path), rows: integer(rows) }
}

function decodeCount(value: unknown): ExpectationCount {
  const count = record(value)
  const onViolation = ROW_ACTIONS.find((action) => action === count['onViolation'])
  if (onViolation === undefined) throw new TypeError(`on_violation ${String(count['onViolation'])}`)
  const files = list(count['files']).map((one) => {
    const { path, violated } = record(one)
    return { path: text(path), violated: integer(violated) }
  })
  return { name: text(count['name']), onViolation, checked: integer(count['checked']), violated: integer(count['violated']), files }
}

function decodeFile(value: unknown): ManifestFile {
  const file = record(value)
  return {
    path: text(file['path']),
    rawPath: file['rawPath'] === null ? null : text(file['rawPath']),
    version: text(file['version']),
    size: integer(file['size']),
    modifiedNs: integer(file['modifiedNs']),
    unit: text(file['unit']),
    rows: decodeRows(file['rows']),
  }
}

function decodeRows(value: unknown): RowCounts {
  const rows = record(value)
  return {
    read: integer(rows['read']),
    loaded: integer(rows['loaded']),
    rejected: integer(rows['rejected']),
    filtered: integer(rows['filtered']),
    deduplicated: integer(rows['deduplicated']),
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw new TypeError('an object was expected')
  return value
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('a list was expected')
  return value
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('a text was expected')
  return value
}

function integer(value: unknown): bigint {
  return BigInt(text(value))
}
