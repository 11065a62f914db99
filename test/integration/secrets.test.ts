import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { type Project, project } from '../support/project.ts'
import { served } from '../support/served.ts'

/** Each is planted at one place, so that what is found tells where it came from. */
const SECRETS = {
  token: 'pl4nted-http-token',
  maskKey: 'pl4nted-mask-key-0123456789',
  accessKey: 'pl4ntedAccessKeyId',
  secretKey: 'pl4nted/Secret+Key=',
  session: 'pl4nted-session',
  sas: 'pl4ntedSasSig',
  accountKey: 'pl4ntedAccountKey==',
  userinfo: 'pl4nted-userinfo',
  postgres: 'pl4nted-postgres',
  mssql: 'pl4nted-mssql',
  environment: 'pl4nted-environment',
  fromFile: 'pl4nted-from-file',
  fromCommand: 'pl4nted-from-command',
  webhook: 'pl4nted-webhook',
  error: 'pl4nted-in-an-error',
} as const

const ENVIRONMENT = { LAKE_SECRET: SECRETS.environment, INGEST_HTTP_TOKEN: SECRETS.token }

const CONNECTIONS = {
  // Nobody answers there.
  lake: {
    type: 's3',
    endpoint: 'http://127.0.0.1:1',
    access_key_id: SECRETS.accessKey,
    secret_access_key: SECRETS.secretKey,
    session_token: SECRETS.session,
  },
  blob: { type: 'adls', account_url: `http://127.0.0.1:1/a?sv=2024&sig=${SECRETS.sas}`, sas_token: '${LAKE_SECRET}' },
  account: { type: 'adls', connection_string: `AccountName=a;BlobEndpoint=http://127.0.0.1:1/a;AccountKey=${SECRETS.accountKey}` },
  db: { type: 'postgres', url: `postgres://loader:${SECRETS.postgres}@db/x` },
  erp: { type: 'mssql', server: 's', database: 'd', user: '${file:user.txt}', password: SECRETS.mssql },
  cluster: { type: 'databricks', host: 'h', http_path: '/p', token: '${cmd:printf pl4nted-from-command}' },
}

const TABLE = { table_name: 'orders', source_path_pattern: 'orders/*.csv', watch: { settle_seconds: 0 } }

/** A module whose fault names a connection, as those of drivers do. */
const MODULE = `export default function transform() { throw new Error('cannot reach postgres://u:${SECRETS.error}@h/d?password=${SECRETS.error}') }\n`

const CONFIG = {
  log_level: 'TRACE',
  log_file: './logs/ingest.log',
  http: { port: 0, token: '${INGEST_HTTP_TOKEN}' },
  connections: CONNECTIONS,
  mask_key: SECRETS.maskKey,
  tables: [
    { ...TABLE, mask: { email: 'hash' } },
    { ...TABLE, table_name: 'broken', transform: { module: './broken.mjs' } },
    // Stores that do not answer: each fails alone.
    { ...TABLE, table_name: 'bucket', source_path_pattern: 's3://bucket/x/*.csv' },
    { ...TABLE, table_name: 'blob', source_path_pattern: 'az://c/x/*.csv', connection: 'blob' },
    { ...TABLE, table_name: 'home', target_path: 'az://c/home', connection: 'account' },
  ],
}

