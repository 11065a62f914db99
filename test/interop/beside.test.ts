import { join } from 'node:path'
import { describe, type ExpectStatic, test } from 'vitest'
import { History } from './history.ts'
import { canRead, createStatement, FEATURES, isPartitioned, landedIn, STRATEGIES } from './matrix.ts'
import { Project } from './project.ts'
import { ALL_SPARKS, type Change, type Reader, type ReaderName, reader, readerOr, type TableRows, withOneSpark } from './readers.ts'

const READERS: readonly ReaderName[] = ['duckdb', 'delta-rs', 'spark', 'spark4']

/** Who changes which tables; delta-rs 1.6.6 refuses to write what has deletion vectors, mapped columns or in-commit timestamps. */
const WRITERS = [
  // A table with a change feed is a plain one beside it.
  { writer: 'delta-rs', features: ['partitioned', 'change_feed'] },
  { writer: 'spark', features: ['deletion_vectors', 'change_feed', ...(ALL_SPARKS ? ['mapped_by_id', 'everything'] : [])] },
  { writer: 'spark4', features: ['everything', ...(ALL_SPARKS ? ['plain'] : [])] },
] as const

const UPSERT = { loading_strategy: join(import.meta.dirname, 'upsert.mjs') }

type Step =
  /** A pass loaded by ingestd. */
  { readonly load: number; readonly upserts?: true } | { readonly change: Change }

/** Each change by the other meets files of both, and each load meets what the other left. */
const STEPS: readonly Step[] = [
  { load: 0 },
  { change: { kind: 'update', set: { grp: "'moved'" }, where: 'id % 5 = 1' } },
  { load: 1 },
  { change: { kind: 'delete', where: "id % 4 = 0 OR grp = 'p1'" } },
  { load: 2, upserts: true },
  { change: { kind: 'merge', key: 'id', rows: `SELECT * FROM (${landedIn(3)}) WHERE id > 20` } },
  { change: { kind: 'checkpoint' } },
  { load: 3, upserts: true },
  { change: { kind: 'optimize' } },
  { load: 4 },
]

describe.concurrent.each(WRITERS)('beside $writer', ({ writer, features }) => {
  test.for(FEATURES.filter(({ name }) => (features as readonly string[]).includes(name)))(
    'a table $name keeps every row at every version, also after a vacuum',
    async (feature, { skip, expect }) => {
      const readers = withOneSpark(READERS, writer === 'spark' ? 'spark' : 'spark4')
      for (const name of readers) await readerOr(skip, name)
      const duckdb = await reader('duckdb')
      const partitions = feature.partitioned ? { partition_columns: ['grp'] } : {}
      await using project = await Project.create(
        { name: 't', config: { file_format: 'parquet', ...partitions, ...feature.config } },
        duckdb,
      )
      const other = await reader(writer)
      const others = await Promise.all(readers.filter((name) => canRead(name, APPEND, feature)).map(reader))
      if (feature.made !== undefined) await other.run(createStatement(project.table, feature.made, isPartitioned(APPEND, feature)))
      const model = `model_${writer.replace('-', '_')}_${feature.name}`
      const history = await taken(project, other, model)
      await history.compare(others, expect)
      if (feature.name === 'change_feed') await compareChanges(project, history.version, expect)

      await other.change(project.table, { kind: 'vacuum' })
      await project.load({ '5.parquet': { sql: landedIn(5) } })
      const wanted = await modelAfter({ load: 5 }, model)
      for (const one of others) expect.soft(await one.read(project.table), `${one.name} after the vacuum`).toEqual(wanted)
      expect(await project.rows()).toEqual(wanted)
    },
  )
})

const APPEND = STRATEGIES[0] as (typeof STRATEGIES)[number]

async function taken(project: Project, other: Reader, model: string): Promise<History> {
  const duckdb = await reader('duckdb')
  await duckdb.run(`CREATE TABLE ${model} AS SELECT * FROM (${landedIn(0)}) LIMIT 0`)
  const history = new History(project)
  await history.note(await duckdb.query(`SELECT * FROM ${model}`))
  for (const step of STEPS) {
    if ('load' in step) await project.load({ [`${step.load}.parquet`]: { sql: landedIn(step.load) } }, step.upserts ? UPSERT : {})
    else await other.change(project.table, step.change)
    await history.note(await modelAfter(step, model))
  }
  return history
}

/** The same step on a table of DuckDB, which holds what every reader must see. */
async function modelAfter(step: Step, model: string): Promise<TableRows> {
  const duckdb = await reader('duckdb')
  for (const statement of 'load' in step ? modelOfLoad(step.load, step.upserts === true, model) : modelOfChange(step.change, model)) {
    await duckdb.run(statement)
  }
  return duckdb.query(`SELECT * FROM ${model}`)
}

function modelOfLoad(pass: number, upserts: boolean, model: string): readonly string[] {
  const rows = `(${landedIn(pass)})`
  if (!upserts) return [`INSERT INTO ${model} SELECT * FROM ${rows}`]
  return [`DELETE FROM ${model} WHERE id IN (SELECT id FROM ${rows})`, `INSERT INTO ${model} SELECT * FROM ${rows} WHERE amount >= 0`]
}

function modelOfChange(change: Change, model: string): readonly string[] {
  switch (change.kind) {
    case 'update': {
      const assignments = Object.entries(change.set).map(([column, value]) => `"${column}" = ${value}`)
      return [`UPDATE ${model} SET ${assignments.join(', ')} WHERE ${change.where}`]
    }
    case 'delete':
      return [`DELETE FROM ${model} WHERE ${change.where}`]
    case 'merge': {
      const { key, rows } = change
      return [
        `CREATE OR REPLACE TABLE ${model} AS SELECT m.* FROM ${model} m ANTI JOIN (${rows}) r USING (${key})
          UNION ALL SELECT r.* FROM ${model} m JOIN (${rows}) r USING (${key}) UNION ALL SELECT r.* FROM (${rows}) r ANTI JOIN ${model} m USING (${key})`,
      ]
    }
    case 'optimize':
    case 'checkpoint':
    case 'vacuum':
      return []
  }
}

/** Our change feed, with commits of both, as Spark and delta-rs tell it. */
async function compareChanges(project: Project, last: number, expect: ExpectStatic): Promise<void> {
  const feed = `SELECT * EXCLUDE (_commit_timestamp) FROM table_changes('lake.t', 0, ${last})`
  const { rows } = await project.rows(feed)
  for (const name of ['spark', 'delta-rs'] as const) {
    const seen = await (await reader(name)).changes(project.table, 0)
    expect.soft(rows, `changes by ${name}`).toEqual(seen.rows)
  }
}
