import { CHANGE_TYPE, changeEvents, checkFeed } from '../delta/change-data.ts'
import { deletedRows } from '../delta/deletion-vectors/read.ts'
import { partOfQueries } from '../delta/query-parts.ts'
import { type LogState, Snapshot } from '../delta/snapshot.ts'
import { type CommitTime, commitTimes } from '../delta/version-at.ts'
import type { Session } from '../engine/engine.ts'
import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { Keeps } from './cleaning.ts'
import { type Position, rowsOfLocalFiles } from './current.ts'
import { checkDataFiles, type FilesIo, fetchedPaths, locatedFiles } from './data-files.ts'
import type { StoreDeps } from './deps.ts'
import { CHANGE_FIELD } from './staging.ts'
import type { ChangeRange, TableVersionAt } from './store.ts'
import { checkKeepsVersions, noVersionYet } from './table-version.ts'

const PLACE: Position = { file: '__ingestd_file', row: '__ingestd_row' }

/** The columns that stand behind those of the table. */
const VERSION = '_commit_version'
const TIME = '_commit_timestamp'

/** No column of the table bears it. */
const COMMIT = '__ingestd_commit'

/**
 * A query of what versions changed: the table's columns as the last of them has them, `_change_type`, `_commit_version` and
 * `_commit_timestamp`. It lives as long as the session. TableError: a version that is not to be had, or that kept no changes.
 */
export async function changedRows(
  table: TableConfig,
  session: Session,
  range: ChangeRange,
  { deps, keeps }: { readonly deps: StoreDeps; readonly keeps: Keeps },
): Promise<Sql> {
  checkKeepsVersions(table, keeps)
  const io = { name: table.name, blobs: await deps.blobs(table.targetPath), session, isOlder: true as const }
  const times = await rangeTimes(range, io)
  const [from, to] = [times[0]?.version ?? 0n, times.at(-1)?.version ?? 0n]
  const first = await stateOf(io, { version: from })
  const state = to === from ? first : await stateOf(io, { version: to })
  const versions = times.map(({ version }) => version)
  await checkFeed(first, versions, io)
  const events = await changeEvents(versions, io)
  const rows = await locatedEvents(events, state.metadata.partitionColumns.length > 0, io)
  const columns = state.fields.map(({ name }) => id(name))
  const told = await fedRows({ ...state, fields: [...state.fields, CHANGE_FIELD] }, rows, columns, io)
  const derived = await fileRows(state, rows, columns, io)
  const stamps = sql`(values ${join(times.map(({ version, atMs }) => sql`(${raw(String(version))}::bigint, make_timestamptz(${raw(String(Math.trunc(atMs)))}::bigint * 1000))`))}) as t(${id(COMMIT)}, moment)`
  return sql`select ${join([...columns, id(CHANGE_TYPE)])}, c.${id(COMMIT)} as ${id(VERSION)}, t.moment as ${id(TIME)}
    from (${told} union all ${derived}) as c join ${stamps} using (${id(COMMIT)})`
}

/** The current one without `at`. */
async function stateOf({ name, blobs, session }: FilesIo, at?: TableVersionAt): Promise<LogState> {
  const snapshot = await Snapshot.open(name, blobs, session, { gate: 'read', ...(at === undefined ? {} : { at }) })
  if (snapshot === undefined) throw noVersionYet(name)
  const { state } = snapshot
  await snapshot.close()
  return state
}

/** The versions of a range with their times; every commit of it must still be in the log. */
async function rangeTimes({ from, to }: ChangeRange, io: FilesIo): Promise<readonly CommitTime[]> {
  const { version: last, metadata } = await stateOf(io)
  const times = await commitTimes(metadata, io)
  const lowest = boundOf(from, times, 'from')
  const highest = to === undefined ? last : boundOf(to, times, 'to')
  const wanted = times.filter(({ version }) => version >= lowest && version <= highest)
  const oldest = times[0]?.version ?? last
  if (lowest > highest || lowest < oldest || highest > last || BigInt(wanted.length) !== highest - lowest + 1n) {
    throw new TableError('ING-TABLE-VERSION', `${io.name}: changes of the versions ${lowest} to ${highest} are not to be had`, {
      hint: `the log has the versions ${oldest} to ${last}; both ends of the range are included`,
    })
  }
  return wanted
}