describe('secrets', () => {
  test('of a config are in no output: documents, texts, errors, logs, tracker, tables, metrics, pages', async () => {
    const at = planted(CONFIG)
    const said: string[] = []
    const say = async (args: readonly string[]) => {
      const { stdout, stderr } = await at.run(args, ENVIRONMENT)
      said.push(`${args.join(' ')}: ${stdout} ${stderr}`)
    }
    await say(['run'])
    await say(['run', '--dry-run', '--verbose', '--json'])
    await Promise.all([
      say(['check']),
      say(['status', '--json']),
      say(['files', '--json']),
      say(['explain', at.path('landing/orders/a.csv'), '--json']),
      say(['query', 'select * from "default".orders', '--json']),
    ])
    // The run was a real one: rows are loaded, and the fault of the module is told.
    expect(said.join('')).toContain('cannot reach postgres://***@h')
    said.push(await answers(at))
    expect(leaked(said.join('\n'))).toEqual([])
    const kept = filesBelow(at.folder).filter((path) => !['ingest.yaml', 'user.txt', 'broken.mjs'].includes(path))
    expect(kept.some((path) => path.startsWith('state'))).toBe(true)
    expect(kept).toContain('logs/ingest.log')
    for (const path of kept) expect(leaked(readFileSync(at.path(path), 'latin1')), path).toEqual([])
  })

  test('of a config that is wrong are in no error, whatever is wrong with them', async () => {
    const wrongs: readonly Record<string, unknown>[] = [
      { http: { port: 0, token: [SECRETS.token] } },
      { mask_key: 'pl4nted-mask' },
      { connections: { x: { type: 's3', secret_access_key: { a: SECRETS.secretKey } } } },
      { connections: { x: { type: 'nonsense', password: SECRETS.mssql, url: `postgres://u:${SECRETS.postgres}@h/d` } } },
      { connections: { x: { type: 'mssql', server: 's', pasword: SECRETS.mssql } } },
      { tracker_url: `postgres://u:${SECRETS.postgres}@h/d` },
      { tracker_url: [`postgres://u:${SECRETS.postgres}@h/d`] },
      { tracker_url: `postgres://u:${SECRETS.postgres}@h:nowhere/d` },
      { tracker_url: `postgres:///d?host=/nowhere&password=${SECRETS.postgres}` },
      { tracker_url: `postgres://u:${SECRETS.postgres}@127.0.0.1:1/d?sslmode=verify-full&sslrootcert=/nowhere/ca.pem` },
      { tables: [{ ...TABLE, source_path_pattern: `https://a.blob.core.windows.net/c/x.csv?sig=${SECRETS.sas}` }] },
      { tables: [{ ...TABLE, source_path_pattern: `abfss://c:${SECRETS.userinfo}@a.dfs.core.windows.net/x.csv` }] },
      {
        connections: { ...CONNECTIONS, more: { type: 's3', secret_access_key: SECRETS.secretKey } },
        tables: [{ ...TABLE, source_path_pattern: 's3://b/*.csv', connection: 'more' }],
      },
      { raw_data_path: `s3://k:${SECRETS.userinfo}@b/x` },
      { checkpoint_path: `s3://k:${SECRETS.userinfo}@b/x` },
      { downstream_notifications: [`webhook:https://hooks.slack.com/services/${SECRETS.webhook}`] },
      { lineage: { url: `https://u:${SECRETS.userinfo}@h/x?token=${SECRETS.token}`, api_key: SECRETS.accountKey } },
    ]
    const found = await Promise.all(
      wrongs.map(async (wrong) => {
        const { stdout, stderr } = await planted({ tables: [TABLE], ...wrong }).run(['run', '--json'], ENVIRONMENT)
        return leaked(stdout + stderr).map((secret) => `${secret}: ${stdout} ${stderr}`)
      }),
    )
    expect(found.flat()).toEqual([])
  })
})

function planted(config: Record<string, unknown>): Project {
  const at = project(config)
  at.write('user.txt', SECRETS.fromFile)
  at.write('broken.mjs', MODULE)
  at.write('landing/orders/a.csv', 'id,email\n1,a@example.com\n')
  at.write('landing/orders/bad.csv', 'id,email\n1\n')
  return at
}

/** All that a running daemon serves, with and without its token. */
async function answers(at: Project): Promise<string> {
  await using daemon = await served(at, ENVIRONMENT)
  at.write('landing/orders/later.csv', 'id,email\n2,b@example.com\n')
  await daemon.until(async () => (await daemon.get('/metrics', SECRETS.token)).text.includes('ingestd_rows_total{table="default.orders"'))
  const told: string[] = []
  for (const token of [undefined, SECRETS.token])
    for (const path of [
      '/',
      '/page.js',
      '/healthz',
      '/readyz',
      '/metrics',
      '/api/status',
      '/api/files',
      '/api/table?table=orders',
      '/api/explain?file=orders/a.csv',
      '/api/x',
    ])
      told.push(`${path}: ${(await daemon.get(path, token)).text}`)
  return [...told, daemon.said()].join('\n')
}

function leaked(text: string): readonly string[] {
  return Object.values(SECRETS).filter((secret) =>
    [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')].some((form) => text.includes(form)),
  )
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}
