import { cp } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type Fixture, type FixtureName, fixture, fixtureNames, unpackFixtures } from './fixtures.ts'
import { unreadable } from './known-faults.ts'
import { Project } from './project.ts'
import { type Reader, type ReaderName, reader, readerOr, type TableRows, withOneSpark } from './readers.ts'

const READERS: readonly ReaderName[] = ['duckdb', 'delta-rs', 'spark', 'spark4']
const names = fixtureNames()

test.skipIf(names.length > 0)('fixtures are listed', async (context) => {
  await readerOr(context.skip, 'duckdb')
  expect(names).not.toEqual([])
})

test.runIf(names.length > 0)('the archive of fixtures is of this fixtures.py', () => {
  expect(unpackFixtures(), 'fixtures.py, or a version in setup, changed: run test/interop/make-fixtures').toBe(true)
})

describe.concurrent.each(names)('$name of $writer', (name) => {
  test('is read with the rows that its writer reads', async ({ skip, expect }) => {
    const { project, made } = await copyOf(name, skip)
    await using _ = project
    if (made.refused.read !== undefined) return await expect(project.rows()).rejects.toThrow(refusal(made.refused.read))
    expect(await project.rows()).toEqual(rowsOf(made))
  })

  test('is read at every version that its writer reads', async ({ skip, expect }) => {
    const { project, made } = await copyOf(name, skip)
    await using _ = project
    if (made.refused.read !== undefined) return skip(`its versions need ${made.refused.read}, which is refused by name`)
    for (const [version, rows] of Object.entries(made.versions))
      expect.soft(await project.rowsAt(Number(version)), `at ${version}`).toEqual(rows)
  })

  if (name.feed) {
    test('tells its changes as its writer does', async ({ skip, expect }) => {
      const { project, made } = await copyOf(name, skip)
      await using _ = project
      if (made.changes === undefined) throw new Error('the fixture has no changes')
      const last = Math.max(...Object.keys(made.versions).map(Number))
      const feed = `table_changes('lake.foreign', ${made.changes.from}, ${last})`
      const { rows } = await project.rows(`SELECT * EXCLUDE (_commit_timestamp) FROM ${feed}`)
      expect(rows).toEqual(made.changes.rows)
    })
  }

  test('is loaded, and every reader sees its rows and ours', async ({ skip, expect }) => {
    const { project, made, duckdb } = await copyOf(name, skip)
    await using _ = project
    const refused = made.refused.read ?? made.refused.write
    if (refused !== undefined) return await expect(project.load({ 'ours.parquet': { sql: made.append } })).rejects.toThrow(refusal(refused))
    await project.load({ 'ours.parquet': { sql: made.append } })
    const wanted = withRows(made, await duckdb.query(made.append))
    expect(await project.rows()).toEqual(wanted)
    const others = await readersOf(name, skip)
    const seen = await Promise.all(others.map((other) => other.read(project.table)))
    for (const [index, rows] of seen.entries()) expect(rows, others[index]?.name).toEqual(wanted)
  })
})

/** A project whose one table is a copy of the fixture. */
async function copyOf(name: FixtureName, skip: (reason: string) => never) {
  const duckdb = await readerOr(skip, 'duckdb')
  await readerOr(skip, name.writer)
  const made = await fixture(name)
  const config = { file_format: 'parquet', partition_columns: made.partitions, delta: { checkpoint_interval: 2 } }
  const project = await Project.create({ name: 'foreign', config }, duckdb)
  await cp(made.table, project.table, { recursive: true })
  return { project, made, duckdb }
}

async function readersOf({ name, writer }: FixtureName, skip: (reason: string) => never): Promise<readonly Reader[]> {
  const others = withOneSpark(READERS, writer === 'spark4' ? 'spark4' : 'spark').filter((other) => !unreadable(other, name))
  for (const other of others) await readerOr(skip, other)
  return Promise.all(others.map(reader))
}

function rowsOf({ names, rows }: TableRows): TableRows {
  return { names, rows }
}

/** Rows of the table and added ones, whose missing columns are null. */
function withRows(table: Fixture, added: TableRows): TableRows {
  const filled = added.rows.map((text) => {
    const row = JSON.parse(text) as Record<string, unknown>
    return pythonJson(Object.fromEntries([...table.names].sort().map((column) => [column, row[column] ?? null])))
  })
  return { names: table.names, rows: [...table.rows, ...filled].sort(byCodePoints) }
}

/** JSON as Python writes it, with a space after each comma and colon. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${pythonJson(entry)}`)
  return `{${entries.join(', ')}}`
}

/** Python sorts texts by code points, which UTF-8 keeps and UTF-16 does not. */
function byCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function refusal(feature: string): RegExp {
  return new RegExp(`ING-TABLE-FEATURE .*'${feature}'|the Delta feature '${feature}'`)
}
