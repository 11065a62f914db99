import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import type { AdlsConnection, S3Connection } from '../../src/model/connection.ts'
import { freePort } from '../support/ports.ts'

/** A server that a test started, on loopback and a free port. */
export interface Server extends AsyncDisposable {
  readonly endpoint: string
  readonly stop: () => Promise<void>
}

export interface S3Server extends Server {
  readonly name: 's3proxy' | 'versitygw'
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** As the product has it. */
  readonly connection: S3Connection
  /** As a config has it. */
  readonly config: Readonly<Record<string, unknown>>
  readonly createBucket: (name: string) => Promise<void>
}

export interface Azurite extends Server {
  readonly queueEndpoint: string
  readonly account: string
  readonly key: string
  readonly connectionString: string
  readonly connection: AdlsConnection
  readonly config: Readonly<Record<string, unknown>>
  readonly createContainer: (name: string) => Promise<void>
}

const PATIENCE_MS = 180_000
const KEY_ID = 'test-key-id'
const SECRET = 'test-secret-key'

/** s3proxy, or versitygw where INGEST_TEST_VERSITYGW names it. */
export async function startS3(): Promise<S3Server> {
  const versitygw = process.env['INGEST_TEST_VERSITYGW']
  return versitygw === undefined ? startS3Proxy() : startVersitygw(versitygw)
}

async function startS3Proxy(): Promise<S3Server> {
  const jar = needed('INGEST_TEST_S3PROXY')
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-s3proxy-'))
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  mkdirSync(join(folder, 'data'))
  const properties = {
    's3proxy.authorization': 'aws-v2-or-v4',
    's3proxy.endpoint': endpoint,
    's3proxy.identity': KEY_ID,
    's3proxy.credential': SECRET,
    'jclouds.provider': 'filesystem-nio2',
    'jclouds.filesystem.basedir': join(folder, 'data'),
  }
  const file = join(folder, 's3proxy.conf')
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  const java = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-jar', jar, '--properties', file]
  const server = await started('java', java, { port, folder })
  return s3Server('s3proxy', endpoint, server)
}

async function startVersitygw(program: string): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-versitygw-'))
  const port = await freePort()
  const args = ['--port', `127.0.0.1:${port}`, '--health', '/health', '--quiet', 'posix', folder]
  const server = await started(program, args, { port, folder, env: { ROOT_ACCESS_KEY: KEY_ID, ROOT_SECRET_KEY: SECRET } })
  return s3Server('versitygw', `http://127.0.0.1:${port}`, server)
}

function s3Server(name: S3Server['name'], endpoint: string, stop: () => Promise<void>): S3Server {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: KEY_ID, secretAccessKey: SECRET },
  })
  return {
    name,
    endpoint,
    accessKeyId: KEY_ID,
    secretAccessKey: SECRET,
    connection: s3Connection(endpoint),
    config: { type: 's3', endpoint, region: 'us-east-1', access_key_id: KEY_ID, secret_access_key: SECRET },
    createBucket: async (bucket) => {
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
    },
    ...stopping(async () => {
      client.destroy()
      await stop()
    }),
  }
}

/** Of a server of the tests, perhaps by way of a proxy. */
export function s3Connection(endpoint: string): S3Connection {
  return {
    type: 's3',
    endpoint,
    region: 'us-east-1',
    pathStyle: true,
    accessKeyId: KEY_ID,
    secretAccessKey: SECRET,
    sessionToken: null,
    profile: null,
    encryption: null,
    requesterPays: false,
  }
}

const ACCOUNT = 'devstoreaccount1'
/** The key that every emulator has. */
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

/** The emulator of Azure's blobs and queues. */
export async function startAzurite(): Promise<Azurite> {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-azurite-'))
  const [port, queuePort] = [await freePort(), await freePort()]
  const args = ['--silent', '--location', folder, '--skipApiVersionCheck', '--disableTelemetry']
  const blob = join(needed('INGEST_TEST_AZURITE'), 'azurite')
  const hosts = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--queueHost', '127.0.0.1', '--queuePort', String(queuePort)]
  const stop = await started(blob, [...args, ...hosts, '--tableHost', '127.0.0.1', '--tablePort', String(await freePort())], {
    port,
    folder,
  })
  const [endpoint, queueEndpoint] = [port, queuePort].map((one) => `http://127.0.0.1:${one}/${ACCOUNT}`)
  const connection = azuriteConnection(endpoint ?? '')
  const connectionString = azuriteConnectionString(endpoint ?? '', queueEndpoint)
  const client = BlobServiceClient.fromConnectionString(connectionString)
  return {
    endpoint: endpoint ?? '',
    queueEndpoint: queueEndpoint ?? '',
    account: ACCOUNT,
    key: ACCOUNT_KEY,
    connectionString,
    connection,
    config: { type: 'adls', account_url: endpoint, account_key: ACCOUNT_KEY },
    createContainer: async (name) => {
      await client.createContainer(name)
    },
    ...stopping(stop),
  }
}

export function azuriteConnection(endpoint: string): AdlsConnection {
  return {
    type: 'adls',
    accountUrl: endpoint,
    container: null,
    connectionString: null,
    sasToken: null,
    accountKey: ACCOUNT_KEY,
    credential: 'default',
    tenantId: null,
    clientId: null,
    clientSecret: null,
  }
}

function azuriteConnectionString(blob: string, queue: string | undefined): string {
  const queues = queue === undefined ? '' : `QueueEndpoint=${queue};`
  return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${blob};${queues}`
}

function needed(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: run the tests by \`npm run test:services\``)
  return value
}

interface Starting {
  readonly port: number
  /** Removed when the server has stopped. */
  readonly folder: string
  readonly env?: Record<string, string>
}

/** Starts a program that is ready once it takes connections; answers how it is stopped. */
export async function started(
  program: string,
  args: readonly string[],
  { port, folder, env = {} }: Starting,
): Promise<() => Promise<void>> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-10_000)
    })
  let failed: Error | undefined
  child.on('error', (error) => {
    failed = error
  })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  const until = Date.now() + PATIENCE_MS
  while (!(await answers(port))) {
    if (failed !== undefined || child.exitCode !== null || Date.now() > until) {
      child.kill('SIGKILL')
      throw new Error(`${program} did not start: ${failed?.message ?? said}`)
    }
    await sleep(50)
  }
  return async () => {
    process.off('exit', kill)
    await ended(child)
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) }).then(
    async (answer) => {
      await answer.arrayBuffer()
      return true
    },
    () => false,
  )
}

export function stopping(stop: () => Promise<void>): Pick<Server, 'stop' | typeof Symbol.asyncDispose> {
  return { stop, [Symbol.asyncDispose]: stop }
}
