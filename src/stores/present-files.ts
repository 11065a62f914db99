import { integerOf, textOf } from '../delta/decode.ts'
import { decodeDescriptor, vectorFile } from '../delta/deletion-vectors/descriptor.ts'
import type { TableLog } from '../delta/table-log.ts'
import { literal, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { isInside, relativePath } from './data-paths.ts'

/** How many missing files a message names. */
const SHOWN = 10

/** A file that a commit is about to name, relative to the table's root. */
interface NamedFile {
  readonly path: string
  /** Bytes; null where the log does not tell. */
  readonly size: bigint | null
}

/** Refuses to bring back files, relation of (path, dv, `add`), that are not in the table's folder any more: vacuumed, or deleted by hand. */
export async function checkPresent(files: Sql, log: TableLog, version: bigint): Promise<void> {
  const wanted = [...(await dataFiles(files, log)), ...(await vectorFiles(files, log))]
  const missing = await missingOf(wanted, log)
  const [first] = missing
  if (first === undefined) return
  const shown = missing.slice(0, SHOWN).join(', ')
  const more = missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : ''
  throw new TableError('ING-TABLE-RESTORE', `${log.name}: version ${version} needs files that are gone: ${shown}${more}`, {
    hint: 'they were vacuumed or deleted: choose a later version, or put them back',
    context: { missing: missing.length },
  })
}

async function missingOf(wanted: readonly NamedFile[], { blobs }: TableLog): Promise<readonly string[]> {
  const missing: string[] = []
  for (const [folder, files] of byFolder(wanted)) {
    const present = new Map((await blobs.list(folder)).map((entry) => [entry.path, entry.size]))
    for (const { path, size } of files) {
      const found = present.get(path)
      if (found === undefined || (size !== null && found !== size)) missing.push(path)
    }
  }
  return missing.sort()
}

function byFolder(files: readonly NamedFile[]): ReadonlyMap<string, readonly NamedFile[]> {
  const folders = new Map<string, NamedFile[]>()
  for (const file of files) {
    const folder = file.path.slice(0, Math.max(0, file.path.lastIndexOf('/')))
    const known = folders.get(folder)
    if (known) known.push(file)
    else folders.set(folder, [file])
  }
  return folders
}

/** What lies outside the folder of the table is refused. */
async function dataFiles(files: Sql, log: TableLog): Promise<readonly NamedFile[]> {
  const inner = relativePath(raw('path'), log.blobs)
  const rows = await log.session.rows(sql`select distinct ${inner} as path, "add".size as size from ${files}`)
  return rows.map((row) => {
    const path = textOf(row['path']) ?? ''
    if (!isInside(path)) throw outside(path, log)
    return { path, size: integerOf(row['size']) }
  })
}

/** One file may hold the vectors of many data files. */
async function vectorFiles(files: Sql, log: TableLog): Promise<readonly NamedFile[]> {
  const vectors = await log.session.rows(
    sql`select distinct on (v."storageType", v."pathOrInlineDv") v from (select "add"."deletionVector" as v from ${files}) where v."storageType" <> ${literal('i')}`,
  )
  return vectors.flatMap((row) => {
    const vector = decodeDescriptor(row['v'])
    if (vector === undefined) return []
    const path = vectorFile(vector, log.blobs.root)
    if (path === undefined) throw outside(vector.pathOrInlineDv, log)
    return [{ path, size: null }]
  })
}

function outside(path: string, { name }: TableLog): TableError {
  return new TableError('ING-TABLE-DATA-FILE', `${name}: the data file ${path} lies outside the folder of the table`, {
    hint: 'copy the table with its data files (a deep clone)',
  })
}
