import { literal, raw, type Sql, sql, unnested } from '../engine/sql.ts'
import { ConfigError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Manifest } from '../model/manifest.ts'
import { QUARANTINE_COLUMNS, quarantineOf } from '../model/quarantine.ts'
import type { OpenTable, Staged } from '../stores/store.ts'
import type { LoadContext } from './context.ts'
import { applicationId, type LoadJob } from './protocol.ts'
import type { RejectedRows } from './rejected-rows.ts'

/** Rejected rows that are written, and not visible yet. */
export interface StagedRejects {
  /**
   * Commits them under the number and the id of the batch, before the table's own commit decides whether they are any. A reason where
   * another batch was first: then the batch is given up.
   */
  commit(manifest: Manifest): Promise<string | undefined>
  discard(): Promise<void>
}

const COLUMNS = QUARANTINE_COLUMNS.map((column) => ({ ...column, nullable: true }))

/** Writes the rejected rows of a batch as data files of its quarantine. */
export async function stageRejects(rejects: RejectedRows, job: LoadJob, context: LoadContext): Promise<StagedRejects> {
  const quarantine = await context.quarantine.open()
  await checkPlaced(rejects, context)
  const add = await rowsOf(rejects, job, context)
  const staged = [await quarantine.stage({ add, columns: COLUMNS, batchId: job.batch.id, sourceBytes: 0n })]
  failpoint('after-stage-rejects')
  return {
    commit: (manifest) => commitRejects(staged, manifest, { job, quarantine }),
    discard: () => quarantine.discard(staged),
  }
}

async function commitRejects(
  staged: readonly Staged[],
  manifest: Manifest,
  { job, quarantine }: { readonly job: LoadJob; readonly quarantine: OpenTable },
): Promise<string | undefined> {
  const commit = await quarantine.commit({
    manifest: { ...manifest, appId: applicationId(job.trackerId, quarantineOf(job.table)) },
    staged,
    remove: 'nothing',
    removal: null,
    blindAppend: true,
    columns: COLUMNS,
    changes: [],
    trackerId: job.trackerId,
    strategy: 'quarantine',
  })
  failpoint('after-quarantine')
  switch (commit.kind) {
    case 'committed':
    case 'alreadyCommitted':
      return undefined
    case 'overtaken':
      return `batch ${commit.batch} of another process was committed first`
    case 'conflict':
      return commit.reason
  }
}

/** Where a transform gives other rows than it takes, only a file of one row tells which is meant. */
const SAME_ROW = raw('(m.position = r.number or (r.number is null and m.rows = 1))')

/** A rejected row that nobody could tell from others would be lost. */
async function checkPlaced(rejects: RejectedRows, { session, resubmitted }: LoadContext): Promise<void> {
  if (resubmitted === undefined) return
  const [lost] = await session.rows(sql`select r.path, r.reason from ${rejects.rows} as r
    where not exists (select 1 from ${resubmitted.rows} as m where m.path = r.path and ${SAME_ROW}) limit 1`)
  if (lost === undefined) return
  throw new ConfigError(
    'ING-QUARANTINE-FILE',
    `${String(lost['path'])}: a mended row is still bad (${String(lost['reason'])}), and which one cannot be told`,
    [],
    {
      hint: 'resubmit the rows of the file one by one',
    },
  )
}

/** A query of `QUARANTINE_COLUMNS`. Mended rows that are rejected again keep their ids and their place in the file. */
async function rowsOf(rejects: RejectedRows, { table, batch }: LoadJob, context: LoadContext): Promise<Sql> {
  const files = await filesOf(rejects, batch.files, context)
  const audit = sql`${literal(batch.id)} as _batch_id, ${raw(String(batch.number))}::bigint as _batch_number, f.version as file_version,
    f.columns as file_columns, ${literal(context.loadedAt)}::timestamptz as rejected_at`
  const { resubmitted } = context
  if (resubmitted !== undefined)
    // A record that is JSON is no text of the landing file, and may have values that are stored masked.
    return sql`select distinct on (m.id) m.id, r.path as _source_file, m.line, m.number + 1 as row_number, r.column_name, r.rule, r.reason,
      ${raw(resubmitted.isText ? 'coalesce(r.raw, m.raw)' : 'null::varchar')} as raw, ${audit} from ${rejects.rows} as r join ${files} as f on f.path = r.path
      join ${resubmitted.rows} as m on m.path = r.path and ${SAME_ROW}`
  const place = sql`row_number() over (order by f.ordinal, r.number nulls last, r.line nulls last)`
  return sql`select ${literal(`${table.name}/${batch.number}-`)} || ${place}::varchar as id, r.path as _source_file, r.line,
    r.number + 1 as row_number, r.column_name, r.rule, r.reason, r.raw, ${audit}
    from ${rejects.rows} as r join ${files} as f on f.path = r.path`
}

/** Relation (path, ordinal, version, columns) of the files that have rejected rows. */
async function filesOf(rejects: RejectedRows, all: LoadJob['batch']['files'], { session, quarantine }: LoadContext): Promise<Sql> {
  const named = new Set((await session.rows(sql`select distinct path from ${rejects.rows}`)).map(({ path }) => String(path)))
  const files = all.filter(({ path }) => named.has(path))
  return sql`(select ${unnested(files.map(({ path }) => path))} as path, ${unnested(files.map(({ version }) => version))} as version,
    ${unnested(files.map(({ path }) => JSON.stringify(quarantine.columnsOf(path))))} as columns,
    unnest([${raw(files.map(({ ordinal }) => ordinal).join(', '))}]::integer[]) as ordinal)`
}
