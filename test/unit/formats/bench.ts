import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { localLanding } from '../../../src/blobs/landing.ts'
import { BLOB_STORES } from '../../../src/blobs/registry.ts'
import type { Row, Session } from '../../../src/engine/engine.ts'
import { sql } from '../../../src/engine/sql.ts'
import type { FileError } from '../../../src/errors/errors.ts'
import type { FileGroup, Format, FormatContext, Inspection, SourceFile } from '../../../src/formats/format.ts'
import { FORMATS } from '../../../src/formats/registry.ts'
import type { FormatName, TableConfig } from '../../../src/model/table.ts'
import { SourceTables } from '../../../src/stores/source-tables.ts'
import { session } from '../../support/session.ts'
import { tableConfig } from '../../support/table.ts'

/** One format over real files of a temporary folder, driven as a load drives it. */
export class Bench {
  readonly folder: string
  readonly format: Format
  readonly context: FormatContext
  readonly #files: SourceFile[] = []

  constructor(folder: string, format: Format, context: FormatContext) {
    this.folder = folder
    this.format = format
    this.context = context
  }

  get session(): Session {
    return this.context.session
  }

  land(name: string, content: string | Uint8Array, seen: Partial<SourceFile> = {}): SourceFile {
    const path = join(this.folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    const size = BigInt(Buffer.byteLength(content))
    const ordinal = this.#files.length
    const file = {
      path,
      rawPath: null,
      readPath: path,
      size,
      modifiedNs: BigInt(ordinal),
      version: `${size}-${ordinal}`,
      ordinal,
      unit: path,
      ...seen,
    }
    this.#files.push(file)
    return file
  }

  get files(): readonly SourceFile[] {
    return this.#files
  }

  inspect(): Promise<Inspection> {
    return this.format.inspect(this.#files, this.context)
  }

  /** Types of all columns by inference, in order, as `name TYPE`. */
  async types(): Promise<readonly string[]> {
    const { groups, reader } = await this.inspect()
    const columns = await this.format.infer(groups, { ...this.context, reader })
    return columns.map(({ name, type }) => `${name} ${type}`)
  }

  /** All rows, with inferred types unless some are given, in order of files; `__path` and `__index` are left out. */
  async rows(types: Readonly<Record<string, string>> = {}): Promise<readonly Row[]> {
    const { groups, reader, failed } = await this.inspect()
    if (failed[0]) throw failed[0]
    const context = { ...this.context, reader }
    const inferred = new Map((await this.format.infer(groups, context)).map(({ name, type }) => [name.toLowerCase(), type]))
    const rows: Row[] = []
    for (const group of groups.filter((one) => !one.empty)) {
      const columns = group.columns.map(({ name }) => ({ name, type: types[name] ?? inferred.get(name.toLowerCase()) ?? 'VARCHAR' }))
      const found = await this.session.rows(sql`select * from (${this.format.relation(group, columns, context)})`)
      rows.push(...found.map(({ __path, __index, ...row }) => row))
    }
    return rows
  }

  /** The path that each row says it comes from, without the folder. */
  async paths(): Promise<readonly string[]> {
    const { groups, reader } = await this.inspect()
    const context = { ...this.context, reader }
    const paths: string[] = []
    for (const group of groups.filter((one) => !one.empty)) {
      const columns = group.columns.map(({ name }) => ({ name, type: 'VARCHAR' }))
      const found = await this.session.rows(sql`select __path from (${this.format.relation(group, columns, context)})`)
      paths.push(...found.map((row) => String(row['__path']).slice(this.folder.length + 1)))
    }
    return paths
  }

  /** Reads every group with the given types; the errors of inspection and diagnosis, sorted by file. */
  async problems(types: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
    const { groups, reader, failed } = await this.inspect()
    const context = { ...this.context, reader }
    const inferred = new Map((await this.format.infer(groups, context)).map(({ name, type }) => [name.toLowerCase(), type]))
    const problems: FileError[] = [...failed]
    for (const group of groups.filter((one) => !one.empty)) problems.push(...(await this.#read(group, { types, inferred, context })))
    const text = problems.map(({ code, message }) => `${code} ${message}`.replaceAll(`${this.folder}/`, ''))
    return text.toSorted()
  }

  async #read(
    group: FileGroup,
    how: { types: Readonly<Record<string, string>>; inferred: ReadonlyMap<string, string>; context: FormatContext },
  ): Promise<readonly FileError[]> {
    const columns = group.columns.map(({ name }) => ({ name, type: how.types[name] ?? how.inferred.get(name.toLowerCase()) ?? 'VARCHAR' }))
    try {
      await this.session.rows(sql`select bit_xor(hash(record)) from (${this.format.relation(group, columns, how.context)}) as record`)
      return []
    } catch (error) {
      return this.format.diagnose(group, columns, error, how.context)
    }
  }
}

export async function bench(format: FormatName, table: Partial<TableConfig> = {}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-format-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const loaded = await FORMATS[format].load()
  const config = tableConfig({ fileFormat: format, ...table })
  const opened = await session()
  return new Bench(folder, loaded, {
    session: opened,
    tables: new SourceTables(opened, BLOB_STORES.file),
    io: localLanding(join(folder, '.spool')),
    table: config,
    reader: undefined,
    signal: new AbortController().signal,
  })
}
