import { describe, expect, test } from 'vitest'
import { Project, type TableCase } from './project.ts'
import { type Reader, type ReaderName, readerOr } from './readers.ts'

const WRITERS: readonly ReaderName[] = ['delta-rs', 'spark', 'spark4']
const PASS = (id: number) => ({ [`${id}.parquet`]: { sql: row(id) } })
const row = (id: number): string =>
  `SELECT ${id}::BIGINT AS id, 'n${id}' AS name, TIMESTAMPTZ '2024-01-01 00:00:00.123456+00' AS "at", ${id}.50::DECIMAL(9,2) AS price`
const rows = (...ids: readonly number[]): string => ids.map(row).join(' UNION ALL ')

const APPENDED: TableCase = {
  name: 'shared',
  what: 'a table that two writers append to',
  config: { file_format: 'parquet', delta: { checkpoint_interval: 2 } },
  passes: [PASS(1)],
  expected: () => rows(1, 2, 3, 4),
}

describe.each(WRITERS)('beside %s', (name) => {
  test('both append to a table that ingestd made, and no row is lost', async (context) => {
    const { duckdb, writer } = await readersOr(context.skip, name)
    await using project = await Project.create(APPENDED, duckdb)
    await project.load(PASS(1))
    await writer.append(project.table, row(2))
    await project.load(PASS(3))
    await writer.append(project.table, row(4))
    const wanted = await duckdb.query(rows(1, 2, 3, 4))
    expect(await writer.read(project.table)).toEqual(wanted)
    expect(await duckdb.read(project.table)).toEqual(wanted)
    expect(await project.query('SELECT count(*)::INT, sum(id)::INT FROM lake.shared')).toEqual([[4, 10]])
  })

  test('ingestd appends to a table that the other made', async (context) => {
    const { duckdb, writer } = await readersOr(context.skip, name)
    await using project = await Project.create(APPENDED, duckdb)
    await writer.create(project.table, rows(1, 2), [])
    await project.load(PASS(3))
    expect(await writer.read(project.table)).toEqual(await duckdb.query(rows(1, 2, 3)))
    expect(await project.query('SELECT name, price, "at" FROM lake.shared ORDER BY id')).toEqual(
      [1, 2, 3].map((id) => [`n${id}`, `${id}.50`, expect.stringMatching(/^2024-01-01[T ]00:00:00\.123456/)]),
    )
  })

  test('ingestd appends to a partitioned table that the other made', async (context) => {
    const { duckdb, writer } = await readersOr(context.skip, name)
    const partitioned = { ...APPENDED, config: { ...APPENDED.config, partition_columns: ['name'] } }
    await using project = await Project.create(partitioned, duckdb)
    await writer.create(project.table, rows(1, 2), ['name'])
    await project.load(PASS(3))
    await project.load(PASS(2))
    expect(await writer.read(project.table)).toEqual(await duckdb.query(rows(1, 2, 2, 3)))
  })
})

async function readersOr(skip: (reason: string) => never, name: ReaderName): Promise<{ readonly duckdb: Reader; readonly writer: Reader }> {
  return { duckdb: await readerOr(skip, 'duckdb'), writer: await readerOr(skip, name) }
}
