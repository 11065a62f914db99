import { describe, test } from 'vitest'
import { History } from './history.ts'
import {
  canRead,
  createStatement,
  FEATURES,
  type FeatureCase,
  isPartitioned,
  landedIn,
  PASSES,
  STRATEGIES,
  type StrategyCase,
} from './matrix.ts'
import { Project } from './project.ts'
import { ALL_SPARKS, type ReaderName, reader, readerOr, withOneSpark } from './readers.ts'

const READERS: readonly ReaderName[] = ['duckdb', 'delta-rs', 'spark', 'spark4']

/** Each Spark takes one table of four unless all are asked for; so each meets every strategy and every feature. */
function readersOf(strategy: StrategyCase, feature: FeatureCase): readonly ReaderName[] {
  const turn = (STRATEGIES.indexOf(strategy) + FEATURES.indexOf(feature)) % 4
  if (turn % 2 === 1 && !ALL_SPARKS) return ['duckdb', 'delta-rs']
  return withOneSpark(READERS, turn === 0 ? 'spark' : 'spark4')
}

describe.each(STRATEGIES)('$name', (strategy) => {
  test.concurrent.for(FEATURES)(
    'of a table $name has the same rows for its readers at every version',
    async (feature, { skip, expect }) => {
      const readers = readersOf(strategy, feature)
      for (const name of feature.made === undefined ? readers : [...readers, 'spark' as const]) await readerOr(skip, name)
      await using project = await Project.create({ name: 't', config: configOf(strategy, feature) }, await reader('duckdb'))
      const history = await loaded(project, strategy, feature)
      await history.compare(await Promise.all(readers.filter((name) => canRead(name, strategy, feature)).map(reader)), expect)
    },
  )
})

function configOf(strategy: StrategyCase, feature: FeatureCase): Readonly<Record<string, unknown>> {
  const partitions = feature.partitioned ? { partition_columns: ['grp'] } : {}
  return { file_format: 'parquet', ...partitions, ...feature.config, ...strategy.config }
}

/** Loads every pass; what is done after it changes no row. */
async function loaded(project: Project, strategy: StrategyCase, feature: FeatureCase): Promise<History> {
  const duckdb = await reader('duckdb')
  const history = new History(project)
  if (feature.made !== undefined)
    await (await reader('spark')).run(createStatement(project.table, feature.made, isPartitioned(strategy, feature)))
  await history.note(await duckdb.query(`${landed(1)} SELECT * EXCLUDE (n) FROM landed WHERE false`))
  for (let pass = 0; pass < PASSES; pass += 1) {
    await project.load({ [`${pass}.parquet`]: { sql: landedIn(pass) } })
    await feature.after?.(project)
    await history.note(await duckdb.query(`${landed(pass + 1)} ${strategy.expected}`))
  }
  return history
}

/** All passes so far as relation `landed`. */
function landed(passes: number): string {
  const files = Array.from({ length: passes }, (_, pass) => `SELECT *, ${pass} AS n FROM (${landedIn(pass)})`)
  return `WITH landed AS (${files.join(' UNION ALL ')})`
}
