import { afterAll, beforeAll, expect, test } from 'vitest'

import { openObjects } from '../../src/blobs/open-objects.ts'
import { project } from '../support/project.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { type S3Server, startS3 } from './servers.ts'

let server: S3Server
/** Two ways to one server, as if it were two. */
let vendor: FaultProxy
let ours: FaultProxy
beforeAll(async () => {
  server = await startS3()
  await server.createBucket('landing')
  await server.createBucket('lake')
  ;[vendor, ours] = await Promise.all([startFaultProxy(server.endpoint), startFaultProxy(server.endpoint)])
})
afterAll(async () => {
  await Promise.all([vendor?.stop(), ours?.stop()])
  await server?.stop()
})

test('files in the bucket of one account go to a table in that of another', async () => {
  const { store } = await openObjects('s3://landing', server.connection)
  await store.put('drop/a.csv', Buffer.from('id\n1\n2\n'))
  const place = project({
    connections: {
      vendor: { ...server.config, endpoint: vendor.endpoint },
      ours: { ...server.config, endpoint: ours.endpoint },
    },
    tables: [
      {
        ...{ table_name: 't', source_path_pattern: 's3://landing/drop/*.csv', connection: 'vendor' },
        ...{ target_path: 's3://lake/t', target_connection: 'ours', watch: { settle_seconds: 0 } },
      },
    ],
  })
  const { code, stderr } = await place.run(['run'])
  expect([code, stderr]).toEqual([0, expect.anything()])
  const { stdout } = await place.run(['query', 'select count(*)::int n from default.t', '--format', 'csv'])
  expect(stdout).toBe('n\n2\n')
  expect(vendor.seen.length).toBeGreaterThan(1)
  expect(vendor.seen.filter(({ method, path }) => !/^(GET|HEAD)$/.test(method) || !path.startsWith('/landing'))).toEqual([])
  expect(ours.seen.some(({ method, path }) => method === 'PUT' && path.includes('_delta_log'))).toBe(true)
  expect(ours.seen.filter(({ path }) => !path.startsWith('/lake'))).toEqual([])
})
