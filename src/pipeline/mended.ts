import type { Session } from '../engine/engine.ts'
import { firstLine } from '../engine/failure.ts'
import { id, literal, pathList, raw, type Sql, sql } from '../engine/sql.ts'
import { BugError, ConfigError, TableError } from '../errors/errors.ts'
import type { Framing } from '../formats/format.ts'
import { type BatchFile, compareFiles } from '../model/file.ts'
import { batchOfId } from '../model/quarantine.ts'
import type { TableConfig } from '../model/table.ts'
import type { ResubmittedRows } from './context.ts'
import { committedManifest } from './inspect-log.ts'
import { notInQuarantine, openRows, type Quarantined } from './quarantine-rows.ts'

/** Ids that a message names. */
const NAMED = 5

/** A landing file of which rows were mended. */
export interface MendedFile {
  readonly file: BatchFile
  /** The batch that loaded it. */
  readonly batchId: string
  /** Names of its columns. */
  readonly columns: readonly string[]
  readonly rows: bigint
}

/** Mended rows of one table, each checked to be in quarantine; closing it drops them. */
export interface Mended extends ResubmittedRows, AsyncDisposable {
  readonly ids: readonly string[]
  readonly files: readonly MendedFile[]
}

/** The tables of the ids in a mended file. */
export async function tablesOfMended(path: string, session: Session): Promise<readonly string[]> {
  const given = await readMended(path, session)
  try {
    const wrong = await session.rows(sql`select distinct id from ${given} where ${TABLE} is null order by id limit ${NAMED}`)
    if (wrong.length > 0) throw notInQuarantine(wrong.map((row) => String(row['id'])))
    return (await session.rows(sql`select distinct ${TABLE} as name from ${given} order by name`)).map((row) => String(row['name']))
  } finally {
    await session.run(sql`drop table if exists ${given}`)
  }
}

