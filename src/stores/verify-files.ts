import { damageIn } from '../delta/damage.ts'
import { integerOf, textOf } from '../delta/decode.ts'
import { deletedRows } from '../delta/deletion-vectors/read.ts'
import { globSafe, id, literalList, pathList, type Sql, sql } from '../engine/sql.ts'
import { IngestError } from '../errors/errors.ts'
import type { DamageFound } from '../model/verification.ts'
import { type FilesIo, locatedFiles } from './data-files.ts'

export interface VerifiedFiles {
  readonly found: readonly DamageFound[]
  readonly dataFiles: number
  readonly rows: bigint
}

interface DataFile {
  /** Absolute. */
  readonly file: string
  /** As the log has it. */
  readonly path: string
  readonly size: bigint | null
  /** As the statistics in the log say; null where they do not. */
  readonly rows: bigint | null
}

/** Footers that are read by one statement. */
const PAGE = 1000

/** Whether the data files are there, as long as the log says, with the rows that it counts, and with deletion vectors that can be read. */
export async function verifyFiles(files: Sql, io: FilesIo): Promise<VerifiedFiles> {
  const known = await filesOfLog(files, io)
  const { present, found } = await presentOf(known, io)
  const counted = await Promise.all([footersOf(present, io)])
  const rows = new Map(counted.flatMap((one) => [...one.rows]))
  const differing = present.flatMap((file) => {
    const inFile = rows.get(file.file)
    if (inFile === undefined || file.rows === null || inFile === file.rows) return []
    const detail = `it has ${inFile} rows, the log says ${file.rows}`
    return [{ damage: 'data_file_rows', file: file.path, version: null, detail } as const]
  })
  return {
    found: [...found, ...counted.flatMap((one) => one.found), ...differing, ...(await verifyVectors(files, io))],
    dataFiles: known.length,
    rows: [...rows.values()].reduce((sum, one) => sum + one, 0n),
  }
}

async function filesOfLog(files: Sql, io: FilesIo): Promise<readonly DataFile[]> {
  const records = sql`(select path, any_value(try_cast(json_extract_string("add".stats, '$.numRecords') as bigint)) as records from ${files} group by path)`
  const rows = await io.session.rows(sql`select l.file, l.path, any_value(l.size) as size, any_value(r.records) as records
    from (${await locatedFiles(files, io)}) as l join ${records} as r using (path) group by l.file, l.path order by l.path`)
  return rows.map((row) => ({
    file: textOf(row['file']) ?? '',
    path: textOf(row['path']) ?? '',
    size: integerOf(row['size']),
    rows: integerOf(row['records']),
  }))
}

async function presentOf(known: readonly DataFile[], io: FilesIo) {
  const sizes = await (io.blobs.isLocal ? sizesOnDisk(known, io) : sizesInStore(known, io))
  const found: DamageFound[] = []
  const present: DataFile[] = []
  for (const file of known) {
    const size = sizes.get(file.file)
    const about = { file: file.path, version: null }
    if (size === undefined) found.push({ ...about, damage: 'data_file_missing', detail: 'the data file is missing' })
    else if (size !== file.size)
      found.push({ ...about, damage: 'data_file_size', detail: `it has ${size} bytes, the log says ${file.size}` })
    else present.push(file)
  }
  return { present, found }
}

function foldersOf(known: readonly DataFile[]): ReadonlySet<string> {
  return new Set(known.map(({ file }) => file.slice(0, file.lastIndexOf('/'))))
}

async function sizesInStore(known: readonly DataFile[], { blobs }: FilesIo): Promise<ReadonlyMap<string, bigint | null>> {
  const root = blobs.localPath('')
  const sizes = new Map<string, bigint | null>()
  for (const folder of foldersOf(known))
    for (const { path, size } of await blobs.list(folder.slice(root.length + 1))) sizes.set(`${root}/${path}`, size)
  return sizes
}

async function sizesOnDisk(known: readonly DataFile[], { session }: FilesIo): Promise<ReadonlyMap<string, bigint | null>> {
  const sizes = new Map<string, bigint | null>()
  for (const folder of foldersOf(known)) {
    const pattern = sql`${globSafe(sql`${folder}`)} || '/*'`
    // A folder without a file is an error to the reader of content, not to the listing.
    const listed = await session.rows(sql`select file from glob(${pattern})`)
    if (listed.length === 0) continue
    const found = await session.rows(sql`select filename, size from read_blob(${pathList(listed.map(({ file }) => String(file)))})`)
    for (const row of found) sizes.set(String(row['filename']), integerOf(row['size']))
  }
  return sizes
}

async function footersOf(files: readonly DataFile[], io: FilesIo) {
  const rows = new Map<string, bigint>()
  const found: DamageFound[] = []
  for (let start = 0; start < files.length; start += PAGE) {
    const page = files.slice(start, start + PAGE)
    const problem = await readFooters(page, rows, io)
    if (problem === undefined) continue
    // One damaged file fails them all: each is asked for itself.
    for (const file of page) {
      const damage = await readFooters([file], rows, io)
      if (damage !== undefined) found.push({ damage: 'data_file_damaged', file: file.path, version: null, detail: damage })
    }
  }
  return { rows, found }
}

async function readFooters(
  files: readonly DataFile[],
  rows: Map<string, bigint>,
  { blobs, session }: FilesIo,
): Promise<string | undefined> {
  try {
    if (!blobs.isLocal)
      await blobs.fetch(
        files.map(({ file }) => file.slice(blobs.localPath('').length + 1)),
        files.map(({ size }) => size),
      )
    const paths = literalList(files.map(({ file }) => file.replaceAll(/[[*?]/g, '[$&]')))
    const found = await session.rows(sql`select file_name, num_rows from parquet_file_metadata(${paths})`)
    for (const row of found) rows.set(String(row['file_name']), integerOf(row['num_rows']) ?? 0n)
    return undefined
  } catch (error) {
    const damage = damageIn(error)
    if (damage === undefined) throw error
    return `it cannot be read: ${damage}`
  }
}

/** All at once, and one by one where that fails. */
async function verifyVectors(files: Sql, io: FilesIo): Promise<readonly DamageFound[]> {
  if ((await vectorDamage(files, io)) === undefined) return []
  const name = id(io.session.temporaryName('verified_vector'))
  const paths = await io.session.rows(sql`select path, dv from ${files} where dv <> '' order by path`)
  const found: DamageFound[] = []
  for (const { path, dv } of paths) {
    await io.session.run(
      sql`create or replace temp table ${name} as select * from ${files} where path = ${String(path)} and dv = ${String(dv)}`,
    )
    const detail = await vectorDamage(name, io)
    if (detail !== undefined) found.push({ damage: 'deletion_vector', file: String(path), version: null, detail })
  }
  await io.session.run(sql`drop table if exists ${name}`)
  return found
}

async function vectorDamage(files: Sql, io: FilesIo): Promise<string | undefined> {
  try {
    await deletedRows(files, io)
    return undefined
  } catch (error) {
    if (error instanceof IngestError && error.code === 'ING-TABLE-DATA-FILE') return error.message
    throw error
  }
}
