import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COLUMNS, canRead, FEATURES, type FeatureCase, isPartitioned, landedIn, PASSES, STRATEGIES, type StrategyCase } from './matrix.ts'
import { Project } from './project.ts'
import { type Reader, type ReaderName, reader, readerOr, type TableRows } from './readers.ts'

const READERS: readonly ReaderName[] = ['duckdb', 'delta-rs', 'spark', 'spark4']

describe.each(STRATEGIES)('$name', (strategy) => {
  test.for(FEATURES)('of a table $name has the same rows for every reader at every version', async (feature, { skip }) => {
    for (const name of READERS) await readerOr(skip, name)
    await using project = await Project.create({ name: 't', config: configOf(strategy, feature) }, await reader('duckdb'))
    const history = await loaded(project, strategy, feature)
    const others = await Promise.all(READERS.filter((name) => canRead(name, strategy, feature)).map(reader))
    await Promise.all(others.map((other) => compare(other, project.table, history)))
    for (const { version, wanted } of history) expect.soft(await project.rowsAt(version), `ingestd at ${version}`).toEqual(wanted)
  })
})

/** Rows that a version must have. */
interface Version {
  readonly version: number
  readonly wanted: TableRows
}

function configOf(strategy: StrategyCase, feature: FeatureCase): Readonly<Record<string, unknown>> {
  const partitions = feature.partitioned ? { partition_columns: ['grp'] } : {}
  return { file_format: 'parquet', ...partitions, ...feature.config, ...strategy.config }
}

/** Loads every pass; a version in between has the rows of the pass before it. */
async function loaded(project: Project, strategy: StrategyCase, feature: FeatureCase): Promise<readonly Version[]> {
  const duckdb = await reader('duckdb')
  const partitions = isPartitioned(strategy, feature) ? ' PARTITIONED BY (grp)' : ''
  if (feature.made !== undefined) await (await reader('spark')).run(createStatement(project.table, feature.made, partitions))
  const history: Version[] = []
  let wanted = await duckdb.query(`${landed(1)} SELECT * EXCLUDE (n) FROM landed WHERE false`)
  const note = async (): Promise<void> => {
    for (const version of (await versionsOf(project.table)).slice(history.length)) history.push({ version, wanted })
  }
  await note()
  for (let pass = 0; pass < PASSES; pass += 1) {
    wanted = await duckdb.query(`${landed(pass + 1)} ${strategy.expected}`)
    await project.load({ [`${pass}.parquet`]: { sql: landedIn(pass) } })
    await note()
    await feature.after?.(project)
    await note()
  }
  return history
}

function landed(passes: number): string {
  const files = Array.from({ length: passes }, (_, pass) => `SELECT *, ${pass} AS n FROM (${landedIn(pass)})`)
  return `WITH landed AS (${files.join(' UNION ALL ')})`
}

function createStatement(table: string, properties: Readonly<Record<string, string>>, partitions: string): string {
  const entries = Object.entries(properties).map(([name, value]) => `'${name}' = '${value}'`)
  return `CREATE TABLE delta.\`${table}\` (${COLUMNS}) USING delta${partitions} TBLPROPERTIES (${entries.join(', ')})`
}

async function versionsOf(table: string): Promise<readonly number[]> {
  const names = await readdir(join(table, '_delta_log')).catch(() => [])
  return names
    .filter((name) => /^\d{20}\.json$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => a - b)
}

async function compare(other: Reader, table: string, history: readonly Version[]): Promise<void> {
  const seen = await other.readVersions(
    table,
    history.map(({ version }) => version),
  )
  for (const [index, { version, wanted }] of history.entries()) expect.soft(seen[index], `${other.name} at ${version}`).toEqual(wanted)
}