/** A time stands for the first version that was made then or later, or for the last one until then. */
function boundOf(point: TableVersionAt, times: readonly CommitTime[], end: 'from' | 'to'): bigint {
  if ('version' in point) return point.version
  const found =
    end === 'from' ? times.find(({ atMs }) => atMs >= point.timestampMs) : times.findLast(({ atMs }) => atMs <= point.timestampMs)
  if (found) return found.version
  return end === 'from' ? (times.at(-1)?.version ?? 0n) + 1n : (times[0]?.version ?? 0n) - 1n
}

/** The events with the file of each on this machine, and names for their deletion vectors; they live as long as queries over the table. */
export async function locatedEvents(
  events: Sql,
  partitioned: boolean,
  io: FilesIo,
): Promise<{ readonly events: Sql; readonly deleted: Sql | null }> {
  const { session } = io
  const files = sql`(select distinct path, '' as dv, {'size': size, 'partitionValues': "values"} as "add" from ${events})`
  const located = await locatedFiles(files, io)
  const variable = await fetchedPaths(located, io)
  if (variable !== undefined) await checkDataFiles(located, variable, io)
  const [bare] = await session.rows(sql`select path, version from ${events} where "values" is null order by version limit 1`)
  if (bare && partitioned) {
    throw new TableError(
      'ING-TABLE-LOG',
      `${io.name}: version ${String(bare['version'])} does not say of which partition ${String(bare['path'])} is`,
    )
  }
  // One file may have several vectors, each of its own version.
  const hidden = sql`case when hidden."storageType" is not null then 'left out of ' || path || ' by version ' || version || ' (' || kind || ')' end`
  const shown = sql`case when shown."storageType" is not null then 'looked up for ' || path || ' by version ' || version || ' (' || kind || ')' end`
  const name = id(partOfQueries(io, 'delta_events', 'table'))
  await session.run(sql`create temp table ${name} as select e.*, ${hidden} as without, ${shown} as within, f.file
    from (select version, kind, path, "values", size, hidden::${VECTOR} as hidden, shown::${VECTOR} as shown from ${events}) as e
    join (select distinct path, file from (${located})) as f using (path)`)
  const vectors = sql`(select without as path, {'deletionVector': hidden} as "add" from ${name} where without is not null
    union all select within, {'deletionVector': shown} from ${name} where within is not null)`
  return { events: name, deleted: await deletedRows(vectors, io) }
}

const VECTOR = raw('STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR, "offset" INTEGER, "sizeInBytes" INTEGER, "cardinality" BIGINT)')

/** Changes that versions tell themselves. */
async function fedRows(state: LogState, { events }: { readonly events: Sql }, columns: readonly Sql[], io: FilesIo): Promise<Sql> {
  const files = sql`(select distinct on (file) file, "values" from ${events} where kind = 'cdc')`
  const rows = await rowsOfLocalFiles(state, files, io, PLACE)
  return sql`select ${join(columns.map((column) => sql`r.${column}`))}, r.${id(CHANGE_TYPE)}, e.version as ${id(COMMIT)}
    from (${rows}) as r join ${events} as e on e.file = r.${id(PLACE.file)} and e.kind = 'cdc'`
}

/** Changes that the files of a version tell, which came and went as a whole, or with their deletion vectors. */
async function fileRows(
  state: LogState,
  { events, deleted }: { readonly events: Sql; readonly deleted: Sql | null },
  columns: readonly Sql[],
  io: FilesIo,
): Promise<Sql> {
  const files = sql`(select distinct on (file) file, "values" from ${events} where kind <> 'cdc')`
  const rows = await rowsOfLocalFiles(state, files, io, PLACE)
  const isIn = (label: Sql) =>
    deleted === null ? raw('false') : sql`exists (select 1 from ${deleted} as d where d.path = ${label} and d."row" = r.${id(PLACE.row)})`
  return sql`select ${join(columns.map((column) => sql`r.${column}`))}, e.kind as ${id(CHANGE_TYPE)}, e.version as ${id(COMMIT)}
    from (${rows}) as r join ${events} as e on e.file = r.${id(PLACE.file)} and e.kind <> 'cdc'
    where (e.without is null or not ${isIn(raw('e.without'))}) and (e.within is null or ${isIn(raw('e.within'))})`
}
