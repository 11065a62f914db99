import type { Blobs } from '../blobs/blobs.ts'
import { CHANGE_TYPE, changeEvents } from '../delta/change-data.ts'
import { damageIn, reading } from '../delta/damage.ts'
import { integerOf } from '../delta/decode.ts'
import { listWhole, rangeOf } from '../delta/listing.ts'
import { commitPath } from '../delta/log-names.ts'
import { commitRows } from '../delta/log-sql.ts'
import { forgetQueries, partOfQueries } from '../delta/query-parts.ts'
import { columnsOf } from '../delta/schema.ts'
import { type LogState, Snapshot } from '../delta/snapshot.ts'
import { commitTimes } from '../delta/version-at.ts'
import type { Session } from '../engine/engine.ts'
import { id, raw, type Sql, sql } from '../engine/sql.ts'
import { type IngestError, TableError } from '../errors/errors.ts'
import type { Column } from '../model/schema.ts'
import { locatedEvents } from './changes.ts'
import type { FilesIo } from './data-files.ts'
import { type CommitRows, commitRowsOf } from './source-rows.ts'

interface Unit {
  readonly version: bigint
  readonly as: 'commit' | 'snapshot'
}

/** Commits that are asked for, and how; `formats/format` says what each means. */
interface Asked {
  readonly folder: string
  readonly units: readonly Unit[]
  readonly changes: 'inserts' | 'all'
  readonly skipRemoving: boolean
  readonly isOrdered: boolean
}

interface Group {
  readonly versions: readonly bigint[]
  readonly columns: readonly Column[]
  readonly properties: Readonly<Record<string, string>>
  readonly isSifted: boolean
  readonly rows: CommitRows['rows']
}

interface Failed {
  readonly version: bigint
  readonly error: IngestError
}

interface Read {
  readonly groups: Group[]
  readonly empty: bigint[]
  readonly failed: Failed[]
}

/** Commits of one state. */
interface Reading {
  readonly state: LogState
  readonly asked: Asked
  readonly io: FilesIo
  readonly read: Read
}

/** What a commit says of its files. */
interface Told {
  readonly adds: bigint
  readonly removes: bigint
  readonly changes: bigint
}

/**
 * Delta tables that are read commit by commit, ours or those of others. Rows are read from the data files by queries whose
 * parts live until `close`.
 */
export class SourceTables {
  readonly #session: Session
  readonly #blobsOf: (folder: string) => Promise<Blobs>
  readonly #opened = new Map<string, FilesIo>()

  constructor(session: Session, blobsOf: (folder: string) => Promise<Blobs>) {
    this.#session = session
    this.#blobsOf = blobsOf
  }

