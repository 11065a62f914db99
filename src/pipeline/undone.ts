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

/** The loads that the table holds after a batch, newest first: each with the files alone whose rows no later batch took out. */
export async function* loadsInForce(batch: bigint | null, read: ReadManifest): AsyncIterable<Manifest> {
  const gone = new Set<string>()
  for (let manifest = await inForce(batch, read); manifest !== undefined; manifest = await before(manifest, read)) {
    yield gone.size === 0 ? manifest : withoutFiles(manifest, gone)
    for (const { path } of manifest.takenOut ?? []) gone.add(path)
  }
}

function withoutFiles(manifest: Manifest, gone: ReadonlySet<string>): Manifest {
  const { files, resubmit } = manifest
  const stays = ({ path }: { readonly path: string }) => !gone.has(path)
  return {
    ...manifest,
    files: files.filter(stays),
    ...(resubmit === undefined ? {} : { resubmit: { ...resubmit, files: resubmit.files.filter(stays) } }),
  }
}

/**
 * Files of the loads that one side has and the other lacks. Batches come newest first, and what the newest of them did to a path counts: it
 * loaded the file, or unloaded it.
 */
class Differing {
  /** By path: the version that the side had before the restore; null where it had been unloaded. */
  readonly #gone = new Map<string, string | null>()
  /** The same of the side that comes back. */
  readonly #back = new Map<string, LoadedFile | null>()
  /** Files whose mended rows one side has and the other lacks: they stay loaded, with other counts. */
  readonly #recounted = new Set<string>()
  /** Mended rows that are in force, newest first. */
  readonly #resubmitted: ResubmittedFile[] = []
  #sought: Set<string> | undefined

  undo(manifest: Manifest): void {
    for (const { path, version } of manifest.files) if (!this.#gone.has(path)) this.#gone.set(path, version)
    for (const path of unloadedBy(manifest)) if (!this.#gone.has(path)) this.#gone.set(path, null)
    for (const { path } of manifest.resubmit?.files ?? []) this.#recounted.add(path)
  }

  bringBack(manifest: Manifest): void {
    for (const { path } of manifest.resubmit?.files ?? []) this.#recounted.add(path)
    this.#resubmitted.push(...(manifest.resubmit?.files ?? []))
    for (const file of manifest.files) if (!this.#back.has(file.path)) this.#back.set(file.path, this.#counted(file, manifest))
    for (const path of unloadedBy(manifest)) if (!this.#back.has(path)) this.#back.set(path, null)
  }

  mayHaveEarlierLoads(): boolean {
    return this.#earlier().size > 0
  }

  /** What one side alone tells of a path the batches that both have tell of the other: an earlier load, whose rows stay, or none. */
  findEarlier(manifest: Manifest): void {
    const sought = this.#earlier()
    this.#resubmitted.push(...(manifest.resubmit?.files ?? []))
    for (const file of manifest.files) {
      if (!sought.delete(file.path)) continue
      if (!this.#back.has(file.path)) this.#back.set(file.path, this.#counted(file, manifest))
      else if (!this.#gone.has(file.path)) this.#gone.set(file.path, file.version)
    }
    for (const path of unloadedBy(manifest)) sought.delete(path)
  }

  all(): readonly RestoredFile[] {
    const paths = new Set([...this.#gone.keys(), ...this.#back.keys()])
    return [...paths].map((path) => ({ path, undone: this.#gone.get(path) ?? null, loaded: this.#back.get(path) ?? null }))
  }

  #earlier(): Set<string> {
    const unloaded = [...this.#back].flatMap(([path, loaded]) => (loaded === null && !this.#gone.has(path) ? [path] : []))
    this.#sought ??= new Set([...[...this.#gone.keys(), ...this.#recounted].filter((path) => !this.#back.has(path)), ...unloaded])
    return this.#sought
  }

  /** A load, with what later batches took of its rejected rows. */
  #counted(file: ManifestFile, { batchId }: Manifest): LoadedFile {
    const own = this.#resubmitted.filter((one) => one.path === file.path && one.batchId === batchId)
    return { ...file, batchId, rows: own.reduce((rows, mended) => withResubmitted(rows, mended.rows), file.rows) }
  }
}

function unloadedBy({ files, takenOut = [] }: Manifest): readonly string[] {
  if (takenOut.length === 0) return []
  const loaded = new Set(files.map(({ path }) => path))
  return takenOut.flatMap(({ path }) => (loaded.has(path) ? [] : [path]))
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
