import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Project, project } from '../support/project.ts'
import { type Azurite, type S3Server, startAzurite, startS3 } from './servers.ts'
import { type RemotePlace, type RemoteProject, remoteProject } from './tables.support.ts'

let s3: S3Server
let azurite: Azurite
beforeAll(async () => {
  ;[s3, azurite] = await Promise.all([startS3(), startAzurite()])
  await Promise.all([s3.createBucket('tables'), azurite.createContainer('tables')])
})
afterAll(async () => {
  await Promise.all([s3?.stop(), azurite?.stop()])
})

const PLACES: readonly (readonly [string, () => RemotePlace])[] = [
  ['S3', () => ({ url: 's3://tables', connection: s3.config })],
  ['Azure', () => ({ url: 'az://tables', connection: azurite.config })],
]

/** In the one process of all commands: SDKs take longer to load than tables this small. */
async function done(made: Project, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await made.command(args)
  if (code !== 0) throw new Error(`ingest ${args.join(' ')} ended with ${code}: ${stdout} ${stderr}`)
  return stdout
}

const rowsOf = async (made: Project, query: string) => JSON.parse(await done(made, ['query', query, '--json'])) as readonly unknown[]

/** Steps of a table's life, done to one in a store and to one in a folder. */
interface Life {
  readonly table: Readonly<Record<string, unknown>>
  readonly loads: readonly Readonly<Record<string, string>>[]
}

function configOf(table: Life['table']) {
  return {
    retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
    tables: [{ table_name: 'orders', source_path_pattern: 'orders/*.csv', watch: { settle_seconds: 0 }, ...table }],
  }
}

async function lived(made: Project, { loads }: Life, between: () => void): Promise<void> {
  for (const [index, files] of loads.entries()) {
    for (const [name, content] of Object.entries(files)) made.write(`landing/orders/${index}-${name}.csv`, content)
    await done(made, ['run'])
    between()
  }
}

/** Rows of both, without what differs by nature: paths of files and times of loads. */
async function expectSame(remote: RemoteProject, local: Project, columns: string): Promise<void> {
  const query = `select ${columns} from "default".orders order by all`
  const rows = await rowsOf(local, query)
  expect(rows.length).toBeGreaterThan(0)
  expect(await rowsOf(remote, query)).toEqual(rows)
}

const FIRST = { a: 'id,day,amount\n1,2026-01-01,10\n2,2026-01-01,20\n', b: 'id,day,amount\n3,2026-01-02,30\n4,2026-01-02,40\n' }
const SECOND = { c: 'id,day,amount\n2,2026-01-01,21\n5,2026-01-03,50\n' }
const THIRD = { d: 'id,day,amount\n1,2026-01-01,11\n3,2026-01-02,31\n6,2026-01-04,60\n' }
const LOADS = [FIRST, SECOND, THIRD]

const LIVES: readonly (readonly [string, Life])[] = [
  ['append with checkpoints and partitions', { table: { partition_columns: ['day'], delta: { checkpoint_interval: 2 } }, loads: LOADS }],
  ['overwrite', { table: { loading_strategy: 'overwrite' }, loads: LOADS }],
  ['merge by new files', { table: { loading_strategy: 'merge', primary_keys: ['id'] }, loads: LOADS }],
  [
    'merge by deletion vectors',
    {
      table: {
        loading_strategy: 'merge',
        primary_keys: ['id'],
        delta: { deletion_vectors: true, change_data_feed: true },
      },
      loads: LOADS,
    },
  ],
  ['scd2', { table: { loading_strategy: 'scd2', primary_keys: ['id'], tracking_columns: ['amount'] }, loads: LOADS }],
  ['Parquet output', { table: { output_format: 'parquet', loading_strategy: 'overwrite' }, loads: LOADS }],
]

describe.each(PLACES)('on %s', (_name, place) => {
  test.each(LIVES)('%s gives the rows that it gives in a folder, also without copies', async (_kind, life) => {
    const remote = remoteProject(place(), configOf(life.table))
    const local = project(configOf(life.table))
    await Promise.all([lived(remote, life, () => remote.forget()), lived(local, life, () => undefined)])
    await expectSame(remote, local, 'id, day, amount')
    await done(remote, ['verify'])
  })

  test('small files are put together, others deleted, versions restored, and rejected rows kept, as in a folder', async () => {
    const table = { primary_keys: ['id'], loading_strategy: 'merge', max_bad_rows: 1 }
    const remote = remoteProject(place(), configOf(table))
    const local = project(configOf(table))
    const bad = { e: 'id,day,amount\n,2026-01-01,1\n7,2026-01-05,70\n' }
    for (const made of [remote, local]) {
      await lived(made, { table, loads: [FIRST, SECOND, bad] }, () => undefined)
      await done(made, ['optimize'])
      await done(made, ['restore', 'orders', '--version', '1', '--yes', '--files', 'pending'])
      await done(made, ['run'])
      await done(made, ['vacuum', '--retention', '0 hours', '--force'])
    }
    remote.forget()
    await expectSame(remote, local, 'id, day, amount')
    expect(await rowsOf(remote, 'select count(*)::int as n from "default".orders__quarantine')).toEqual([{ n: 1 }])
    await done(remote, ['verify'])
  })
})
