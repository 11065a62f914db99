import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Azurite, type S3Server, startAzurite, startS3 } from './servers.ts'
import { type RemotePlace, remoteProject, rowsOf } from './tables.support.ts'

const python = process.env['INGEST_TEST_PYTHON']

let s3: S3Server
let azurite: Azurite
beforeAll(async () => {
  ;[s3, azurite] = await Promise.all([startS3(), startAzurite()])
  await Promise.all([s3.createBucket('tables'), azurite.createContainer('tables')])
})
afterAll(async () => {
  await Promise.all([s3?.stop(), azurite?.stop()])
})

const READ = `
import json, os, sys
from deltalake import DeltaTable
table = DeltaTable(sys.argv[1], storage_options=json.loads(sys.argv[2]))
rows = table.to_pyarrow_table(columns=['id', 'amount']).to_pylist()
print(json.dumps({'version': table.version(), 'rows': sorted([int(row['id']), int(row['amount'])] for row in rows)}), flush=True)
# Its own threads sometimes end the interpreter with a signal.
os._exit(0)
`

const PLACES: readonly (readonly [string, () => RemotePlace & { readonly options: Readonly<Record<string, string>> }])[] = [
  [
    'S3',
    () => ({
      url: 's3://tables',
      connection: s3.config,
      options: {
        AWS_ENDPOINT_URL: s3.endpoint,
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        AWS_REGION: 'us-east-1',
        AWS_ALLOW_HTTP: 'true',
        AWS_VIRTUAL_HOSTED_STYLE_REQUEST: 'false',
      },
    }),
  ],
  [
    'Azure',
    () => ({
      url: 'az://tables',
      connection: azurite.config,
      options: {
        account_name: azurite.account,
        account_key: azurite.key,
        endpoint: azurite.endpoint,
        allow_http: 'true',
      },
    }),
  ],
]

// The readers of others are not installed everywhere: INGEST_TEST_PYTHON names a Python that has delta-rs.
test.skipIf(python === undefined).each(PLACES)('delta-rs reads a table on %s with the rows that we read', async (_name, place) => {
  const { options, ...where } = place()
  const made = remoteProject(where, {
    tables: [
      {
        table_name: 'orders',
        source_path_pattern: 'orders/*.csv',
        loading_strategy: 'merge',
        primary_keys: ['id'],
        partition_columns: ['day'],
        delta: { checkpoint_interval: 2 },
        watch: { settle_seconds: 0 },
      },
    ],
  })
  for (const [load, rows] of ['1,a b,10\n2,é,20\n', '2,é,21\n3,a%20b,30\n', '4,x/y,40\n'].entries()) {
    made.write(`landing/orders/${load}.csv`, `id,day,amount\n${rows}`)
    await made.done(['run'])
  }
  const ours = await rowsOf(made, 'select id::int as id, amount::int as amount from "default".orders order by id')
  expect(ours).toHaveLength(4)
  const url = `${made.url}/default/orders`
  const { stdout, stderr } = spawnSync(python ?? '', ['-c', READ, url, JSON.stringify(options)], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({ version: 2, rows: (ours as { id: number; amount: number }[]).map(({ id, amount }) => [id, amount]) })
})
