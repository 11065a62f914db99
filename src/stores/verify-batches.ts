import type { Blobs } from '../blobs/blobs.ts'
import { padded } from '../delta/log-names.ts'
import type { VerifiedLog } from '../delta/verify-log.ts'
import { TableError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import type { DamageFound } from '../model/verification.ts'
import { readManifest } from './manifests.ts'

export interface VerifiedBatches {
  readonly found: readonly DamageFound[]
  /** The chain from the last batch down, as far as it can be followed. */
  readonly manifests: ReadonlyMap<bigint, Manifest>
  /** Whether it can be followed to its end. */
  readonly isWhole: boolean
}

/** The chain of manifests from the last batch in the log, and whether the log says the same of its batches. */
export async function verifyBatches(
  last: bigint | null,
  log: Pick<VerifiedLog, 'marks' | 'isWhole'>,
  blobs: Blobs,
): Promise<VerifiedBatches> {
  const manifests = new Map<bigint, Manifest>()
  const found: DamageFound[] = []
  for (let number = last; number !== null; ) {
    const read = await manifestAt(number, blobs)
    if ('damage' in read) {
      found.push(read)
      break
    }
    manifests.set(number, read)
    if (read.previous !== null && read.previous >= number) {
      found.push(differs(number, `batch ${number} says that batch ${read.previous} was before it`))
      break
    }
    number = read.previous
  }
  const isWhole = found.length === 0
  return { found: [...found, ...againstLog(manifests, log, isWhole), ...(await sideFiles(last, manifests, blobs))], manifests, isWhole }
}

async function manifestAt(number: bigint, blobs: Blobs): Promise<Manifest | DamageFound> {
  const file = pathOf(number)
  try {
    const manifest = await readManifest(blobs, number)
    if (manifest === undefined)
      return {
        damage: 'manifest_missing',
        file,
        version: null,
        detail: `the manifest of batch ${number} is missing, which the table holds`,
      }
    return manifest.batch === number ? manifest : differs(number, `it says that it is that of batch ${manifest.batch}`)
  } catch (error) {
    if (!(error instanceof TableError)) throw error
    return { damage: 'manifest_damaged', file, version: null, detail: `the manifest of batch ${number} cannot be read` }
  }
}

/** Where the commit of a batch is still in the log, it bears the id of the manifest; a whole log has a commit of each batch. */
function againstLog(
  manifests: ReadonlyMap<bigint, Manifest>,
  { marks, isWhole }: Pick<VerifiedLog, 'marks' | 'isWhole'>,
  isWholeChain: boolean,
): readonly DamageFound[] {
  const byBatch = new Map(marks.map((mark) => [mark.batch, mark]))
  const found: DamageFound[] = []
  for (const [number, { batchId }] of manifests) {
    const mark = byBatch.get(number)
    if (mark === undefined && isWhole)
      found.push(differs(number, `the log has no commit of batch ${number}, which the chain of manifests has`))
    if (mark !== undefined && mark.batchId !== batchId)
      found.push({
        ...differs(number, `it is of batch ${batchId}, the log has batch ${mark.batchId} under its number`),
        version: mark.version,
      })
  }
  for (const { batch, version } of isWholeChain ? marks : [])
    if (!manifests.has(batch))
      found.push({ ...differs(batch, `version ${version} is batch ${batch}, which the chain of manifests passes over`), version })
  return found
}

async function sideFiles(last: bigint | null, manifests: ReadonlyMap<bigint, Manifest>, blobs: Blobs): Promise<readonly DamageFound[]> {
  const wanted = (last === null ? undefined : manifests.get(last))?.sideFiles ?? []
  if (wanted.length === 0) return []
  const folders = new Set(wanted.map((path) => path.slice(0, path.lastIndexOf('/'))))
  const present = new Set<string>()
  for (const folder of folders) for (const { path } of await blobs.list(folder)) present.add(path)
  return wanted
    .filter((path) => !present.has(path))
    .map((file) => ({ damage: 'side_file_missing', file, version: null, detail: `batch ${last} needs the side file, which is missing` }))
}

function differs(batch: bigint, detail: string): DamageFound {
  return { damage: 'manifest_differs', file: pathOf(batch), version: null, detail }
}

function pathOf(batch: bigint): string {
  return `_ingestd/manifests/${padded(batch)}.json`
}
