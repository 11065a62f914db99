import { afterAll, expect, test } from 'vitest'
import { Project } from './project.ts'
import { type Filter, reader, readerOr, withOneSpark } from './readers.ts'

const NAMES = withOneSpark(['duckdb', 'delta-rs', 'arrow', 'spark', 'spark4'], 'spark')
const ROWS = 260_000

/** Large enough for row groups that a merge copies as bytes; values of each page encoding, nulls and nested ones. */
const rows = (name: string, where: string) => `SELECT i AS id, ${name} AS name, i % 7 AS few, if(i % 3 = 0, NULL, i / 8) AS number,
  TIMESTAMPTZ '2024-01-01 00:00:00Z' + INTERVAL 1 SECOND * i AS seen_at, {'a': i % 5, 'b': [i % 2, NULL]} AS nested
  FROM range(${ROWS + 10}) AS t(i) WHERE ${where}`

const filters: readonly Filter[] = [
  { column: 'id', type: 'bigint', op: 'not null' },
  { column: 'number', type: 'double', op: 'null' },
  ...['0', '500', '501', '130000', '259999', '260003'].map((value) => ({ column: 'id', type: 'bigint', op: '=', value }) as const),
  { column: 'name', type: 'string', op: '=', value: 'changed 500' },
  { column: 'few', type: 'bigint', op: '<=', value: '0' },
  { column: 'id', type: 'bigint', op: '>', value: '200000' },
]

const COUNTS = [ROWS + 10 - 2, 86_669, 1, 1, 0, 1, 1, 1, 1, 37_144, 60_009]

let project: Promise<Project> | undefined

function loaded(): Promise<Project> {
  project ??= made()
  return project
}

async function made(): Promise<Project> {
  const config = { file_format: 'parquet', loading_strategy: 'merge', primary_keys: ['id'], sequence_by: 'seen_at', delete_when: 'few < 0' }
  const table = await Project.create({ name: 'spliced', config: { ...config, delta: { optimize: 'off' } } }, await reader('duckdb'))
  await table.load({ '1.parquet': { sql: rows('md5(i::VARCHAR)', `i < ${ROWS}`) } })
  const later = `SELECT * REPLACE (seen_at + INTERVAL 1 YEAR AS seen_at, if(id IN (501, 700), -1, few) AS few)
    FROM (${rows("'changed ' || i", `i BETWEEN 400 AND 1000 OR i >= ${ROWS}`)})`
  await table.load({ '2.parquet': { sql: later } })
  return table
}

afterAll(async () => (await project)?.[Symbol.asyncDispose]())

test.for(NAMES)(
  '%s reads a table whose row groups were copied, and finds by filters what a look at every row finds',
  async (name, { skip }) => {
    const other = await readerOr(skip, name)
    const { table } = await loaded()
    // pyarrow's datasets take no SQL.
    if (name === 'arrow') {
      expect(await other.size(table)).toBe(COUNTS[0])
      return
    }
    const { counts, expected } = await other.count(table, filters)
    expect(counts).toEqual(expected)
    expect(counts).toEqual(COUNTS)
  },
)
