import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { BOUNDARY_COLUMNS, filtersOf, STRING_COLUMNS } from './boundaries.ts'
import { AWKWARD, HISTORY_CASES, PARTITION_CASES, VALUE_CASES } from './cases.ts'
import { known } from './known-faults.ts'
import { Project, type TableCase } from './project.ts'
import { ALL_SPARKS, type Filter, type Reader, type ReaderName, reader, readerOr, type TableRows } from './readers.ts'

const NAMES: readonly ReaderName[] = ['duckdb', 'delta-rs', 'arrow', 'spark', 'spark4']

const FILTERS: Readonly<Record<string, readonly Filter[]>> = {
  boundaries: filtersOf(BOUNDARY_COLUMNS),
  strings: filtersOf(STRING_COLUMNS),
  awkward_partitions: filtersOf([{ name: 'part', duckdb: 'VARCHAR', type: 'string', passes: [AWKWARD] }]),
  typed_partitions: filtersOf([
    { name: 'i', duckdb: '', type: 'bigint', passes: [['-9223372036854775808', '9007199254740993', '0']] },
    { name: 'd', duckdb: '', type: 'date', passes: [['1582-10-04', '9999-12-31', '2024-02-29']] },
    { name: 'n', duckdb: '', type: 'decimal(9,2)', passes: [['1.50', '0.00', '9999999.99']] },
    { name: 'b', duckdb: '', type: 'boolean', passes: [['true', 'false']] },
    { name: 'f', duckdb: '', type: 'double', passes: [['1.5', 'Infinity', '1e-7']] },
    {
      name: 'at',
      duckdb: '',
      type: 'timestamp',
      passes: [['2024-01-02T03:04:05.123456Z', '1969-12-31T23:59:59Z', '2024-01-02T00:00:00Z']],
    },
  ]),
}

for (const tableCase of [...VALUE_CASES, ...PARTITION_CASES, ...HISTORY_CASES]) {
  describe.concurrent(`table ${tableCase.name}: ${tableCase.what}`, () => {
    const table = loaded(tableCase)
    for (const name of NAMES) if (tableCase.unreadable?.[name] === undefined) rowTests(tableCase, name, table)
    // pyarrow's datasets take no SQL.
    for (const name of NAMES) if (name !== 'arrow') filterTests(tableCase, name, table)
  })
}

function rowTests(tableCase: TableCase, name: ReaderName, table: () => Promise<Loaded>): void {
  // A checkpoint with what came before it is what lies between the two below: Spark takes a second for it.
  if (name !== 'spark' || ALL_SPARKS || tableCase.checkpoint === false)
    test(`${name} reads the rows of the landing files`, async (context) => {
      const reader = await readerOr(context.skip, name)
      const { project, rows } = await table()
      expect(await reader.read(project.table)).toEqual(rows)
    })
  // Two Sparks read checkpoints alike; `every-version` has some for both.
  if (tableCase.checkpoint === false || name === 'spark4') return

  test(`${name} reads them from the checkpoint when the older log is gone`, async (context) => {
    const reader = await readerOr(context.skip, name)
    const { project, rows } = await table()
    expect(await reader.read(await project.fromCheckpoint())).toEqual(rows)
  })

  test(`${name} reads them from the log without a checkpoint`, async (context) => {
    const reader = await readerOr(context.skip, name)
    const { project, rows } = await table()
    expect(await reader.read(await project.fromJson())).toEqual(rows)
  })
}

/** Types whose bounds are not their order: cut texts, NaN, two zeros. */
const LOOSE: readonly string[] = ['double', 'float', 'string']

/**
 * Spark takes a fifth of a second for a filter: it is asked those that lose rows first, and elsewhere what the others leave to prove.
 * Equality with the least and the greatest value of each file finds a bound that is wrong; order says more where bounds are loose, and
 * nothing where the values are those of partitions.
 */
function asks(name: ReaderName, { op, type }: Filter, inPartitions: boolean): boolean {
  if (ALL_SPARKS && name.startsWith('spark')) return op === '=' || op.endsWith('null') || (name === 'spark' && op.endsWith('='))
  const isLoose = LOOSE.includes(type) && !inPartitions
  if (name === 'spark4') return op === '=' && isLoose && type !== 'string'
  if (name === 'spark') return op === '=' || (isLoose && (op.endsWith('=') || op.endsWith('null')))
  return true
}

