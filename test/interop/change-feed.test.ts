import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fixture, fixtureNames } from './fixtures.ts'
import { landedIn, PASSES } from './matrix.ts'
import { Project } from './project.ts'
import { type ReaderName, reader, readerOr, type TableRows } from './readers.ts'

const READERS: readonly ReaderName[] = ['delta-rs', 'spark', 'spark4']

/** As other readers show a feed: without the times, which are those of their own clocks. */
const feedOf = (table: string, from: number): string => `SELECT * EXCLUDE (_commit_timestamp) FROM table_changes('lake.${table}', ${from})`

/** Some readers put partition columns last. */
const inOrder = ({ names, rows }: TableRows): TableRows => ({ names: [...names].sort(), rows })

describe('our change feed', () => {
  const cases = [
    { name: 'rewritten', config: { delta: { change_data_feed: true } } },
    { name: 'vectors', config: { delta: { change_data_feed: true, deletion_vectors: true } } },
    { name: 'partitioned', config: { delta: { change_data_feed: true }, partition_columns: ['grp'] } },
    { name: 'partitioned_vectors', config: { delta: { change_data_feed: true, deletion_vectors: true }, partition_columns: ['grp'] } },
    { name: 'partitioned_by_numbers', config: { delta: { change_data_feed: true }, partition_columns: ['amount'] } },
  ]
  test.for(cases)('of a table $name is the same for every reader', async ({ name, config }, { skip }) => {
    // delta-rs takes paths of a feed as they stand in the log, escapes and all, so it finds no file of `c/d`.
    const readers = READERS.filter((other) => other !== 'delta-rs' || config.partition_columns?.[0] !== 'grp')
    for (const other of readers) await readerOr(skip, other)
    const strategy = { file_format: 'parquet', loading_strategy: join(import.meta.dirname, 'upsert.mjs') }
    await using project = await Project.create({ name, config: { ...strategy, ...config } }, await reader('duckdb'))
    for (let pass = 0; pass < PASSES; pass += 1) await project.load({ [`${pass}.parquet`]: { sql: landedIn(pass) } })
    const ours = await project.rows(feedOf(name, 0))
    expect(ours.rows.filter((row) => row.includes('"delete"')).length).toBeGreaterThan(10)
    const others = await Promise.all(readers.map(async (other) => (await reader(other)).changes(project.table, 0)))
    for (const [index, other] of others.entries()) expect.soft(inOrder(other), readers[index]).toEqual(inOrder(ours))
  })
})

describe('the change feed of others', () => {
  const fed = fixtureNames().filter(({ name }) => name.includes('change_feed'))
  test.runIf(fed.length > 0).for(fed)('$writer $name is read as its writer reads it', async (name, { skip }) => {
    await readerOr(skip, name.writer)
    const { table, changes } = await fixture(name)
    if (changes === undefined) throw new Error(`${name.name} tells no changes`)
    await using project = await Project.create({ name: 't', config: { target_path: table, file_format: 'csv' } }, await reader('duckdb'))
    const { rows, names } = await project.rows(feedOf('t', changes.from))
    expect({ names, rows }).toEqual({ names: changes.names, rows: changes.rows })
  })
})
