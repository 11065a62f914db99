import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../src/blobs/objects.ts'
import { openObjects } from '../../src/blobs/open-objects.ts'
import type { StorageConnection } from '../../src/model/connection.ts'
import { list, query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'
import { activeFiles, project } from '../support/project.ts'
import { startAzurite, startS3 } from './servers.ts'

interface Bucket {
  readonly root: string
  readonly store: ObjectStore
  /** As a config has it. */
  readonly connection: Readonly<Record<string, unknown>>
  readonly stop: () => Promise<void>
}

async function s3(): Promise<Bucket> {
  const server = await startS3()
  await server.createBucket('landing')
  return bucketOf('s3://landing', server)
}

async function azure(): Promise<Bucket> {
  const server = await startAzurite()
  await server.createContainer('landing')
  return bucketOf('az://landing', server)
}

interface Served {
  readonly connection: StorageConnection
  readonly config: Readonly<Record<string, unknown>>
  readonly stop: () => Promise<void>
}

async function bucketOf(root: string, { connection, config, stop }: Served): Promise<Bucket> {
  const { store } = await openObjects(root, connection)
  return { root, store, connection: config, stop }
}

describe.each([
  ['S3', s3],
  ['Azure', azure],
])('files in %s', (_, start) => {
  let bucket: Bucket
  let number = 0
  beforeAll(async () => {
    bucket = await start()
  })
  afterAll(() => bucket.stop())

  /** A table whose files lie under a prefix of their own. */
  function landing(table: Record<string, unknown> = {}, config: Record<string, unknown> = {}) {
    number += 1
    const prefix = `test-${number}`
    const place = new Landing(table, { raw_data_path: `${bucket.root}/${prefix}`, connections: { store: bucket.connection }, ...config })
    const put = (name: string, content: string | Uint8Array) => bucket.store.put(`${prefix}/${name}`, Buffer.from(content))
    return Object.assign(place, { put, prefix, url: `${bucket.root}/${prefix}` })
  }

  it('are loaded under their URLs, each once, whatever their keys hold', async () => {
    const place = landing({ source_path_pattern: '**', file_format: 'csv' })
    const names = ['a.csv', 'sub/b c.csv', "quo'te+100%.csv", 'ü ☃#?.csv', 'x[1]*.csv', 'gz.csv.gz']
    for (const [index, name] of names.entries()) {
      const text = `id\n${index}\n`
      await place.put(name, name.endsWith('.gz') ? gzipSync(text) : text)
    }
    await place.put('sub/', '')
    await place.put('_ignored.csv', 'id\n99\n')
    const report = await place.run()
    expect(report.tables[0]).toMatchObject({ status: 'pass', files: { loaded: 6, failed: 0 }, rows: { loaded: 6 } })
    const rows = await place.rows('id, _source_file as file')
    expect(rows).toEqual(names.map((name, id) => ({ id: expect.anything(), file: `${place.url}/${names[id] ?? name}` })))
    expect((await place.run()).totals.files).toBe(0)
    await place.put('a.csv', 'id\n7\n')
    await place.run({}, { on_changed_file: 'append' })
    expect(await place.rows('count(*)::int as n')).toEqual([{ n: 7 }])
  })

  it.each([
    ['parquet', 'merge'],
    ['ndjson', 'overwrite'],
  ])('of %s load by %s', async (format, strategy) => {
    const keyed = strategy === 'merge' ? { primary_keys: ['id'] } : {}
    const place = landing({ source_path_pattern: `*.${format}`, loading_strategy: strategy, ...keyed })
    for (const [name, rows] of [
      ['1', "select 1 as id, 'a' as v union all select 2, 'b'"],
      ['2', "select 2 as id, 'c' as v"],
    ] as const) {
      const file = place.path(`${name}.${format}`)
      await query(`copy (${rows}) to '${file}' (format ${format === 'ndjson' ? 'json' : format})`)
      await place.put(`${name}.${format}`, readFileSync(file))
      expect((await place.run()).tables[0]?.status).toBe('pass')
      // The time of an object has whole seconds in some stores.
      await new Promise((resolve) => setTimeout(resolve, 1100))
    }
    const merged = [
      { id: 1, v: 'a' },
      { id: 2, v: 'c' },
    ]
    expect(await place.rows('id::int as id, v')).toEqual(strategy === 'merge' ? merged : [{ id: 2, v: 'c' }])
  })

  it('that are bad fail alone, and are explained', async () => {
    const place = landing()
    await place.put('good.csv', 'id\n1\n2\n')
    await place.run()
    await place.put('bad.csv', 'id\n1\nx\n')
    await place.put('more.csv', 'id\n3\n')
    const report = await place.run()
    expect(report.tables[0]).toMatchObject({ status: 'error', files: { loaded: 1, failed: 1 } })
    expect(report.tables[0]?.errors[0]).toMatchObject({ file: `${place.url}/bad.csv`, code: 'ING-FILE-VALUE' })
    const verdicts = await place.use(async (ingest) => [
      (await ingest.explain(`${place.url}/good.csv`))[0]?.verdict,
      (await ingest.explain(`${place.url}/bad.csv`))[0]?.verdict,
      (await ingest.explain(`${place.url}/none.csv`))[0]?.steps.at(-1)?.detail,
      (await ingest.explain(`${place.url}/none.CSV`))[0]?.steps.at(-1)?.detail,
    ])
    expect(verdicts.slice(0, 2)).toEqual(['loaded', 'not_loaded'])
    expect(verdicts[2]).toContain('does not know it')
    expect(verdicts[3]).toContain('but for the suffix .CSV')
    await place.put('bad.csv', 'id\n4\n')
    expect((await place.run()).tables[0]?.files.loaded).toBe(1)
  })

  it('go to the archive of their bucket once they are loaded, and nothing is overwritten there', async () => {
    const place = landing({ after_load: { archive: `${bucket.root}/archive-${number + 1}` } })
    const archive = `archive-${number}`
    await place.put('a.csv', 'id\n1\n')
    await bucket.store.put(`${archive}/a.csv`, Buffer.from('somebody else'))
    await place.run()
    expect(await bucket.store.head(`${place.prefix}/a.csv`)).toBeUndefined()
    const moved = await bucket.store.read(`${archive}/a.csv.1`)
    expect(moved.kind === 'read' && Buffer.from(moved.content).toString()).toBe('id\n1\n')
    expect((await place.files())[0]).toMatchObject({ clean_up_status: 'archived', clean_up_path: `${bucket.root}/${archive}/a.csv.1` })
  })

  it('are deleted once they are loaded, with their markers', async () => {
    const place = landing({ after_load: 'delete', watch: { settle_seconds: 0, marker: '{name}.done' } })
    await place.put('a.csv', 'id\n1\n')
    expect((await place.run()).totals.files).toBe(0)
    await place.put('a.csv.done', '')
    expect((await place.run()).totals.files).toBe(1)
    expect(await bucket.store.head(`${place.prefix}/a.csv`)).toBeUndefined()
    expect(await bucket.store.head(`${place.prefix}/a.csv.done`)).toBeUndefined()
    expect(await place.rows()).toHaveLength(1)
  })

  it('are passed over where their content is that of the last load', async () => {
    const place = landing({ loading_strategy: 'overwrite', skip_unchanged: true })
    await place.put('a.csv', 'id\n1\n')
    await place.run()
    await place.put('b.csv', 'id\n1\n')
    expect((await place.run()).tables[0]).toMatchObject({ files: { loaded: 0, skipped: 1 } })
  })

  it.each([
    'after-admit',
    'after-claim',
    'after-inspect',
    'after-commit',
    'before-settle',
    'after-clean-up-plan',
    'archive-after-place',
    'archive-after-remove',
  ])('are loaded once when the process is killed %s', async (failpoint) => {
    number += 1
    const prefix = `test-${number}`
    const place = project({
      raw_data_path: `${bucket.root}/${prefix}`,
      connections: { store: bucket.connection },
      tables: [
        {
          table_name: 't',
          source_path_pattern: '*.csv',
          watch: { settle_seconds: 0 },
          after_load: { archive: `${bucket.root}/${prefix}-archive` },
        },
      ],
    })
    for (const name of ['a', 'b', 'c']) await bucket.store.put(`${prefix}/${name}.csv`, Buffer.from('id\n1\n'))
    const killed = await place.run(['run'], { INGEST_FAILPOINT: failpoint })
    expect(killed.signal).toBe('SIGKILL')
    expect((await place.run(['run'])).code).toBe(0)
    const rows = await query(`select count(*)::int as n from read_parquet(${list(activeFiles(place.path('tables/default/t')))})`)
    expect(rows).toEqual([{ n: 3 }])
    for (const name of ['a', 'b', 'c']) {
      expect(await bucket.store.head(`${prefix}/${name}.csv`)).toBeUndefined()
      expect((await bucket.store.head(`${prefix}-archive/${name}.csv`))?.size).toBe(5n)
    }
  })

  it('are loaded again by replay and a full drop, and a dry run changes nothing', async () => {
    const place = landing()
    await place.put('a.csv', 'id\n1\n')
    expect((await place.run({ dryRun: true, verbose: true })).tables[0]?.files.loaded).toBe(1)
    expect(await place.files()).toEqual([])
    await place.run()
    await place.use((ingest) => ingest.replay([`${place.url}/a.csv`]))
    await place.run({ runType: 'full_drop' })
    expect(await place.rows()).toEqual([{ id: expect.anything() }])
  })
})
