import type { Manifest, ManifestFile, RestorePoint } from '../model/manifest.ts'
import { type ResubmittedFile, withResubmitted } from '../model/quarantine.ts'
import type { LoadedFile, RestoredFile } from '../model/restore.ts'

/** Gives the manifest of a committed batch. */
export type ReadManifest = (batch: bigint) => Promise<Manifest>

/**
 * What a restore did to the files of the tracker: the loads in force before it against those in force at the version it
 * went back to. Manifests are read one after the other; what is kept is the files that differ.
 */
export async function restoredFiles(
  restore: Pick<RestorePoint, 'batch'> & { readonly previous: bigint | null },
  read: ReadManifest,
): Promise<readonly RestoredFile[]> {
  const files = new Differing()
  let gone = await inForce(restore.previous, read)
  let back = await inForce(restore.batch, read)
  while (gone?.batch !== back?.batch) {
    if (isNewer(gone, back)) {
      files.undo(gone)
      gone = await before(gone, read)
    } else if (back !== undefined) {
      files.bringBack(back)
      back = await before(back, read)
    }
  }
  // From here on both have the same loads.
  for (let common = back; common !== undefined && files.mayHaveEarlierLoads(); common = await before(common, read))
    files.findEarlier(common)
  return files.all()
}

/** The loads that the table holds after a batch, newest first. */
export async function* loadsInForce(batch: bigint | null, read: ReadManifest): AsyncIterable<Manifest> {
  for (let manifest = await inForce(batch, read); manifest !== undefined; manifest = await before(manifest, read)) yield manifest
}

/** Files of the loads that one side has and the other lacks. Loads come newest first, and the newest of a path counts. */
class Differing {
  readonly #undone = new Map<string, string>()
  readonly #loaded = new Map<string, LoadedFile>()
  /** Files whose mended rows one side has and the other lacks: they stay loaded, with other counts. */
  readonly #recounted = new Set<string>()
  /** Mended rows that are in force, newest first. */
  readonly #resubmitted: ResubmittedFile[] = []
  #sought: Set<string> | undefined

  undo({ files, resubmit }: Manifest): void {
    for (const { path, version } of files) if (!this.#undone.has(path)) this.#undone.set(path, version)
    for (const { path } of resubmit?.files ?? []) this.#recounted.add(path)
  }

  bringBack(manifest: Manifest): void {
    for (const { path } of manifest.resubmit?.files ?? []) this.#recounted.add(path)
    this.#resubmitted.push(...(manifest.resubmit?.files ?? []))
    for (const file of manifest.files) if (!this.#loaded.has(file.path)) this.#loaded.set(file.path, this.#counted(file, manifest))
  }

  mayHaveEarlierLoads(): boolean {
    return this.#earlier().size > 0
  }

  /** A path that is undone may have an earlier load in a batch that stays: its rows are in the table still. */
  findEarlier(manifest: Manifest): void {
    const sought = this.#earlier()
    this.#resubmitted.push(...(manifest.resubmit?.files ?? []))
    for (const file of manifest.files) if (sought.delete(file.path)) this.#loaded.set(file.path, this.#counted(file, manifest))
  }

  all(): readonly RestoredFile[] {
    const paths = new Set([...this.#undone.keys(), ...this.#loaded.keys()])
    return [...paths].map((path) => ({ path, undone: this.#undone.get(path) ?? null, loaded: this.#loaded.get(path) ?? null }))
  }

  #earlier(): Set<string> {
    this.#sought ??= new Set([...this.#undone.keys(), ...this.#recounted].filter((path) => !this.#loaded.has(path)))
    return this.#sought
  }

  /** A load, with what later batches took of its rejected rows. */
  #counted(file: ManifestFile, { batchId }: Manifest): LoadedFile {
    const own = this.#resubmitted.filter((one) => one.path === file.path && one.batchId === batchId)
    return { ...file, batchId, rows: own.reduce((rows, mended) => withResubmitted(rows, mended.rows), file.rows) }
  }
}

function isNewer(one: Manifest | undefined, other: Manifest | undefined): one is Manifest {
  return one !== undefined && (other === undefined || one.batch > other.batch)
}

/** The newest load in force when the batch was the last one; a restore stands for the batch that it went back to. */
async function inForce(batch: bigint | null, read: ReadManifest): Promise<Manifest | undefined> {
  for (let number = batch; number !== null; ) {
    const manifest: Manifest = await read(number)
    if (manifest.restore === undefined) return manifest
    number = manifest.restore.batch
  }
  return undefined
}

async function before({ batch, previous, replacesAll }: Manifest, read: ReadManifest): Promise<Manifest | undefined> {
  // A chain only goes down; one that does not is damaged, and ends here.
  return replacesAll || (previous !== null && previous >= batch) ? undefined : inForce(previous, read)
}
