import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { pathList, type Sql, sql } from '../engine/sql.ts'
import { parseType } from '../model/type-text.ts'
import { damaged } from './damage.ts'
import { integerOf, isRecord, textOf } from './decode.ts'
import type { Checkpoint } from './listing.ts'
import { SIDECAR_FOLDER } from './log-names.ts'
import { fieldsOf, jsonActions, type RowShape } from './log-sql.ts'
import { decodePath } from './uri.ts'

/** Rows of actions that have the same columns. */
export interface ActionRows {
  readonly rows: Sql
  readonly shape: RowShape
}

/** A checkpoint of any kind, ready to be read. */
export interface OpenCheckpoint {
  /** What has the actions that name no file. */
  readonly control: readonly ActionRows[]
  /** What has the actions of files: the checkpoint itself, or its sidecars, or both. */
  readonly files: readonly ActionRows[]
}

/** TableError for a checkpoint of which a sidecar is missing or not the one that it names. */
export async function openCheckpoint(checkpoint: Checkpoint, blobs: Blobs, session: Session): Promise<OpenCheckpoint> {
  const control = await topRows(checkpoint, blobs, session)
  const sidecars: string[] = []
  for (const { rows } of control.filter(({ shape }) => shape.has('sidecar'))) sidecars.push(...(await sidecarsIn(rows, blobs, session)))
  const files = [...control, ...(await parquetRows(sidecars, session))].filter(({ shape }) => shape.has('add') || shape.has('remove'))
  return { control, files }
}

async function topRows({ paths }: Checkpoint, blobs: Blobs, session: Session): Promise<readonly ActionRows[]> {
  const local = await blobs.fetch(paths)
  return paths.every((path) => path.endsWith('.json')) ? [jsonActions(local)] : parquetRows(local, session)
}

/** Writers may give each part other columns, so parts are put together by what they have. */
async function parquetRows(localPaths: readonly string[], session: Session): Promise<readonly ActionRows[]> {
  const byType = new Map<string, { paths: string[]; shape: RowShape }>()
  for (const path of localPaths) {
    const columns = await session.rows(sql`describe select * from ${parquet([path])}`)
    const types = columns.map((column) => [String(column['column_name']), String(column['column_type'])] as const)
    const key = JSON.stringify(types)
    const known = byType.get(key) ?? { paths: [], shape: new Map(types.map(([name, type]) => [name, fieldsOf(parseType(type))])) }
    known.paths.push(path)
    byType.set(key, known)
  }
  return [...byType.values()].map(({ paths, shape }) => ({ rows: parquet(paths), shape }))
}

/** Local paths of the sidecars, each of the size that the checkpoint tells. */
async function sidecarsIn(rows: Sql, blobs: Blobs, session: Session): Promise<readonly string[]> {
  const named = await session.rows(sql`select sidecar from ${rows} where sidecar.path is not null`)
  if (named.length === 0) return []
  const listed = new Map((await blobs.list(SIDECAR_FOLDER)).map((entry) => [entry.path, entry.size]))
  const paths = named.map(({ sidecar }) => {
    const logged = isRecord(sidecar) ? sidecar : {}
    // Writers may log the name alone or the whole path; the files are always in the one folder.
    const path = `${SIDECAR_FOLDER}/${decodePath((textOf(logged['path']) ?? '').split('/').at(-1) ?? '')}`
    const size = listed.get(path)
    if (size === undefined) throw damaged(blobs, `the checkpoint needs ${path}, which is missing`)
    const expected = integerOf(logged['sizeInBytes'])
    if (expected !== null && expected !== size) throw damaged(blobs, `${path} has ${size} bytes, the checkpoint says ${expected}`)
    return path
  })
  return blobs.fetch(paths)
}

function parquet(localPaths: readonly string[]): Sql {
  return sql`read_parquet(${pathList(localPaths)}, hive_partitioning = false)`
}
