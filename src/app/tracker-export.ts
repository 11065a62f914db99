import { existsSync } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import { openSession } from '../engine/duckdb.ts'
import { firstLine } from '../engine/failure.ts'
import { inlined, literal, raw, sql } from '../engine/sql.ts'
import { ConfigError, UnavailableError } from '../errors/errors.ts'
import { FILE_COLUMNS } from '../model/tracker-columns.ts'
import type { ExportReport } from '../model/tracker-report.ts'
import type { TrackedFile } from '../tracker/tracker.ts'
import { childLimits } from './limits.ts'
import { inSpool, stagedRows, stageRows } from './tracker-rows.ts'

/** What a tracker is exported as: the columns of `ingest files --json`. */
export const EXPORT_FORMATS = ['csv', 'json', 'parquet'] as const

export type ExportFormat = (typeof EXPORT_FORMATS)[number]

export interface ExportOptions {
  readonly file: string
  /** By the end of the file's name when left out. */
  readonly format?: ExportFormat | undefined
  /** Bare or qualified names; all tables when left out. */
  readonly tables?: readonly string[] | undefined
  /** Takes the place of a file that is there. */
  readonly force?: boolean | undefined
}

/** Writes the tracker's rows of files to a new file. ConfigError `ING-USAGE` for one that is there, or whose format nobody told. */
export async function exportTracker(
  rows: AsyncIterable<TrackedFile>,
  { file, format, force }: ExportOptions,
  config: ResolvedConfig,
): Promise<ExportReport> {
  const path = resolve(file)
  const chosen = format ?? formatOf(file)
  if (force !== true && existsSync(path))
    throw new ConfigError('ING-USAGE', `${file} is there already`, [], { hint: 'give the name of a new file, or --force' })
  return inSpool(config, async (folder) => {
    const staged = join(folder, 'files.ndjson')
    const count = await stageRows(staged, rows)
    try {
      await written(staged, path, chosen, config)
    } catch (cause) {
      const reason = cause instanceof Error ? firstLine(cause.message) : String(cause)
      throw new UnavailableError('ING-STORAGE', `${file} cannot be written: ${reason}`, { cause, hint: 'choose another folder' })
    }
    return { file: path, format: chosen, files: count, bytes: (await stat(path)).size }
  })
}

function formatOf(file: string): ExportFormat {
  const suffix = extname(file).slice(1).toLowerCase()
  const format = EXPORT_FORMATS.find((name) => name === suffix)
  if (format !== undefined) return format
  throw new ConfigError('ING-USAGE', `${file}: what format shall it have?`, [], {
    hint: `give --format ${EXPORT_FORMATS.join('|')}, or end its name with .csv, .json or .parquet`,
  })
}

const COPY = { csv: 'format csv, header', json: 'format json, array true', parquet: 'format parquet, compression zstd' } as const

/** Texts say times as all output does; a file with types has them as such. */
async function written(staged: string, path: string, format: ExportFormat, config: ResolvedConfig): Promise<void> {
  const columns = FILE_COLUMNS.map(({ name, type }) => ({
    name,
    type: format !== 'parquet' && type.startsWith('TIMESTAMP') ? 'VARCHAR' : type,
  }))
  await using session = await openSession(childLimits(config, 1))
  const part = `${path}.${process.pid}.part`
  try {
    await session.run(inlined(sql`copy (${stagedRows(staged, columns)}) to ${literal(part)} (${raw(COPY[format])})`))
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}
