import type { BatchFile } from '../model/file.ts'
import type { FileGroup, Format, FormatContext, Inspection, SourceFile, SourceIo, SourceTables } from './format.ts'

/** What a look ahead may not do: its results would go with something that does not outlive it. */
class Fleeting extends Error {}

export interface AheadLook {
  readonly format: Format
  readonly context: Omit<FormatContext, 'io' | 'tables'> & { readonly io: Omit<SourceIo, 'interim' | 'scratch'> }
  /** Whether types will be asked for. */
  readonly infers: boolean
  /** The files with paths to open that outlive the look; left out where they are opened at their own. */
  readonly files?: readonly SourceFile[]
  /** What else the load will want, once the files were looked at. */
  readonly besides?: (() => Promise<void>) | undefined
}

interface Looked {
  readonly files: readonly SourceFile[]
  readonly inspection: Inspection
  /** Types, where the table has none yet. */
  readonly columns: Awaited<ReturnType<Format['infer']>> | undefined
}

/** Closing it removes its files. */
export type AheadSpool = Pick<SourceIo, 'scratch'> & { close(): Promise<void> }

/**
 * Files that were inspected before their batch was claimed, while the process that has the tracker took them in. A batch of just
 * these files needs no second look; any other is inspected as if nothing had been. That files are still the ones that were
 * looked at is seen when they were read, as of any look.
 */
export class LookAhead {
  readonly #spool: AheadSpool
  #looked: Looked | undefined
  #running: Promise<void> = Promise.resolve()

  /** What it writes lies in a spool of its own. */
  constructor(spool: AheadSpool) {
    this.#spool = spool
  }

  /** Begins; whoever needs the session next waits for `done`. */
  begin(files: readonly BatchFile[], look: () => Promise<AheadLook>): void {
    this.#looked = undefined
    this.#running = this.#look(files, look)
  }

  get done(): Promise<void> {
    return this.#running
  }

  /** The files of the look are not needed any more. */
  async forget(): Promise<void> {
    this.#looked = undefined
    await this.#spool.close()
  }

  /** The format, which answers from what was seen where it is asked for just that. */
  of(format: Format): Format {
    return {
      ...format,
      inspect: async (files, context) => {
        const looked = this.#looked
        return looked !== undefined && isSame(files, looked.files) ? looked.inspection : format.inspect(files, context)
      },
      infer: async (groups, context) => {
        const looked = this.#looked
        const columns = looked !== undefined && isGrouped(groups, looked.inspection.groups) ? looked.columns : undefined
        return columns ?? format.infer(groups, context)
      },
    }
  }

  async #look(files: readonly BatchFile[], look: () => Promise<AheadLook>): Promise<void> {
    // A name that is not UTF-8 is read by a link, which is made for a batch.
    if (files.some(({ rawPath }) => rawPath !== null)) return
    await this.forget()
    let isFleeting = false
    const refused = (): never => {
      isFleeting = true
      throw new Fleeting()
    }
    try {
      const { format, context, infers, besides, files: opened = files.map((file) => ({ ...file, readPath: file.path })) } = await look()
      const tables: SourceTables = { oldest: refused, commits: refused, read: refused }
      const passing = { ...context, io: { ...context.io, interim: refused, scratch: () => this.#spool.scratch() }, tables }
      const inspection = await format.inspect(opened, passing)
      const full = inspection.groups.filter((group) => !group.empty)
      const columns = infers && full.length > 0 ? await format.infer(full, { ...passing, reader: inspection.reader }) : undefined
      // A format may take the refusal for a fault of the file.
      if (!isFleeting) this.#looked = { files: opened, inspection, columns }
      await besides?.()
    } catch {
      // Nothing is kept, so the load meets it again, and tells of it.
    }
  }
}

function isSame(files: readonly SourceFile[], others: readonly SourceFile[]): boolean {
  return (
    files.length === others.length &&
    files.every((file, index) => {
      const other = others[index]
      if (other === undefined || file.approved === true) return false
      return other.path === file.path && other.version === file.version && other.ordinal === file.ordinal && other.unit === file.unit
    })
  )
}

function isGrouped(groups: readonly FileGroup[], inspected: readonly FileGroup[]): boolean {
  const full = inspected.filter((group) => !group.empty)
  return (
    groups.length === full.length &&
    groups.every(({ files, columns, layout }, index) => {
      const other = full[index]
      return other?.columns === columns && other.layout === layout && isSame(files, other.files)
    })
  )
}
