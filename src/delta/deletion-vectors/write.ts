import type { Session } from '../../engine/engine.ts'
import { type Sql, sql } from '../../engine/sql.ts'
import { BitmapWriter } from './bitmap.ts'
import { fileOf } from './container.ts'
import { type DeletionVector, encodedUuid, fileName } from './descriptor.ts'

/** A file of deletion vectors, and what the log says of each; by the number that their rows were given under. */
export interface VectorFile {
  /** Relative to the table's root. */
  readonly path: string
  readonly content: Uint8Array
  readonly vectors: ReadonlyMap<bigint, DeletionVector>
}

/**
 * The vectors of a relation (n BIGINT, row BIGINT): one for each `n`, all in one file. The rows pass as they are packed,
 * so what is held is the bitmaps alone.
 */
export async function packedVectors(rows: Sql, uuid: string, session: Session): Promise<VectorFile> {
  const bitmaps = new Map<bigint, { readonly bitmap: Uint8Array; readonly cardinality: bigint }>()
  let current: bigint | undefined
  let writer = new BitmapWriter()
  const close = () => {
    if (current !== undefined) bitmaps.set(current, { bitmap: writer.finish(), cardinality: writer.cardinality })
    writer = new BitmapWriter()
  }
  for await (const [ns, positions] of session.integers(sql`select n, "row" from ${rows} order by n, "row"`)) {
    if (ns === undefined || positions === undefined) continue
    for (let start = 0; start < ns.length; ) {
      const n = ns[start]
      const end = ns.at(-1) === n ? ns.length : endOf(ns, start)
      if (n !== current) close()
      current = n
      writer.add(positions.subarray(start, end))
      start = end
    }
  }
  close()
  return packed(bitmaps, uuid)
}

/** Where another number follows. */
function endOf(ns: BigInt64Array, start: number): number {
  let end = start + 1
  while (end < ns.length && ns[end] === ns[start]) end += 1
  return end
}

function packed(bitmaps: ReadonlyMap<bigint, { readonly bitmap: Uint8Array; readonly cardinality: bigint }>, uuid: string): VectorFile {
  const { content, offsets } = fileOf([...bitmaps.values()].map(({ bitmap }) => bitmap))
  const vectors = [...bitmaps].map(([n, { bitmap, cardinality }], index) => {
    const vector: DeletionVector = {
      storageType: 'u',
      pathOrInlineDv: encodedUuid(uuid),
      offset: offsets[index] ?? null,
      sizeInBytes: bitmap.length,
      cardinality,
    }
    return [n, vector] as const
  })
  return { path: fileName(uuid), content, vectors: new Map(vectors) }
}
