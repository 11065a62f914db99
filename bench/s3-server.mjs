// A server of S3 on loopback for the benchmarks: versitygw where INGEST_TEST_VERSITYGW names its program, else the s3proxy of INGEST_TEST_S3PROXY.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { S3Client } from '@aws-sdk/client-s3'
import { processorSeconds } from './memory.mjs'

const KEY_ID = 'bench-key-id'
const SECRET = 'bench-secret-key'

/** Its objects are files below the folder. */
export async function startServer(folder) {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  mkdirSync(join(folder, 'data'), { recursive: true })
  const { name, program, args, env = {} } = serverAt(folder, port)
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'ignore' })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.once('error', (error) => {
    throw error
  })
  for (let waited = 0; !(await answers(endpoint)); waited += 1) {
    if (child.exitCode !== null || waited > 600) throw new Error(`${program} did not start`)
    await sleep(100)
  }
  return {
    name,
    endpoint,
    config: { type: 's3', endpoint, region: 'us-east-1', access_key_id: KEY_ID, secret_access_key: SECRET },
    /** Seconds of processor time so far. */
    cpu: () => processorSeconds(child.pid),
    stop: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** As a user would make one, with as many sockets as ours has. */
export function plainClient(endpoint) {
  const agent = { maxSockets: 128, keepAlive: true }
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: KEY_ID, secretAccessKey: SECRET },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { httpAgent: agent, httpsAgent: agent },
  })
}

function serverAt(folder, port) {
  const { INGEST_TEST_VERSITYGW: versitygw, INGEST_TEST_S3PROXY: s3proxy } = process.env
  if (versitygw !== undefined) {
    const args = ['--port', `127.0.0.1:${port}`, '--health', '/health', '--quiet', 'posix', join(folder, 'data')]
    return { name: 'versitygw', program: versitygw, args, env: { ROOT_ACCESS_KEY: KEY_ID, ROOT_SECRET_KEY: SECRET } }
  }
  if (s3proxy === undefined)
    throw new Error('set INGEST_TEST_VERSITYGW or INGEST_TEST_S3PROXY: `WITH=versitygw test/services/setup FOLDER` installs both')
  const properties = {
    's3proxy.authorization': 'aws-v2-or-v4',
    's3proxy.endpoint': `http://127.0.0.1:${port}`,
    's3proxy.identity': KEY_ID,
    's3proxy.credential': SECRET,
    'jclouds.provider': 'filesystem-nio2',
    'jclouds.filesystem.basedir': join(folder, 'data'),
  }
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(join(folder, 's3proxy.conf'), lines.join(''))
  return { name: 's3proxy', program: 'java', args: ['-Xmx512m', '-jar', s3proxy, '--properties', join(folder, 's3proxy.conf')] }
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answers(endpoint) {
  return fetch(endpoint, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  )
}
