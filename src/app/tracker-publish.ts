import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import { clashWith } from '../config/published.ts'
import { ConfigError, reportOf } from '../errors/errors.ts'
import type { RunReport } from '../model/report.ts'
import type { Column } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import { BATCH_COLUMNS, FILE_COLUMNS } from '../model/tracker-columns.ts'
import type { PublishReport } from '../model/tracker-report.ts'
import { leasedAlone, type TableWork } from './table-work.ts'
import { batchRows, inSpool, stageRows } from './tracker-rows.ts'

type Published = PublishReport['tables'][number]

/**
 * Makes the tables of the tracker say what it knows now: one commit each, where anything changed. UnavailableError `ING-TABLE-BUSY` while
 * another process publishes.
 */
export async function publishTracker(work: TableWork): Promise<PublishReport> {
  const { config, tracker } = work
  const { files, batches } = publishable(config)
  const names = config.tables.map(({ name }) => name)
  return leasedAlone(files, 'publish', work, () =>
    inSpool(config, async (folder) => ({
      tables: [
        await published(files, { rows: tracker.files({}), columns: FILE_COLUMNS, file: join(folder, 'files.ndjson') }, work),
        await published(batches, { rows: batchRows(tracker, names), columns: BATCH_COLUMNS, file: join(folder, 'batches.ndjson') }, work),
      ],
    })),
  )
}

/** With `publish_tracker`, after a run. What is loaded is loaded, whatever becomes of this. */
export async function publishedAfter(
  report: RunReport,
  publish: () => Promise<unknown>,
  warn: (problem: string, cause: unknown) => void,
): Promise<RunReport> {
  try {
    await publish()
    return report
  } catch (error) {
    warn(PUBLISH_PROBLEM, error)
    const { code, message, hint } = reportOf(error)
    return { ...report, warnings: [{ code, message: `${PUBLISH_PROBLEM}: ${message}`, hint }] }
  }
}

/** What is told where it fails beside other work. */
export const PUBLISH_PROBLEM = 'the tracker could not be published'

function publishable({ published, tables }: ResolvedConfig): { readonly files: TableConfig; readonly batches: TableConfig } {
  const clash = clashWith(published, tables)
  if (clash === undefined) return published
  throw new ConfigError('ING-CONFIG-DUPLICATE-TABLE', clash.problem, [], { hint: clash.fix })
}

interface Rows {
  readonly rows: AsyncIterable<object>
  readonly columns: readonly Column[]
  readonly file: string
}

async function published(table: TableConfig, { rows, columns, file }: Rows, { tracker, worker }: TableWork): Promise<Published> {
  const [unsupported] = table.unsupported
  if (unsupported !== undefined)
    throw new ConfigError('ING-CONFIG-UNSUPPORTED', `${table.name}: ${unsupported.message}`, [], { hint: unsupported.hint })
  const count = await stageRows(file, rows)
  const { version, changed } = await worker.publish({ table, trackerId: tracker.id, columns, file, batchId: randomUUID() })
  return { table: table.name, target: table.targetPath, rows: count, version: version === null ? null : Number(version), changed }
}
