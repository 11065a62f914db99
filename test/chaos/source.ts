import { readFileSync, rmSync } from 'node:fs'
import { query } from '../support/engine.ts'
import type { PlacedProject } from '../support/places.ts'

/** Repeatable: a failure names the seed. */
export function* random(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31
  }
}

const KEYS = 500

export const TABLES = ['orders', 'events', 'points', 'customers'] as const
export type Table = (typeof TABLES)[number]

/** Tables of three formats and two strategies; every row has a number of its own. */
export const CONFIG = {
  max_parallel_jobs: 2,
  http: { port: 0 },
  // Nothing is given up: what is left to do at the end is a fault, not a file that was killed too often.
  retry_attempts: 1000,
  retry_backoff: { base_seconds: 0.2, factor: 1, max_seconds: 0.2 },
  tables: [
    { table_name: 'orders', source_path_pattern: 'orders/*.csv', file_format: 'csv' },
    { table_name: 'events', source_path_pattern: 'events/*.ndjson', file_format: 'ndjson' },
    { table_name: 'points', source_path_pattern: 'points/*.parquet', file_format: 'parquet' },
    {
      ...{ table_name: 'customers', source_path_pattern: 'customers/*.csv', file_format: 'csv' },
      ...{ loading_strategy: 'merge', primary_keys: ['id'], sequence_by: ['seq'] },
    },
  ].map((table) => ({
    ...table,
    max_files_per_batch: 10,
    watch: { settle_seconds: 0 },
    delta: { checkpoint_interval: 5 },
  })),
}

/** Files that stream into a project, each moved there when it is whole; it knows what the tables hold in the end. */
export class Source {
  readonly #made: PlacedProject
  readonly #numbers: Generator<number, never>
  /** Files and rows of each table. */
  readonly files: Record<Table, number> = { orders: 0, events: 0, points: 0, customers: 0 }
  rows: Record<Table, number> = { orders: 0, events: 0, points: 0, customers: 0 }
  /** The newest row of each key. */
  readonly customers = new Map<number, number>()
  #row = 0

  constructor(made: PlacedProject, numbers: Generator<number, never>) {
    this.#made = made
    this.#numbers = numbers
  }

  async land(): Promise<void> {
    const table = TABLES[Math.floor(this.#numbers.next().value * TABLES.length)] ?? 'orders'
    const count = 1 + Math.floor(this.#numbers.next().value * 50)
    const ids = Array.from({ length: count }, () => this.#row++)
    const name = `${table}/part-${String(this.files[table]).padStart(6, '0')}`
    if (table === 'points') await this.#parquet(name, ids)
    else if (table === 'events')
      await this.#made.deliver(`${name}.ndjson`, ids.map((id) => `${JSON.stringify({ id, name: `event ${id}` })}\n`).join(''))
    else if (table === 'orders') await this.#made.deliver(`${name}.csv`, `id,amount\n${ids.map((id) => `${id},${id / 4}\n`).join('')}`)
    else await this.#made.deliver(`${name}.csv`, `id,seq\n${ids.map((seq) => `${this.#customer(seq)},${seq}\n`).join('')}`)
    this.files[table] += 1
    this.rows[table] += count
  }

  #customer(seq: number): number {
    const id = Math.floor(this.#numbers.next().value * KEYS)
    this.customers.set(id, seq)
    return id
  }

  async #parquet(name: string, ids: readonly number[]): Promise<void> {
    const file = this.#made.path('points.parquet')
    const rows = ids.map((id) => `(${id}, ${id} / 8)`).join(', ')
    await query(`copy (select * from (values ${rows}) as rows(id, x)) to '${file}' (format parquet)`)
    await this.#made.deliver(`${name}.parquet`, readFileSync(file))
    rmSync(file)
  }

  /** A file that is taken for what it is not: nothing may come of it but a failure of its own. */
  async landBroken(): Promise<void> {
    await this.#made.deliver('points/broken.parquet', 'no parquet')
  }
}
