import type { Session } from '../engine/engine.ts'
import { type Sql, sql } from '../engine/sql.ts'
import { ConflictError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Column } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import { applicationId } from '../pipeline/protocol.ts'
import type { OpenTable } from '../stores/store.ts'
import { stagedRows } from './tracker-rows.ts'

/** Rows of the tracker that a table shall have, as they lie in the spool. */
export interface PublishJob {
  readonly table: TableConfig
  readonly trackerId: string
  readonly columns: readonly Column[]
  readonly file: string
  readonly batchId: string
}

export interface PublishResult {
  /** The version that has the rows; null where the table does not exist, since there are none. */
  readonly version: bigint | null
  /** False where the table had just these rows. */
  readonly changed: boolean
}

/** Commits of a published tracker between two looks at files that no version needs any more. */
const VACUUM_EVERY = 10

/** In the load process, under the table's lease: one commit that replaces all rows, where they are others. ConflictError for another writer's. */
export async function publishRows(job: PublishJob, target: OpenTable, session: Session): Promise<PublishResult> {
  const appId = applicationId(job.trackerId, job.table)
  const last = await target.lastBatch(appId)
  await target.clean(last)
  const rows = stagedRows(job.file, job.columns)
  const version = target.state?.version ?? null
  if (version !== null && (await hasSameRows(rows, job.columns, target, session))) return { version, changed: false }
  return { version: await replaceRows(rows, { job, appId, last }, target), changed: true }
}

async function hasSameRows(rows: Sql, columns: readonly Column[], target: OpenTable, session: Session): Promise<boolean> {
  const names = (some: readonly Column[]) => some.map(({ name, type }) => `${name} ${type}`).join()
  if (names(target.state?.columns ?? []) !== names(columns)) return false
  const current = await target.current()
  const differing = (one: Sql, other: Sql) => sql`select 1 from ((${one}) except all (${other}))`
  const found = await session.rows(sql`select 1 from (${differing(rows, current)} union all ${differing(current, rows)}) limit 1`)
  return found.length === 0
}

interface Replacing {
  readonly job: PublishJob
  readonly appId: string
  readonly last: bigint | null
}

async function replaceRows(rows: Sql, { job, appId, last }: Replacing, target: OpenTable): Promise<bigint> {
  const { table, trackerId, batchId } = job
  const columns = job.columns.map((column) => ({ ...column, nullable: true }))
  const staged = [await target.stage({ add: rows, columns, batchId, sourceBytes: 0n })]
  const manifest: Manifest = {
    ...{ format: 1, appId, batch: (last ?? 0n) + 1n, batchId, previous: last, table: table.name },
    ...{ createdAt: new Date().toISOString(), files: [], reader: null, sideFiles: [] },
  }
  const commit = await target.commit({
    ...{ manifest, staged, remove: 'everything', removal: null, blindAppend: false, columns, changes: [], trackerId },
    strategy: 'publish',
  })
  if (commit.kind === 'conflict' || commit.kind === 'overtaken') {
    await target.discard(staged)
    throw new ConflictError('ING-TABLE-CONFLICT', `${table.name}: another process wrote to the published tracker`, {
      hint: 'publish it again; nobody else should write to it',
    })
  }
  if (Number(commit.version) % VACUUM_EVERY === 0) await target.vacuum({ trackerId, retentionMs: null, dryRun: false, force: false })
  return commit.version
}
