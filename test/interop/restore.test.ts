import { cp } from 'node:fs/promises'
import { describe, test } from 'vitest'
import { type Fixture, fixture, fixtureNames } from './fixtures.ts'
import { Project } from './project.ts'
import { type ReaderName, reader, readerOr, withOneSpark } from './readers.ts'

const READERS: readonly ReaderName[] = ['duckdb', 'delta-rs', 'spark', 'spark4']

/** Tables of others whose older versions ask something of a restore. */
const CHOSEN = [
  'spark/awkward_paths',
  'spark/change_feed_vectors',
  'spark/checkpoints_v2_json',
  'spark/dv_partitioned',
  'spark/in_commit_timestamps_later',
  'spark/mapped_name',
  'delta-rs/rs_row_changes',
]
const names = fixtureNames().filter(({ writer, name }) => CHOSEN.includes(`${writer}/${name}`))

describe.concurrent.each(names)('$name of $writer', (name) => {
  test('goes back to its older versions and forward again, and every reader sees the rows of each', async ({ skip, expect }) => {
    const duckdb = await readerOr(skip, 'duckdb')
    await readerOr(skip, name.writer)
    // The Sparks take turns.
    const readers = withOneSpark(READERS, names.indexOf(name) % 2 === 0 ? 'spark' : 'spark4')
    for (const other of readers) await readerOr(skip, other)
    const made = await fixture(name)
    const config = { file_format: 'parquet', partition_columns: made.partitions, delta: { checkpoint_interval: 2 } }
    await using project = await Project.create({ name: 'foreign', config }, duckdb)
    await cp(made.table, project.table, { recursive: true })
    for (const version of tour(made)) {
      await project.restore(version)
      const wanted = made.versions[String(version)]
      expect(await project.rows(), `version ${version}`).toEqual(wanted)
      for (const other of readers) expect(await (await reader(other)).read(project.table), `version ${version}, ${other}`).toEqual(wanted)
    }
  })
})

/** The oldest version that can be read, one half-way, and the newest. */
function tour({ versions }: Fixture): readonly number[] {
  const known = Object.keys(versions)
    .map(Number)
    .sort((a, b) => a - b)
  return [...new Set([known[0], known[known.length >> 1], known.at(-1)])].filter((version) => version !== undefined)
}