/** The rows of a file that belong to the table. ConfigError for rows that are not in quarantine, or are no records. */
export async function mendedRows(path: string, quarantined: Quarantined): Promise<Mended> {
  const { table, session } = quarantined
  checkTakesRows(table)
  const given = await readMended(path, session)
  const rows = id(session.temporaryName('mended_rows'))
  const dispose = async () => {
    for (const name of [given, rows]) await session.run(sql`drop table if exists ${name}`)
  }
  try {
    await session.run(sql`delete from ${given} where ${TABLE} is distinct from ${table.name}`)
    await checkOnce(given, session)
    const open = (await openRows(quarantined)) ?? raw('select null::varchar as id where false')
    await checkKnown(given, open, session)
    await session.run(sql`create temp table ${rows} as select path, row_number() over (partition by path order by number nulls last, line, id) - 1 as position, count(*) over (partition by path) as rows,
      * exclude (path) from (select q._source_file as path, q.id, coalesce(q.row_number - 1, q.line - 1) as number, q.line, g.raw,
        q.raw is not null as was_text, q.file_version, q.file_columns, regexp_extract(q.id, '/(\\d+)-\\d+$', 1) as batch
        from (${open}) as q join ${given} as g on g.id = q.id)`)
    const ids = (await session.rows(sql`select id from ${rows} order by path, position`)).map((row) => String(row['id']))
    return { rows, ids, files: await filesIn(rows, quarantined), isText: await areTexts(rows, session), [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

const TABLE = raw(`nullif(regexp_extract(id, '^(.+)/\\d+-\\d+$', 1), '')`)

/** The table's own rows cannot be told from those of a snapshot any more. */
function checkTakesRows({ name, strategy, overwriteScope, keyed }: TableConfig): void {
  const isPartial = strategy === 'overwrite' && overwriteScope === 'partition'
  if (!isPartial && !keyed.missingMeansDeleted) return
  const why = isPartial ? 'a later snapshot may have replaced a partition of the row' : 'mended rows alone are no snapshot'
  throw new TableError(
    'ING-QUARANTINE-SNAPSHOT',
    `${name}: ${why} (${isPartial ? 'overwrite_scope: partition' : 'missing_means_deleted'})`,
    {
      hint: 'mend the landing file, and deliver it again',
    },
  )
}

/** Relation (id, raw) of a file of mended rows, a temporary table: CSV or NDJSON, by its suffix. */
async function readMended(path: string, session: Session): Promise<Sql> {
  const given = id(session.temporaryName('mended'))
  const list = pathList([path])
  const read = /\.(ndjson|jsonl)$/i.test(path)
    ? sql`read_json(${list}, format = 'newline_delimited', columns = {id: 'VARCHAR', raw: 'VARCHAR'})`
    : sql`read_csv(${list}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', allow_quoted_nulls = false)`
  try {
    await session.run(sql`create temp table ${given} as select id::varchar as id, raw::varchar as raw from ${read}`)
  } catch (cause) {
    const reason = cause instanceof Error ? firstLine(cause.message) : String(cause)
    throw new ConfigError('ING-QUARANTINE-FILE', `${path} is no file of quarantined rows: ${reason}`, [], {
      cause,
      hint: 'it has the columns id and raw, as `ingest quarantine export` writes them, as .csv or .ndjson',
    })
  }
  return given
}

async function checkOnce(given: Sql, session: Session): Promise<void> {
  const twice = await session.rows(sql`select id from ${given} group by id having count(*) > 1 order by id limit ${NAMED}`)
  if (twice.length > 0)
    throw new ConfigError('ING-QUARANTINE-FILE', `rows that the file has more than once: ${named(twice)}`, [], {
      hint: 'leave one of each',
    })
  const empty = await session.rows(sql`select id from ${given} where trim(coalesce(raw, '')) = '' order by id limit ${NAMED}`)
  if (empty.length > 0)
    throw new ConfigError('ING-QUARANTINE-FILE', `rows without a text: ${named(empty)}`, [], {
      hint: 'write the record into raw, or remove the line; `ingest quarantine discard --id ID` gives a row up',
    })
}

async function checkKnown(given: Sql, open: Sql, session: Session): Promise<void> {
  const gone = await session.rows(sql`select id from ${given} where id not in (select id from (${open})) order by id limit ${NAMED}`)
  if (gone.length > 0) throw notInQuarantine(gone.map((row) => String(row['id'])))
}

function named(rows: readonly Readonly<Record<string, unknown>>[]): string {
  return rows.map((row) => String(row['id'])).join(', ')
}

/** The landing files as they were loaded, by the manifests of their batches. */
async function filesIn(rows: Sql, { target, session }: Quarantined): Promise<readonly MendedFile[]> {
  const found =
    await session.rows(sql`select path, any_value(id) as id, count(distinct batch) as batches, any_value(file_columns) as columns,
    count(*) as total from ${rows} group by path order by path`)
  const files: MendedFile[] = []
  for (const { path, id: some, batches, columns, total: count } of found) {
    if (batches !== 1n)
      throw new ConfigError('ING-QUARANTINE-FILE', `the file has rows of several versions of ${String(path)}`, [], {
        hint: 'resubmit the rows of each version by themselves',
      })
    const manifest = await committedManifest(target, batchOfId(String(some)) ?? 0n)
    const loaded = manifest.files.find((file) => file.path === path)
    if (loaded === undefined) throw new BugError(`batch ${manifest.batch} does not have ${String(path)}, of which it rejected rows`)
    // A guard is for what is delivered; these rows were looked at.
    const file = { ...loaded, ordinal: 0, approved: true }
    files.push({ file, batchId: manifest.batchId, columns: JSON.parse(String(columns)) as string[], rows: BigInt(String(count)) })
  }
  return files.toSorted((a, b) => compareFiles(a.file, b.file)).map((one, ordinal) => ({ ...one, file: { ...one.file, ordinal } }))
}

async function areTexts(rows: Sql, session: Session): Promise<boolean> {
  const kinds = await session.rows(sql`select was_text, any_value(id) as id from ${rows} group by was_text order by was_text`)
  if (kinds.length > 1)
    throw new ConfigError('ING-QUARANTINE-FILE', `some rows have their text in quarantine and others not: ${named(kinds)}`, [], {
      hint: 'resubmit rows that are mended as JSON by themselves',
    })
  return kinds[0]?.['was_text'] === true
}

/** Numbers of the rows in the landing file, from 0, by their position in the mended one. */
export async function numbersOf(path: string, { rows }: Mended, session: Session): Promise<readonly bigint[]> {
  const numbers = await session.rows(sql`select coalesce(number, position) as number from ${rows} where path = ${path} order by position`)
  return numbers.map(({ number }) => BigInt(String(number)))
}

/** Writes the mended records of a landing file as a file of its own. ConfigError for texts that are no single record. */
export async function writeMended(
  path: string,
  { file, columns }: MendedFile,
  {
    mended,
    framing,
    session,
  }: { readonly mended: Mended; readonly framing: ((columns: readonly string[]) => Framing) | undefined; readonly session: Session },
): Promise<void> {
  const { head, isRecord } = framing?.(columns) ?? LINES
  const text = framing === undefined ? sql`translate(raw, chr(13) || chr(10), '  ')` : raw('raw')
  const own = sql`${mended.rows} where path = ${literal(file.path)}`
  const broken = await session.rows(sql`select id from ${own} and not ${isRecord(text)} order by position limit ${NAMED}`)
  if (broken.length > 0)
    throw new ConfigError('ING-QUARANTINE-FILE', `the text is not one record: ${named(broken)}`, [], {
      hint: 'close its quotes, and write one record on one line',
    })
  await session.run(sql`copy (select encode(${literal(head)} || string_agg(${text}, chr(10) order by position) || chr(10)) from ${own})
    to ${literal(path)} (format blob)`)
}

const LINES: Framing = { head: '', isRecord: (text) => sql`not regexp_matches(${text}, '[\\r\\n]')` }