  /** The oldest version that the log can still give; undefined where it gives none. */
  async oldest(folder: string): Promise<bigint | undefined> {
    return rangeOf(await listWhole((await this.#open(folder)).blobs))?.oldest
  }

  /** Versions whose commit is in the log, ascending. */
  async commits(folder: string): Promise<readonly bigint[]> {
    return (await listWhole((await this.#open(folder)).blobs)).commits.map(({ version }) => version)
  }

  /** What the commits changed: those that cannot be told apart from their neighbours are read together. */
  async read(asked: Asked): Promise<Read> {
    const io = await this.#open(asked.folder)
    const read: Read = { groups: [], empty: [], failed: [] }
    const snapshots = asked.units.filter((unit) => unit.as === 'snapshot').map(({ version }) => version)
    for (const version of snapshots) await guarded([version], read, () => readSnapshot(version, asked, io, read))
    const commits = asked.units.filter((unit) => unit.as === 'commit').map(({ version }) => version)
    const wanted = await this.#withRows(commits.toSorted(ascending), asked, io, read)
    for (const versions of await epochsOf(wanted, io)) await guarded(versions, read, () => readEpoch(versions, asked, io, read))
    return read
  }

  /** Drops what the queries rest on. */
  async close(): Promise<void> {
    for (const io of this.#opened.values()) await forgetQueries(io)
    this.#opened.clear()
  }

  /** Commits that give rows; the others are empty, or fail. */
  async #withRows(versions: readonly bigint[], asked: Asked, io: FilesIo, read: Read): Promise<readonly bigint[]> {
    const told = await toldBy(versions, io, read)
    return versions.filter((version) => {
      const one = told.get(version)
      if (one === undefined) return false
      if (asked.changes === 'inserts' && one.removes > 0n && !asked.skipRemoving) {
        read.failed.push({ version, error: removing(io.name, version) })
        return false
      }
      const isPassedOver = asked.changes === 'inserts' && one.removes > 0n
      const gives = asked.changes === 'all' ? one.adds + one.removes + one.changes : one.adds
      if (!isPassedOver && gives > 0n) return true
      read.empty.push(version)
      return false
    })
  }

  async #open(folder: string): Promise<FilesIo> {
    const known = this.#opened.get(folder)
    if (known !== undefined) return known
    const io: FilesIo = { name: folder, blobs: await this.#blobsOf(folder), session: this.#session, isOlder: true }
    this.#opened.set(folder, io)
    return io
  }
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function removing(name: string, version: bigint): TableError {
  return new TableError('ING-SOURCE-REMOVED-ROWS', `version ${version} of ${name} removes rows, and only inserts are followed`, {
    hint: 'set format_options: {changes: all} to follow them, or {skip_change_commits: true} to pass such commits over; then: ingest retry FILE',
  })
}

/** A problem of the log or of the data files fails the commits that it is met with. */
async function guarded(versions: readonly bigint[], read: Read, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof TableError)) throw error
    read.failed.push(...versions.map((version) => ({ version, error })))
  }
}

/** How many files each commit adds, removes and tells changes in; a commit that is no JSON is found by halves. */
async function toldBy(versions: readonly bigint[], io: FilesIo, read: Read): Promise<ReadonlyMap<bigint, Told>> {
  if (versions.length === 0) return new Map()
  const { blobs, session } = io
  const rows = commitRows(await blobs.fetch(versions.map(commitPath)), ['add', 'remove', 'cdc'])
  const counted = (action: 'add' | 'remove') =>
    sql`count(*) filter (where ${id(action)}.path is not null and coalesce(${id(action)}."dataChange", true))`
  try {
    const found = await reading(blobs, () =>
      session.rows(
        sql`select version, ${counted('add')} as adds, ${counted('remove')} as removes, count(cdc.path) as changes from ${rows} group by version`,
      ),
    )
    return new Map(
      found.map((row) => [
        integerOf(row['version']) ?? -1n,
        { adds: integerOf(row['adds']) ?? 0n, removes: integerOf(row['removes']) ?? 0n, changes: integerOf(row['changes']) ?? 0n },
      ]),
    )
  } catch (error) {
    if (!(error instanceof TableError)) throw error
    if (versions.length === 1) {
      read.failed.push(...versions.map((version) => ({ version, error })))
      return new Map()
    }
    const middle = Math.ceil(versions.length / 2)
    return new Map([...(await toldBy(versions.slice(0, middle), io, read)), ...(await toldBy(versions.slice(middle), io, read))])
  }
}

/** Versions in runs between which no commit changed protocol or metadata, so that one state stands for each run. */
async function epochsOf(versions: readonly bigint[], { blobs, session }: FilesIo): Promise<readonly (readonly bigint[])[]> {
  const [first] = versions
  const last = versions.at(-1)
  if (first === undefined || last === undefined) return []
  if (first === last) return [versions]
  const between = (await listWhole(blobs)).commits.map(({ version }) => version).filter((version) => version > first && version <= last)
  const paths = await blobs.fetch(between.map(commitPath))
  let changed: readonly bigint[] = between
  try {
    const rows = await session.rows(
      sql`select distinct version from ${commitRows(paths, ['metaData', 'protocol'])} where "metaData".id is not null or protocol."minReaderVersion" is not null`,
    )
    changed = rows.map((row) => integerOf(row['version']) ?? -1n).toSorted(ascending)
  } catch (error) {
    // Some commit between them cannot be read: each is then looked up by itself.
    if (damageIn(error) === undefined) throw error
  }
  const epochs = new Map<number, bigint[]>()
  for (const version of versions) {
    const epoch = changed.findLastIndex((boundary) => boundary <= version)
    const list = epochs.get(epoch) ?? []
    epochs.set(epoch, list)
    list.push(version)
  }
  return [...epochs.values()]
}

async function readSnapshot(version: bigint, asked: Asked, io: FilesIo, read: Read): Promise<void> {
  const snapshot = await opened(version, io)
  try {
    const files = await snapshot.files()
    const [counted] = await io.session.rows(sql`select count(*) as files from ${files}`)
    if (integerOf(counted?.['files']) === 0n) {
      read.empty.push(version)
      return
    }
    const events = id(partOfQueries(io, 'source_events', 'table'))
    await io.session.run(sql`create temp table ${events} as select ${raw(String(version))}::bigint as version, 'insert' as kind, path,
      "add"."partitionValues" as "values", "add".size as size, "add"."deletionVector" as hidden, ${NO_VECTOR} as shown from ${files}`)
    read.groups.push(await groupOf([version], events, { state: snapshot.state, asked, io }))
  } finally {
    await snapshot.close()
  }
}

async function readEpoch(versions: readonly bigint[], asked: Asked, io: FilesIo, read: Read): Promise<void> {
  const [first] = versions
  if (first === undefined) return
  const snapshot = await opened(first, io)
  const { state } = snapshot
  await snapshot.close()
  await readCommits(versions, { state, asked, io, read })
}

async function opened(version: bigint, { name, blobs, session }: FilesIo): Promise<Snapshot> {
  const snapshot = await Snapshot.open(name, blobs, session, { at: { version }, gate: 'read' })
  if (snapshot === undefined) throw new TableError('ING-TABLE-LOG', `${name} has no log any more`)
  return snapshot
}

/** Commits whose files cannot be read are found by halves; the others are read together. */
async function readCommits(versions: readonly bigint[], from: Reading): Promise<void> {
  const { asked, io, read } = from
  try {
    const events = asked.changes === 'all' ? await changeEvents(versions, io) : await insertEvents(versions, io)
    read.groups.push(await groupOf(versions, events, from))
  } catch (error) {
    if (!(error instanceof TableError)) throw error
    if (versions.length === 1) {
      read.failed.push(...versions.map((version) => ({ version, error })))
      return
    }
    const middle = Math.ceil(versions.length / 2)
    await readCommits(versions.slice(0, middle), from)
    await readCommits(versions.slice(middle), from)
  }
}

/** Files that the commits add, in the shape of `changeEvents`. */
async function insertEvents(versions: readonly bigint[], io: FilesIo): Promise<Sql> {
  const { blobs, session } = io
  const name = id(partOfQueries(io, 'source_events', 'table'))
  const paths = await blobs.fetch(versions.map(commitPath))
  await reading(blobs, () =>
    session.run(sql`create temp table ${name} as select version, 'insert' as kind, "add".path as path, "add"."partitionValues" as "values",
      "add".size as size, "add"."deletionVector" as hidden, ${NO_VECTOR} as shown
      from ${commitRows(paths, ['add'])} where "add".path is not null and coalesce("add"."dataChange", true)`),
  )
  return name
}

async function groupOf(versions: readonly bigint[], events: Sql, { state, asked, io }: Omit<Reading, 'read'>): Promise<Group> {
  const located = await locatedEvents(events, state.metadata.partitionColumns.length > 0, io)
  const times = new Map((await commitTimes(state.metadata, io, versions)).map(({ version, atMs }) => [version, atMs]))
  const withChanges = asked.changes === 'all'
  const rows = await commitRowsOf({ versions, times, ...located, state, withChanges, isOrdered: asked.isOrdered }, io)
  const columns = columnsOf(state.fields).map(({ name, type }) => ({ name, type }))
  return {
    versions,
    columns: withChanges ? [...columns, ...CHANGE_COLUMNS] : columns,
    properties: state.metadata.configuration,
    isSifted: located.deleted !== null,
    rows: rows.rows,
  }
}

/** Null, of the type of a deletion vector. */
const NO_VECTOR = raw('case when false then "add"."deletionVector" end')

/** Columns that tell of a change, behind those of the table. */
const CHANGE_COLUMNS: readonly Column[] = [
  { name: CHANGE_TYPE, type: 'VARCHAR' },
  { name: '_commit_version', type: 'BIGINT' },
  { name: '_commit_timestamp', type: 'TIMESTAMP WITH TIME ZONE' },
]
