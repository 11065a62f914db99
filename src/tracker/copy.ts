import { type Kysely, sql } from 'kysely'
import { ConfigError } from '../errors/errors.ts'
import { ALL_TABLES, type ColumnKind, type Given, inTransaction, type Ledger } from './ledger.ts'
import type { BatchTable, Database, EventTable, ExpectationTable, FileTable, NoteTable, TargetTable } from './schema.ts'

export interface CopyOptions {
  /** Whether what became of files earlier goes with them. */
  readonly history: boolean
  /** What the target holds goes. */
  readonly replace: boolean
}

/** What was copied. */
export interface Copied {
  readonly tracker: string
  readonly files: number
  readonly batches: number
  readonly events: number
}

type Columns<T> = Readonly<Record<keyof T, ColumnKind>>

const PAGE = 5000n

const FILE: Columns<FileTable> = {
  id: 'integer',
  table_name: 'text',
  file_path: 'text',
  raw_path: 'text',
  unit: 'text',
  file_size: 'integer',
  file_modified_ns: 'integer',
  file_version: 'text',
  status: 'text',
  retry_count: 'integer',
  next_attempt_at: 'integer',
  lease_owner: 'text',
  batch_id: 'text',
  ordinal: 'integer',
  table_version: 'integer',
  held_reason: 'text',
  approved_version: 'text',
  suspect_group: 'text',
  status_reason: 'text',
  replaces: 'integer',
  clean_up_status: 'text',
  clean_up_path: 'text',
  clean_up_reason: 'text',
  clean_up_attempts: 'integer',
  clean_up_next_at: 'integer',
  error_code: 'text',
  error_class: 'text',
  error_message: 'text',
  rows_read: 'integer',
  rows_loaded: 'integer',
  rows_rejected: 'integer',
  rows_filtered: 'integer',
  rows_deduplicated: 'integer',
  bytes: 'integer',
  processing_start_time: 'integer',
  processing_end_time: 'integer',
  created_at: 'integer',
  updated_at: 'integer',
}

const EVENT: Columns<EventTable> = {
  id: 'integer',
  file_id: 'integer',
  at: 'integer',
  from_status: 'text',
  to_status: 'text',
  file_version: 'text',
  batch_id: 'text',
  reason: 'text',
}

const BATCH: Columns<BatchTable> = {
  batch_id: 'text',
  batch_number: 'integer',
  table_name: 'text',
  status: 'text',
  lease_owner: 'text',
  lease_expires_at: 'integer',
  table_version: 'integer',
  files: 'integer',
  rows_loaded: 'integer',
  bytes: 'integer',
  started_at: 'integer',
  ended_at: 'integer',
}

/** Without its lock: who copies a tracker has it. */
const TARGET: Columns<Omit<TargetTable, 'lock_owner' | 'lock_expires_at'>> = {
  table_name: 'text',
  paused: 'integer',
  last_listed_at: 'integer',
  listing_error: 'text',
  next_run_at: 'integer',
}

const NOTE: Columns<NoteTable> = { table_name: 'text', key: 'text', value: 'text' }

const EXPECTATION: Columns<ExpectationTable> = {
  table_name: 'text',
  batch_id: 'text',
  name: 'text',
  on_violation: 'text',
  file_path: 'text',
  checked: 'integer',
  violated: 'integer',
  at: 'integer',
}

interface Part {
  readonly name: keyof Database
  readonly columns: Readonly<Record<string, ColumnKind>>
  /** A column that tells rows apart, by which they are read in pages; without one they are read by their number. */
  readonly key: string | undefined
  /** Of all its columns, where no single one does. */
  readonly order?: string
  readonly isHistory?: boolean
}

/** The sums of settled files follow from the files; what processes do goes with them. */
const PARTS: readonly Part[] = [
  { name: 'file', columns: FILE, key: 'id' },
  { name: 'batch', columns: BATCH, key: 'batch_id' },
  { name: 'target', columns: TARGET, key: 'table_name' },
  { name: 'note', columns: NOTE, key: undefined, order: 'table_name, key' },
  { name: 'event', columns: EVENT, key: 'id', isHistory: true },
  { name: 'expectation', columns: EXPECTATION, key: undefined, order: 'batch_id, name, file_path', isHistory: true },
]

/** In one transaction of each: what was read is one state, and what is written is there as a whole or not at all. */
export async function copyRows(from: Ledger, to: Ledger, { history, replace }: CopyOptions): Promise<Copied> {
  return inTransaction(to, ALL_TABLES, async (target) => {
    await makeRoom(target, replace)
    return from.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (source) => {
        const copied = new Map<string, number>()
        for (const part of PARTS) {
          if (part.isHistory === true && !history) continue
          copied.set(part.name, await copyPart(source, target, part))
        }
        const of = (name: string) => copied.get(name) ?? 0
        return { tracker: await copyId(source, target.db), files: of('file'), batches: of('batch'), events: of('event') }
      })
  })
}

async function makeRoom({ db }: Ledger, replace: boolean): Promise<void> {
  const { rows } = await sql`select 1 from ${sql.table('file')} limit 1`.execute(db)
  if (rows.length > 0 && !replace) {
    throw new ConfigError('ING-TRACKER-COPY', 'the target of the copy holds files', [], {
      hint: 'name another file, or another file_tracker_database: nothing is overwritten',
    })
  }
  for (const { name } of PARTS) await sql`delete from ${sql.table(name)}`.execute(db)
}

async function copyPart(source: Kysely<Database>, target: Ledger, part: Part): Promise<number> {
  const names = Object.keys(part.columns)
  const columns = sql.join(names.map((name) => sql.id(name)))
  let copied = 0
  for (let last: Given | undefined; ; ) {
    const rows = await page(source, part, { after: last, offset: copied })
    if (rows.length > 0) {
      const given = target.dialect.relation(
        part.columns,
        rows.map((row) => names.map((name) => row[name] ?? null)),
      )
      await sql`insert into ${sql.table(part.name)} (${columns}) select ${columns} from ${given} as g where true`.execute(target.db)
    }
    copied += rows.length
    if (rows.length < PAGE) break
    last = part.key === undefined ? undefined : rows.at(-1)?.[part.key]
  }
  if (part.key === 'id') await target.dialect.countOn?.(target.db, part.name)
  return copied
}

async function page(
  source: Kysely<Database>,
  { name, columns, key, order }: Part,
  { after, offset }: { readonly after: Given | undefined; readonly offset: number },
): Promise<readonly Readonly<Record<string, Given>>[]> {
  const wanted = sql.join(Object.keys(columns).map((column) => sql.id(column)))
  const where = key === undefined || after === undefined ? sql`` : sql`where ${sql.id(key)} > ${after}`
  const skipped = key === undefined ? sql`offset ${BigInt(offset)}` : sql``
  const { rows } = await sql<Record<string, Given>>`
    select ${wanted} from ${sql.table(name)} ${where} order by ${key === undefined ? sql.raw(order ?? '1') : sql.id(key)} limit ${PAGE} ${skipped}`.execute(
    source,
  )
  return rows
}

async function copyId(source: Kysely<Database>, target: Kysely<Database>): Promise<string> {
  const { value } = await source.selectFrom('meta').select('value').where('key', '=', 'tracker_id').executeTakeFirstOrThrow()
  await target.updateTable('meta').set({ value }).where('key', '=', 'tracker_id').execute()
  return value
}
