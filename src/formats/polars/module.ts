import { id, join, literal, raw, sql } from '../../engine/sql.ts'
import { BugError, ConfigError, FileError } from '../../errors/errors.ts'
import { moduleUrl } from '../../lib/user-modules.ts'
import type { Column } from '../../model/schema.ts'
import { settledColumns } from '../../model/settled-columns.ts'
import type { TableConfig, TransformModule } from '../../model/table.ts'
import { firstLine, messageOf, throwForeign } from '../engine-message.ts'
import { excerpt } from '../file-problems.ts'
import type { FileGroup, Format, FormatContext, Inspection, InterimFile, SourceFile } from '../format.ts'
import { parquet } from '../parquet/parquet.ts'
import { type Part, withParts } from '../parts.ts'
import { type Frame, loadPolars, type Polars } from './load.ts'

/**
 * A format whose rows are those that the table's module makes of each file: the rows of a file become a frame of polars by an interim Parquet
 * file, and what the function returns is read by another one. The format itself where there is no module.
 */
export function withModule(format: Format, table: TableConfig): Format {
  if (table.transformModule === null) return format
  const made = new ModuleTransform(format, table, table.transformModule)
  const parted = withParts(parquet, { take: (files, context) => made.take(files, context), inner: (context) => context })
  return {
    ...parted,
    name: format.name,
    inspect: async (files, context) => {
      const source = await made.read(files, context)
      const { groups, failed } = await parted.inspect(made.full, context)
      return { groups: [...groups, ...made.empty], failed: [...source.failed, ...failed], reader: source.reader }
    },
    rowsRead: async () => made.counts,
  }
}

/** What a module exports as its default. */
type Transform = (records: Frame, given: Given) => unknown

interface Given {
  readonly polars: Polars
  readonly params: TransformModule['params']
  /** The path of the file. */
  readonly file: string
}

/** What is remembered with the table: types of the files' columns, which the table does not tell. */
interface Remembered {
  readonly module: { readonly columns: readonly Column[] }
  readonly reader: unknown
}

class ModuleTransform {
  readonly #format: Format
  readonly #table: TableConfig
  readonly #module: TransformModule
  #groups: readonly FileGroup[] = []
  #records: readonly Column[] = []
  #context: FormatContext | undefined
  /** Rows that each file had. */
  readonly counts = new Map<string, bigint>()

  constructor(format: Format, table: TableConfig, module: TransformModule) {
    this.#format = format
    this.#table = table
    this.#module = module
  }

  get full(): readonly SourceFile[] {
    return this.#groups.filter(({ empty }) => !empty).flatMap(({ files }) => files)
  }

  get empty(): readonly FileGroup[] {
    return this.#groups.filter(({ empty }) => empty).map(({ files }) => ({ files, columns: [], empty: true }))
  }

