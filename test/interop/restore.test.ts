import { cp } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type Fixture, fixture, fixtureNames } from './fixtures.ts'
import { Project } from './project.ts'
import { type ReaderName, reader, readerOr } from './readers.ts'

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

describe.each(names)('$name of $writer', (name) => {
  test('goes back to its older versions and forward again, and every reader sees the rows of each', async (context) => {
    const duckdb = await readerOr(context.skip, 'duckdb')
    await readerOr(context.skip, name.writer)
    for (const other of READERS) await readerOr(context.skip, other)
    const made = await fixture(name)
    const config = { file_format: 'parquet', partition_columns: made.partitions, delta: { checkpoint_interval: 2 } }
    await using project = await Project.create({ name: 'foreign', config }, duckdb)
    await cp(made.table, project.table, { recursive: true })
    for (const version of tour(made)) {
      await project.restore(version)
      const wanted = made.versions[String(version)]
      expect(await project.rows(), `version ${version}`).toEqual(wanted)
      for (const other of READERS) expect(await (await reader(other)).read(project.table), `version ${version}, ${other}`).toEqual(wanted)
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
