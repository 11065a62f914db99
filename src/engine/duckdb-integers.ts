import { BIGINT, type DuckDBBigIntVector, type DuckDBConnection, DuckDBDataChunk, type DuckDBResult } from '@duckdb/node-api'
import type { IntegerColumn } from './engine.ts'

/** Rows of a chunk of the engine. */
const CHUNK = 2048

/** Appends rows of BIGINT columns to a temporary table, without a statement for each. */
export async function appendIntegers(
  connection: DuckDBConnection,
  table: string,
  batches: AsyncIterable<readonly IntegerColumn[]> | Iterable<readonly IntegerColumn[]>,
): Promise<void> {
  const appender = await connection.createAppender(table, 'main', 'temp')
  let packer: Packer | undefined
  try {
    for await (const columns of batches) {
      packer ??= new Packer(columns.length, (chunk) => appender.appendDataChunk(chunk))
      packer.add(columns)
    }
    packer?.finish()
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
}

/** Fills one chunk again and again: batches may be far smaller than a chunk, and each chunk costs a call. */
class Packer {
  readonly #chunk: DuckDBDataChunk
  readonly #vectors: readonly DuckDBBigIntVector[]
  readonly #append: (chunk: DuckDBDataChunk) => void
  /** The single value that a whole column holds already. */
  readonly #same: (bigint | undefined)[]
  #rows = 0

  constructor(columns: number, append: (chunk: DuckDBDataChunk) => void) {
    this.#chunk = DuckDBDataChunk.create(
      Array.from({ length: columns }, () => BIGINT),
      CHUNK,
    )
    // Every column was made a BIGINT.
    this.#vectors = Array.from({ length: columns }, (_, index) => this.#chunk.getColumnVector(index) as DuckDBBigIntVector)
    this.#same = this.#vectors.map(() => undefined)
    this.#append = append
  }

  add(columns: readonly IntegerColumn[]): void {
    const rows = columns.reduce((most, column) => (typeof column === 'bigint' ? most : column.length), 0)
    for (let start = 0; start < rows; ) {
      const count = Math.min(CHUNK - this.#rows, rows - start)
      columns.forEach((column, index) => {
        this.#fill(index, column, start, count)
      })
      this.#rows += count
      start += count
      if (this.#rows === CHUNK) this.#flush()
    }
  }

  finish(): void {
    if (this.#rows > 0) this.#flush()
  }

  #fill(index: number, column: IntegerColumn, start: number, count: number): void {
    const vector = this.#vectors[index]
    if (vector === undefined) return
    if (typeof column !== 'bigint') {
      this.#same[index] = undefined
      for (let row = 0; row < count; row += 1) vector.setItem(this.#rows + row, column[start + row] ?? null)
      return
    }
    if (this.#same[index] === column) return
    for (let row = 0; row < count; row += 1) vector.setItem(this.#rows + row, column)
    this.#same[index] = count === CHUNK ? column : undefined
  }

  #flush(): void {
    this.#chunk.rowCount = this.#rows
    for (const vector of this.#vectors) vector.flush()
    this.#append(this.#chunk)
    this.#rows = 0
  }
}

/** The chunks of a result whose columns are all BIGINT and never null. */
export async function* integerChunks(result: DuckDBResult): AsyncIterable<readonly BigInt64Array[]> {
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    yield Array.from({ length: chunk.columnCount }, (_, index) => {
      // The caller asked for BIGINT alone.
      const vector = chunk.getColumnVector(index) as DuckDBBigIntVector
      // The array that lies over the chunk: by its accessor each value would become a bigint.
      return vector['items'].slice()
    })
  }
}