  /** Looks into the files as their format does, and settles the types that they are read by. */
  async read(files: readonly SourceFile[], context: FormatContext): Promise<Inspection> {
    const before = remembered(context.reader)
    const inspection = await this.#format.inspect(files, { ...context, reader: before.reader })
    this.#groups = inspection.groups
    this.#context = { ...context, reader: inspection.reader }
    this.#records = await this.#typesOf(before.module.columns, this.#context)
    const reader: Remembered = { module: { columns: this.#records }, reader: inspection.reader }
    return { ...inspection, reader }
  }

  /** What the module makes of each file. */
  async take(files: readonly SourceFile[], { io }: FormatContext): Promise<ReadonlyMap<SourceFile, readonly Part[] | FileError>> {
    const polars = await loadPolars('transform.module')
    const transform = await this.#load()
    const taken = new Map<SourceFile, readonly Part[] | FileError>()
    for (const group of this.#groups.filter(({ empty }) => !empty))
      for (const file of group.files.filter((one) => files.includes(one))) {
        this.#context?.signal.throwIfAborted()
        const records = await this.#written({ ...group, files: [file] })
        if (records instanceof FileError) taken.set(file, records)
        else taken.set(file, await this.#made(file, records, { polars, transform, io }))
      }
    return taken
  }

  async #made(
    file: SourceFile,
    { readPath }: InterimFile,
    { polars, transform, io }: { readonly polars: Polars; readonly transform: Transform; readonly io: FormatContext['io'] },
  ): Promise<readonly Part[] | FileError> {
    try {
      const records = polars.scanParquet(readPath, { glob: false }).collectSync()
      this.counts.set(file.path, BigInt(records.height))
      const result = await transform(records, { polars, params: this.#module.params, file: file.path })
      const frame = frameOf(result)
      if (frame === undefined) throw new TypeError('it returned no frame of polars')
      return [{ ...(await io.interim(async (path) => frame.writeParquet(path, { compression: 'lz4' }))), member: null }]
    } catch (error) {
      const message = `${file.path}: ${this.#module.place}: ${excerpt(firstLine(messageOf(error)))}`
      return new FileError('ING-FILE-TRANSFORM', file.path, message, {
        hint: 'mend the module or the file, then: ingest retry FILE',
        cause: error,
      })
    }
  }

  /** The rows of one file, typed, as an interim file; the error of the file where they cannot be read. */
  async #written(group: FileGroup): Promise<InterimFile | FileError> {
    const context = this.#context
    const [file] = group.files
    if (context === undefined || file === undefined) throw new BugError('no file was looked into')
    const types = new Map(this.#records.map(({ name, type }) => [name.toLowerCase(), type]))
    const columns = group.columns.map(({ name, type }) => ({ name, type: types.get(name.toLowerCase()) ?? type ?? 'VARCHAR' }))
    const own = new Map(group.columns.map(({ name }) => [name.toLowerCase(), name]))
    const values = this.#records.map(({ name, type }) => {
      const written = own.get(name.toLowerCase())
      return written === undefined ? sql`null::${raw(type)} as ${id(name)}` : sql`${id(written)} as ${id(name)}`
    })
    try {
      const rows = sql`select ${join(values)} from (${this.#format.relation(group, columns, context)})`
      return await context.io.interim((path) =>
        context.session.run(sql`copy (${rows}) to ${literal(path)} (format parquet, compression lz4_raw)`),
      )
    } catch (error) {
      throwForeign(error)
      const [named] = await this.#format.diagnose(group, columns, error, context)
      return named ?? new FileError('ING-FILE-FORMAT', file.path, `${file.path}: ${excerpt(firstLine(messageOf(error)))}`, { cause: error })
    }
  }

  /** Types by which files are read: remembered, declared, or inferred once. */
  #typesOf(known: readonly Column[], context: FormatContext): Promise<readonly Column[]> {
    const full = this.#groups.filter(({ empty }) => !empty)
    const names = full.flatMap(({ columns }) => columns.map(({ name }) => name))
    return settledColumns(known, names, { declared: this.#table.columnTypes, infer: () => this.#format.infer(full, context) })
  }

  async #load(): Promise<Transform> {
    const { path, place } = this.#module
    const imported = await import(moduleUrl(path)).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new ConfigError('ING-CONFIG-MODULE', `${place} cannot be loaded: ${reason}`, [], { cause })
    })
    // Decoder: a module of the user's.
    const transform: unknown = (imported as Readonly<Record<string, unknown>>)['default']
    if (typeof transform === 'function') return transform as Transform
    throw new ConfigError('ING-CONFIG-MODULE', `${place} exports no function`, [], {
      hint: 'export default function (records, { polars, params, file }) { return records }',
    })
  }
}

/** A frame, or the result of one that is still to be computed. */
function frameOf(value: unknown): Frame | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // Asked for by name: a frame is a proxy, which does not tell what it has.
  const { writeParquet, collectSync } = value as { readonly writeParquet?: unknown; readonly collectSync?: unknown }
  if (typeof writeParquet === 'function') return value as Frame
  // In this thread: where polars panics in one of its own, the process dies of it.
  return typeof collectSync === 'function' ? frameOf(Reflect.apply(collectSync, value, [])) : undefined
}

function remembered(reader: unknown): Remembered {
  if (typeof reader !== 'object' || reader === null || !('module' in reader)) return { module: { columns: [] }, reader }
  // Decoder: it was written by `read` as JSON.
  return reader as Remembered
}
