import { FileError } from '../errors/errors.ts'
import type { FileGroup, Format, FormatContext, SourceFile, SourceIo } from '../formats/format.ts'
import type { BatchFile, FileSeen } from '../model/file.ts'

/** Landing files of a batch: opened under paths that the engine takes, and compared with what was listed. */
export interface LandingFiles extends SourceIo {
  opened<F extends FileSeen>(files: readonly F[]): Promise<readonly (F & { readonly readPath: string })[]>
  versionOf(file: FileSeen): string | undefined
}

export interface InspectedSource {
  readonly groups: readonly FileGroup[]
  readonly failed: readonly FileError[]
  readonly released: readonly Released[]
  readonly reader: unknown
}

export interface Released {
  readonly path: string
  readonly reason: string
}

/** Opens the files of a batch, sets aside those that changed or vanished since the listing, and groups the rest. */
export async function inspectSource(files: readonly BatchFile[], landing: LandingFiles, format: Format, context: FormatContext): Promise<InspectedSource> {
  const { same, failed, released } = compareVersions(files, landing)
  const opened: readonly SourceFile[] = await landing.opened(same)
  const inspection = await format.inspect(opened, context)
  const hollow = context.table.strategy === 'overwrite' ? inspection.groups.flatMap((group) => group.files.filter((file) => file.size === 0n)) : []
  return { groups: inspection.groups, failed: [...failed, ...inspection.failed, ...hollow.map(noSnapshot)], released, reader: inspection.reader }
}

export interface Comparison<F extends FileSeen> {
  readonly same: readonly F[]
  readonly failed: readonly FileError[]
  readonly released: readonly Released[]
}

/** Whether the files are still those that were listed. A version is compared before and after reading. */
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
  return new FileError('ING-FILE-EMPTY', file.path, `${file.path} has no bytes, so it is no snapshot; the table stays as it is`, { hint: 'deliver it again; a header without rows empties the table' })
}

function gone(file: FileSeen): FileError {
  return new FileError('ING-FILE-GONE', file.path, `${file.path} vanished after it was listed`, { hint: 'deliver it again, or: ingest skip FILE' })
}
