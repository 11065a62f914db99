import type { Session } from '../engine/engine.ts'
import { id, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { type AddFile, actionLine, decodeMetadata } from './actions.ts'
import { reading } from './damage.ts'
import { integerOf } from './decode.ts'
import { changeFeedIsOn } from './features.ts'
import { commitPath } from './log-names.ts'
import { commitRows } from './log-sql.ts'
import { partOfQueries } from './query-parts.ts'
import type { LogState } from './snapshot.ts'
import type { TableLog } from './table-log.ts'

/** The column of change files that says what happened to a row. */
export const CHANGE_TYPE = '_change_type'
export const CHANGE_TYPES = ['insert', 'update_preimage', 'update_postimage', 'delete'] as const

/** Where change files lie. */
export const CHANGE_FOLDER = '_change_data'

/** A line of `cdc`: a file that holds changes of the version, and no rows of the table. */
export function changeLine({ path, partitionValues, size }: Pick<AddFile, 'path' | 'partitionValues' | 'size'>): string {
  return actionLine('cdc', { path, partitionValues, size, dataChange: false })
}

/** Where the log is read, and for whom. */
type LogIo = Pick<TableLog, 'name' | 'blobs'> & { readonly session: Session }

/** TableError unless the table kept its changes at the first of some versions, whose state is given, and at all after it. */
export async function checkFeed(first: LogState, versions: readonly bigint[], io: LogIo): Promise<void> {
  const { name, blobs, session } = io
  if (!changeFeedIsOn(first.metadata.configuration)) throw unfed(name, first.version)
  const paths = await blobs.fetch(versions.map(commitPath))
  const rows = await reading(blobs, () =>
    session.rows(sql`select version, "metaData" from ${commitRows(paths, ['metaData'])} where "metaData".id is not null order by version`),
  )
  const without = rows.find((row) => !changeFeedIsOn(decodeMetadata(row['metaData'])?.configuration ?? {}))
  if (without) throw unfed(name, integerOf(without['version']) ?? first.version)
}

function unfed(name: string, version: bigint): TableError {
  return new TableError('ING-TABLE-CHANGE-FEED', `${name} kept no change feed at version ${version}`, {
    hint: 'set `delta: {change_data_feed: true}`: changes are kept from the next load on; ask for versions after it',
  })
}

/**
 * What versions did to files, as a temporary table: version, kind ('cdc', 'insert', 'delete'), path, "values", size, and
 * two deletion vectors: rows that `hidden` has are left out, and where `shown` is not null only rows that it has count. A
 * version with change files is told by them alone; a file that stays with another vector changed by their difference. It lives
 * as long as queries over the table.
 */
export async function changeEvents(versions: readonly bigint[], io: LogIo): Promise<Sql> {
  const { blobs, session } = io
  const name = id(partOfQueries(io, 'delta_events', 'table'))
  const paths = await blobs.fetch(versions.map(commitPath))
  const log = commitRows(paths, ['add', 'remove', 'cdc'])
  await reading(blobs, () =>
    session.run(sql`create temp table ${name} as
      with told as (select version, "add" as a, "remove" as r, cdc as c from ${log}),
      fed as (select distinct version from told where c.path is not null),
      added as (select version, a.path as path, a from told where a.path is not null and coalesce(a."dataChange", true) and version not in (select version from fed)),
      gone as (select version, r.path as path, r from told where r.path is not null and coalesce(r."dataChange", true) and version not in (select version from fed)),
      touched as (select x.version, x.path, x.a, y.r from added as x left join gone as y using (version, path)
        union all select y.version, y.path, null, y.r from gone as y anti join added as x using (version, path))
      select version, 'cdc' as kind, c.path as path, c."partitionValues" as "values", c.size as size,
        null as hidden, null as shown from told where c.path is not null
      union all select version, 'insert', path, a."partitionValues", a.size, a."deletionVector", r."deletionVector" from touched where a is not null
        and (r is null or r."deletionVector"."storageType" is not null)
      union all select version, 'delete', path, coalesce(a."partitionValues", r."partitionValues"), coalesce(a.size, r.size), r."deletionVector", a."deletionVector" from touched
        where r is not null and (a is null or a."deletionVector"."storageType" is not null)`),
  )
  return name
}
