import { basename, dirname, join } from 'node:path'
import { localBlobs } from '../blobs/local.ts'
import { openSession } from '../engine/duckdb.ts'
import { inlined, sql } from '../engine/sql.ts'

/** Memory for a sample, in bytes. */
const MEMORY = 256 * 1024 ** 2

/** Names that no lister takes: the folder may be a landing one. */
const SPILL = '._spill'
const STAGED = '._sample.tmp'

/** Writes price lists as Parquet files, each a full snapshot of `products` rows whose prices are above those before. */
export async function writePriceLists(files: readonly string[], products: number): Promise<void> {
  const [first] = files
  if (first === undefined) return
  const blobs = localBlobs(dirname(first))
  await blobs.createFolder('')
  {
    await using session = await openSession({ memoryBytes: MEMORY, threads: 1, temporaryFolder: join(blobs.root, SPILL) })
    for (const [index, file] of files.entries()) {
      const rows = sql`
        select i as product_id, 'product ' || i as name, (9.99 + i + ${index})::DECIMAL(10, 2) as price,
          date '2024-01-01' + to_months(${index}::INTEGER) as valid_from
        from range(1, ${products + 1}) t(i)`
      await session.run(inlined(sql`copy (${rows}) to ${blobs.localPath(STAGED)} (format parquet)`))
      await blobs.publish([{ from: STAGED, to: basename(file) }])
    }
  }
  await blobs.removeFolder(SPILL)
}