/** What is asked of copies of a table: their statistics are others, and comparisons rest on them alike. */
function asksAgain({ op, type }: Filter, inPartitions: boolean): boolean {
  return op === '=' || op.endsWith('null') || (LOOSE.includes(type) && !inPartitions && op.endsWith('='))
}

function filterTests(tableCase: TableCase, name: ReaderName, table: () => Promise<Loaded>): void {
  const filters = FILTERS[tableCase.name]
  const inPartitions = tableCase.name.endsWith('_partitions')
  const asked = filters?.filter((filter) => asks(name, filter, inPartitions)) ?? []
  const again = asked.filter((filter) => asksAgain(filter, inPartitions))
  if (asked.length === 0) return

  test(`${name} finds by filters what a look at every row finds`, async (context) => {
    const reader = await readerOr(context.skip, name)
    const { project } = await table()
    expect(await misses(reader, project.table, asked)).toEqual([])
  })
  // The kernel proves it for each value; Spark, which takes a minute for it, where all are asked.
  if (name === 'spark4' || (name === 'spark' && !ALL_SPARKS)) return

  test(`${name} finds the same when some rows are deleted by vectors`, async (context) => {
    const reader = await readerOr(context.skip, name)
    const spark = await readerOr(context.skip, 'spark')
    const { project } = await table()
    const deleted = name === 'spark' ? asked.filter(({ op }) => op === '=') : again
    // One of the first rows of a file and one of the last, so that a bound is no longer a value.
    expect(await misses(reader, await project.withVectors(spark, 'id IN (0, 101, 200, 2, 4)'), deleted)).toEqual([])
  })
  if (name === 'spark') return

  test(`${name} finds the same after the files were put together`, async (context) => {
    const reader = await readerOr(context.skip, name)
    const { project } = await table()
    expect(await misses(reader, await project.optimized(), again)).toEqual([])
  })

  test(`${name} finds the same by the statistics of the checkpoint`, async (context) => {
    const reader = await readerOr(context.skip, name)
    const { project } = await table()
    expect(await misses(reader, await project.fromCheckpoint(), again)).toEqual([])
  })
}

const CONTROL: TableCase = {
  name: 'control',
  what: 'one column',
  config: { file_format: 'csv' },
  passes: [{ '1.csv': { text: 'id\n1\n5\n' } }],
  expected: () => 'SELECT * FROM (VALUES (1::BIGINT), (5)) AS t(id)',
}

describe('control: the filters above do rest on the statistics', () => {
  const table = loaded(CONTROL)

  test.for(NAMES.filter((name) => name !== 'arrow'))('a bound that is too low by one hides a row from %s', async (name, context) => {
    const reader = await readerOr(context.skip, name)
    const { project } = await table()
    const copy = await project.fromJson()
    const commit = join(copy, '_delta_log', '00000000000000000000.json')
    const text = await readFile(commit, 'utf8')
    await writeFile(
      commit,
      text.replace(/(maxValues\\":\{\\"id\\":)5/, (_, before: string) => `${before}4`),
    )
    const filters: Filter[] = [{ column: 'id', type: 'bigint', op: '=', value: '5' }]
    expect(await reader.count(copy, filters)).toEqual({ counts: [0], expected: [1] })
  })
})

interface Loaded {
  readonly project: Project
  /** What every reader has to see. */
  readonly rows: TableRows
}

/** Loads the table once for all its tests, when the first of them asks. */
function loaded(tableCase: TableCase): () => Promise<Loaded> {
  let project: Project | undefined
  let result: Promise<Loaded> | undefined
  afterAll(() => project?.[Symbol.asyncDispose]())
  const load = async (): Promise<Loaded> => {
    const duckdb = await reader('duckdb')
    project = await Project.create(tableCase, duckdb)
    await project.loadAll(tableCase.passes)
    return { project, rows: await duckdb.query(tableCase.expected(project.landing)) }
  }
  return () => {
    result ??= load()
    return result
  }
}

/** Filters whose count is not what a look at every row says, but for faults of the reader itself. */
async function misses(reader: Reader, table: string, filters: readonly Filter[]): Promise<readonly string[]> {
  const { counts, expected } = await reader.count(table, filters)
  return filters.flatMap((filter, index) => {
    if (counts[index] === expected[index] || known(reader.name, filter)) return []
    const text = `${filter.column} ${filter.op} ${filter.value ?? ''} (${filter.type})`
    return [`${text}: found ${counts[index]} of ${expected[index]}`]
  })
}
