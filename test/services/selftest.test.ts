import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SelftestReport } from '../../src/app/selftest.ts'
import { openObjects } from '../../src/blobs/open-objects.ts'
import type { StorageConnection } from '../../src/model/connection.ts'
import { type Project, project } from '../support/project.ts'
import { type Azurite, type S3Server, startAzurite, startS3 } from './servers.ts'

let s3: S3Server
let azurite: Azurite
beforeAll(async () => {
  ;[s3, azurite] = await Promise.all([startS3(), startAzurite()])
  await Promise.all([s3.createBucket('own'), azurite.createContainer('own')])
})
afterAll(async () => {
  await Promise.all([s3?.stop(), azurite?.stop()])
})

async function keysIn(url: string, connection: StorageConnection): Promise<readonly string[]> {
  const { store } = await openObjects(url, connection)
  const keys: string[] = []
  for await (const { objects } of store.list('')) keys.push(...objects.map(({ key }) => key))
  return keys
}

/** In a process of its own: its children run the same command. */
async function tried(made: Project, args: readonly string[]): Promise<SelftestReport> {
  return JSON.parse((await made.run(['selftest', ...args, '--json'])).stdout) as SelftestReport
}

const TRIALS = ['conditional-put', 'read-after-write', 'listing', 'large-file', 'load']

test('kills at each step of a load, and loads beside other work, lose and double nothing in a bucket, and nothing is left in it', async () => {
  const made = project({ connections: { mine: s3.config }, tables: [] })
  const report = await tried(made, ['--storage', 's3://own/a path', '--crash'])
  expect(report.guarantees.filter(({ holds }) => !holds)).toEqual([])
  expect(report.guarantees.map(({ name }) => name)).toEqual([...TRIALS, 'crash', 'race'])
  expect(report).toMatchObject({ ok: true, storage: 's3://own/a path' })
  expect(await keysIn('s3://own', s3.connection)).toEqual([])
}, 600_000)

test('a container is tried by the connection that is named', async () => {
  const made = project({ connections: { mine: azurite.config, other: { ...azurite.config, account_key: 'd3Jvbmc=' } }, tables: [] })
  const args = ['--storage', 'az://own']
  expect(await tried(made, [...args, '--connection', 'mine'])).toMatchObject({ ok: true })
  expect(await keysIn('az://own', azurite.connection)).toEqual([])
  const { code, stderr } = await made.run(['selftest', ...args, '--connection', 'other'])
  // Azure says AuthenticationFailed of a wrong key, Azurite AuthorizationFailure.
  expect([code, stderr]).toEqual([4, expect.stringMatching(/ING-STORAGE-(CREDENTIALS|DENIED)/)])
})
