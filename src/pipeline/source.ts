import { FileError } from '../errors/errors.ts'
import type { FileGroup, Format, FormatContext, SourceFile, SourceIo } from '../formats/format.ts'
import type { BatchFile, FileSeen } from '../model/file.ts'
import { isSnapshots } from '../model/table.ts'

/** Landing files of a batch: opened under paths that the engine takes, and compared with what was listed. */
export interface LandingFiles extends SourceIo {
  opened<F extends FileSeen>(
    files: readonly F[],
  ): Promise<{ readonly files: readonly (F & { readonly readPath: string })[]; readonly failed: readonly FileError[] }>
  /** What lies there now, or what was there when the file was fetched whole: then nothing else can have been read. Undefined when it is gone. */
  versionOf(file: FileSeen): string | undefined
}

export interface InspectedSource {
  readonly groups: readonly FileGroup[]
  readonly failed: readonly FileError[]
  readonly reader: unknown
}

export interface Released {
  readonly path: string
  readonly reason: string
  /** It waits until it is approved. */
  readonly held?: boolean
}

/** Opens the files of a batch and groups them; those that cannot be read are set aside. */
export async function inspectSource(
  files: readonly BatchFile[],
  landing: LandingFiles,
  format: Format,
  context: FormatContext,
): Promise<InspectedSource> {
  const opened = await landing.opened(files)
  const sources: readonly SourceFile[] = opened.files
  const inspection = await format.inspect(sources, context)
  const hollow = isSnapshots(context.table) ? inspection.groups.flatMap((group) => group.files.filter((file) => file.size === 0n)) : []
  const failed = [...opened.failed, ...inspection.failed, ...hollow.map(noSnapshot)]
  return { groups: inspection.groups, failed, reader: inspection.reader }
}

/**
 * A file is judged by its content only while it is the one that was listed: of those that failed, the ones that changed
 * meanwhile are released instead.
 */
export function judged(
  errors: readonly FileError[],
  files: readonly BatchFile[],
  landing: LandingFiles,
): { readonly failed: readonly FileError[]; readonly released: readonly Released[] } {
  if (errors.length === 0) return { failed: [], released: [] }
  const blamed = new Set(errors.map(({ file }) => file))
  const now = compareVersions(
    files.filter((file) => blamed.has(file.path)),
    landing,
  )
  const moved = new Set([...now.failed.map(({ file }) => file), ...now.released.map(({ path }) => path)])
  return { failed: [...errors.filter(({ file }) => !moved.has(file)), ...now.failed], released: now.released }
}

export interface Comparison<F extends FileSeen> {
  readonly same: readonly F[]
  readonly failed: readonly FileError[]
  readonly released: readonly Released[]
}

/** Whether the files are still those that were listed: compared once more when they were read. */
export function compareVersions<F extends FileSeen>(files: readonly F[], landing: LandingFiles): Comparison<F> {
  const same: F[] = []
  const failed: FileError[] = []
  const released: Released[] = []
  for (const file of files) {
    try {
      const version = landing.versionOf(file)
      if (version === file.version) same.push(file)
      else if (version === undefined) failed.push(gone(file))
      else released.push({ path: file.path, reason: 'the file changed while it was loaded' })
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      failed.push(error)
    }
  }
  return { same: same.length === files.length ? files : same, failed, released }
}

/** No bytes say nothing of what the table shall hold; a header without rows says that it shall be empty. */
function noSnapshot(file: FileSeen): FileError {
  return new FileError('ING-FILE-EMPTY', file.path, `${file.path} has no bytes, so it is no snapshot; the table stays as it is`, {
    hint: 'deliver it again; a header without rows empties the table',
  })
}

function gone(file: FileSeen): FileError {
  return new FileError('ING-FILE-GONE', file.path, `${file.path} vanished after it was listed`, {
    hint: 'deliver it again, or: ingest skip FILE',
  })
}
