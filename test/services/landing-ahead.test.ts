import { existsSync, readdirSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { openObjects } from '../../src/blobs/open-objects.ts'
import { project } from '../support/project.ts'
import { startFaultProxy } from './fault-proxy.ts'
import { s3Connection, startS3 } from './servers.ts'

it('objects of the next batch are fetched before a batch is committed; after a kill then each is loaded once, and no copy stays', async () => {
  await using server = await startS3()
  await server.createBucket('landing')
  await using proxy = await startFaultProxy(server.endpoint)
  const { store } = await openObjects('s3://landing', s3Connection(server.endpoint))
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await store.put(`raw/${name}.csv`, Buffer.from('id\n1\n'))
  const table = { table_name: 't', source_path_pattern: 's3://landing/raw/*.csv', max_files_per_batch: 2, watch: { settle_seconds: 0 } }
  // One of the two files of the next batch is no more than that.
  const config = { connections: { store: { ...server.config, endpoint: proxy.endpoint, prefetch_size: '9B' } }, tables: [table] }
  const place = project({ ...config, processed_data_path: 's3://landing/tables' })
  const isFetch = ({ method, path }: { method: string; path: string }) => method === 'GET' && /^\/landing\/raw\/[a-f]\.csv/.test(path)
  // Time for the requests that are made meanwhile.
  const isCommit = ({ method, path }: { method: string; path: string }) => method === 'PUT' && /_delta_log\/\d+\.json/.test(path)
  proxy.setRules([{ when: isCommit, fault: { kind: 'delay', ms: 1500 } }])
  const killed = await place.run(['run'], { INGEST_FAILPOINT: 'after-commit' })
  expect(killed.signal).toBe('SIGKILL')
  expect(new Set(proxy.seen.filter(isFetch).map(({ path }) => path.slice(13, 14)))).toEqual(new Set(['a', 'b', 'c']))
  const copies = () => {
    const spool = place.path('state/spool/objects')
    return existsSync(spool) ? readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('object-')) : []
  }
  // The load process ends a moment after the process that was killed.
  const owners = () => copies().map((name) => Number(/\.(\d+)\//.exec(name)?.[1]))
  expect(copies()).not.toEqual([])
  await vi.waitFor(() => expect(owners().filter(isRunning)).toEqual([]), { timeout: 30_000, interval: 100 })
  proxy.setRules([])
  const again = await place.command(['run'])
  expect(again).toMatchObject({ code: 0 })
  expect(copies()).toEqual([])
  const rows = await place.command(['query', '--json', 'select count(*) as n from "default".t'])
  expect(JSON.parse(rows.stdout)).toEqual([{ n: 6 }])
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
