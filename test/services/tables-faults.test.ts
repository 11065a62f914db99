import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type FaultProxy, type Rule, type SeenRequest, startFaultProxy } from './fault-proxy.ts'
import { type S3Server, startS3 } from './servers.ts'
import { remoteProject, rowsOf } from './tables.support.ts'

let server: S3Server
let proxy: FaultProxy
beforeAll(async () => {
  server = await startS3()
  await server.createBucket('tables')
  proxy = await startFaultProxy(server.endpoint)
})
afterEach(() => proxy.setRules([]))
afterAll(async () => {
  await proxy?.stop()
  await server?.stop()
})

const isCommit = ({ method, path }: SeenRequest) => method === 'PUT' && /_delta_log\/\d{20}\.json/.test(path)
const isDataFile = ({ method, path }: SeenRequest) => method === 'GET' && path.includes('.parquet')

const FAULTS: readonly (readonly [string, Rule])[] = [
  ['the answers to commits are lost', { when: isCommit, fault: { kind: 'drop-after' }, times: 2 }],
  ['commits come twice, and the second answer is heard', { when: isCommit, fault: { kind: 'duplicate', answer: 2 } }],
  ['commits never arrive at first', { when: isCommit, fault: { kind: 'drop-before' }, times: 1 }],
  ['the store is busy now and then', { when: ({ method }) => method !== 'HEAD', fault: { kind: 'status', status: 503 }, times: 4 }],
  ['the store turns away a commit for another that is under way', { when: isCommit, fault: { kind: 'status', status: 409 }, times: 1 }],
  ['data files are cut as they are read', { when: isDataFile, fault: { kind: 'cut', bytes: 40 }, times: 2 }],
]

test.each(FAULTS)('%s: each row is there once', async (_name, rule) => {
  const made = remoteProject(
    { url: 's3://tables', connection: { ...server.config, endpoint: proxy.endpoint } },
    {
      retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
      tables: [
        {
          table_name: 'orders',
          source_path_pattern: 'orders/*.csv',
          loading_strategy: 'merge',
          primary_keys: ['id'],
          max_files_per_batch: 1,
          watch: { settle_seconds: 0 },
        },
      ],
    },
  )
  made.write('landing/orders/1.csv', 'id,amount\n1,10\n2,20\n')
  await made.done(['run'])
  made.forget()
  made.write('landing/orders/2.csv', 'id,amount\n2,21\n3,30\n')
  made.write('landing/orders/3.csv', 'id,amount\n1,12\n4,40\n')
  const before = proxy.taken.length
  proxy.setRules([rule])
  await made.done(['run'])
  expect(proxy.taken.length).toBeGreaterThan(before)
  proxy.setRules([])
  expect(await rowsOf(made, 'select id, amount from "default".orders order by id')).toEqual(
    [12, 21, 30, 40].map((amount, index) => ({
      id: expect.toSatisfy((id) => Number(id) === index + 1),
      amount: expect.toSatisfy((one) => Number(one) === amount),
    })),
  )
  await made.done(['verify'])
})
