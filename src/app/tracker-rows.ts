import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ResolvedConfig } from '../config/config.ts'
import { literal, literalList, raw, type Sql, sql, join as sqlJoin } from '../engine/sql.ts'
import type { Column } from '../model/schema.ts'
import type { BatchRow, Tracker } from '../tracker/tracker.ts'
import { spoolOf } from './places.ts'

/** Characters that are written at once. */
const BLOCK = 256 * 1024
const BATCH_PAGE = 1000

/** A folder for rows of the tracker on their way to the engine; it goes with the work. */
export async function inSpool<T>(config: ResolvedConfig, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(spoolOf(config), { recursive: true })
  const folder = await mkdtemp(join(spoolOf(config), 'tracker-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Writes rows as lines of JSON, whatever their number; how many there were. */
export async function stageRows(file: string, rows: AsyncIterable<object>): Promise<number> {
  let count = 0
  async function* blocks() {
    let block = ''
    for await (const row of rows) {
      count += 1
      block += `${wellFormed(JSON.stringify(row))}\n`
      if (block.length < BLOCK) continue
      yield block
      block = ''
    }
    yield block
  }
  await pipeline(Readable.from(blocks()), createWriteStream(file, { flags: 'wx' }))
  return count
}

/** Halves of characters, which a message that was cut may end in, are written as escapes that the engine refuses. */
function wellFormed(json: string): string {
  return json.includes('\\ud') ? json.replaceAll(/((?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '$1\ufffd') : json
}

/** The query of such a file. */
export function stagedRows(file: string, columns: readonly Column[]): Sql {
  const types = columns.map(({ name, type }) => sql`${literal(name)}: ${literal(type)}`)
  return sql`select * from read_json(${literalList([file])}, format = 'newline_delimited', compression = 'uncompressed',
    maximum_object_size = ${raw(String(64 * 1024 ** 2))}, columns = {${sqlJoin(types)}})`
}

/** The batches of tables, the newest of each first, in pages. */
export async function* batchRows(tracker: Tracker, tables: readonly string[]): AsyncGenerator<BatchRow, void, undefined> {
  for (const table of tables) {
    let below: number | undefined
    for (;;) {
      const page = await tracker.batches(table, BATCH_PAGE, below)
      yield* page
      if (page.length < BATCH_PAGE) break
      below = page.at(-1)?.batch_number
    }
  }
}
