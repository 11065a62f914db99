import type { Blobs } from '../../blobs/blobs.ts'
import type { IntegerColumn, Session } from '../../engine/engine.ts'
import { id, pathList, type Sql, sql } from '../../engine/sql.ts'
import { TableError } from '../../errors/errors.ts'
import { damageIn } from '../damage.ts'
import { integerOf, textOf } from '../decode.ts'
import { partOfQueries } from '../query-parts.ts'
import { BitmapDamage, positionsOf } from './bitmap.ts'
import { bitmapIn } from './container.ts'
import { absoluteFile, type DeletionVector, decodeDescriptor, vectorFile } from './descriptor.ts'
import { decodeZ85 } from './z85.ts'

/** Where deletion vectors are read, and for whom. */
export interface VectorIo {
  /** `database.table`, for messages. */
  readonly name: string
  readonly blobs: Blobs
  readonly session: Session
}

/** Vectors of which the log's words are held at a time. */
const PAGE = 4096

/**
 * A relation (path VARCHAR as logged, row BIGINT) of the rows that the vectors of some active files delete; null where
 * none of them has one. It lives as long as the queries over the table. TableError for a vector that is missing or damaged.
 */
export async function deletedRows(files: Sql, io: VectorIo): Promise<Sql | null> {
  const { session } = io
  const marked = sql`from ${files} where "add"."deletionVector"."storageType" is not null`
  const [counted] = await session.rows(sql`select count(*) as vectors ${marked}`)
  const count = integerOf(counted?.['vectors']) ?? 0n
  if (count === 0n) return null
  const vectors = id(partOfQueries(io, 'delta_vectors', 'table'))
  await session.run(sql`create temp table ${vectors} as select
    row_number() over (order by "add"."deletionVector"."pathOrInlineDv", "add"."deletionVector"."offset") as n,
    path, "add"."deletionVector" as vector ${marked}`)
  const name = partOfQueries(io, 'delta_deleted', 'table')
  await session.run(sql`create temp table ${id(name)} (n bigint, "row" bigint)`)
  const reader = new VectorReader(io)
  for (let first = 1n; first <= count; first += BigInt(PAGE)) {
    const page = await session.rows(
      sql`select n, path, vector from ${vectors} where n between ${first} and ${first + BigInt(PAGE) - 1n} order by n`,
    )
    await session.appendIntegers(name, positionsOfPage(page, reader))
  }
  return sql`(select v.path, d."row" from ${id(name)} as d join ${vectors} as v using (n))`
}

async function* positionsOfPage(
  page: readonly Readonly<Record<string, unknown>>[],
  reader: VectorReader,
): AsyncIterable<readonly IntegerColumn[]> {
  for (const row of page) {
    const path = textOf(row['path']) ?? ''
    const vector = decodeDescriptor(row['vector'])
    if (vector === undefined) throw reader.damaged(path, 'the log does not say which it is')
    const n = integerOf(row['n']) ?? 0n
    for await (const positions of reader.positions(path, vector)) yield [n, positions]
  }
}

class VectorReader {
  readonly #io: VectorIo
  /** The file that was read last: writers put many vectors into one, and they are read in order. */
  #last: { readonly path: string; readonly content: Uint8Array } | undefined

  constructor(io: VectorIo) {
    this.#io = io
  }

  /** All that a vector deletes, a part at a time; an error at the end where they are not as many as the log says. */
  async *positions(dataFile: string, vector: DeletionVector): AsyncIterable<BigInt64Array> {
    let count = 0
    try {
      for (const positions of positionsOf(await this.#bitmap(vector))) {
        count += positions.length
        yield positions
      }
      if (BigInt(count) !== vector.cardinality) throw new BitmapDamage(`it deletes ${count} rows, the log says ${vector.cardinality}`)
    } catch (error) {
      if (error instanceof BitmapDamage) throw this.damaged(dataFile, error.message, error)
      throw error
    }
  }

  damaged(dataFile: string, problem: string, cause?: unknown): TableError {
    return new TableError('ING-TABLE-DATA-FILE', `${this.#io.name}: the deletion vector of ${dataFile} cannot be read: ${problem}`, {
      hint: 'restore the deletion vector file, or the table to a version before it',
      cause,
    })
  }

  async #bitmap(vector: DeletionVector): Promise<Uint8Array> {
    if (vector.storageType === 'i') {
      const bytes = decodeZ85(vector.pathOrInlineDv)
      if (bytes === undefined || bytes.length < vector.sizeInBytes) throw new BitmapDamage('its text in the log is damaged')
      return bytes.subarray(0, vector.sizeInBytes)
    }
    const { blobs } = this.#io
    const path = vectorFile(vector, blobs.root)
    const outside = path === undefined && blobs.isLocal ? absoluteFile(vector) : undefined
    if (path !== undefined) return this.#inFile(path, vector, () => blobs.read(path))
    if (outside !== undefined) return this.#inFile(outside, vector, () => this.#readOutside(outside))
    throw new BitmapDamage(`the log names no file: ${vector.pathOrInlineDv}`)
  }

  async #inFile(path: string, vector: DeletionVector, read: () => Promise<Uint8Array | undefined>): Promise<Uint8Array> {
    if (this.#last?.path !== path) {
      const content = await read()
      if (content === undefined) throw new BitmapDamage(`the file ${path} is missing`)
      this.#last = { path, content }
    }
    try {
      return bitmapIn(this.#last.content, vector)
    } catch (error) {
      throw error instanceof BitmapDamage ? new BitmapDamage(`the file ${path} is damaged: ${error.message}`) : error
    }
  }
  /** Shallow clones name the vectors of another table on this machine. */
  async #readOutside(path: string): Promise<Uint8Array | undefined> {
    const [row] = await this.#io.session.rows(sql`select content from read_blob(${pathList([path])})`).catch((error: unknown) => {
      if (damageIn(error) === undefined) throw error
      return []
    })
    return row?.['content'] instanceof Uint8Array ? row['content'] : undefined
  }
}
