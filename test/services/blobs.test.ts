import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { BLOB_STORES } from '../../src/blobs/registry.ts'
import type { StorageConnection, TableStorage } from '../../src/model/connection.ts'
import { blobsContract } from '../contract/blobs.contract.ts'
import { type Azurite, type S3Server, startAzurite, startS3 } from './servers.ts'

const scratch = mkdtempSync(join(tmpdir(), 'ingestd-remote-blobs-'))
const REGISTRY = new URL('../../build/blobs/registry.js', import.meta.url).href

/** Writers wait for the word before they put, so that they all run by then. */
const WRITER = `
import { BLOB_STORES } from ${JSON.stringify(REGISTRY)}
const [root, storage, content, ...paths] = process.argv.slice(2)
process.once('message', async () => {
  const blobs = await BLOB_STORES.remote(root, { ...JSON.parse(storage), cacheBytes: 1000000n })
  const answers = []
  for (const path of paths) answers.push(await blobs.putIfAbsent(path, new TextEncoder().encode(content)).catch((error) => error.code))
  process.send({ answers, content }, () => process.exit(0))
})
process.send('ready')
`

let s3: S3Server
let azurite: Azurite
beforeAll(async () => {
  ;[s3, azurite] = await Promise.all([startS3(), startAzurite()])
  await Promise.all([s3.createBucket('blobs'), azurite.createContainer('blobs')])
  writeFileSync(join(scratch, 'writer.mjs'), WRITER)
})
afterAll(async () => {
  await Promise.all([s3?.stop(), azurite?.stop()])
  rmSync(scratch, { recursive: true, force: true })
})

function storageOf(target: StorageConnection): TableStorage {
  return { source: null, target, cacheFolder: join(scratch, randomUUID()), cacheBytes: 1_000_000_000n, prefetchBytes: 0n }
}

function contractOn(url: string, connection: () => StorageConnection): void {
  blobsContract({
    open: async () => BLOB_STORES.remote(`${url}/some folder/${randomUUID()}`, storageOf(connection())),
    race: async (root, paths, writers) => {
      const { cacheBytes: _, prefetchBytes: __, ...storage } = storageOf(connection())
      const args = (index: number) => [root, JSON.stringify(storage), `${index} `.repeat(2000), ...paths]
      const children = Array.from({ length: writers }, (_one, index) => fork(join(scratch, 'writer.mjs'), args(index)))
      await Promise.all(children.map((child) => once(child, 'message')))
      const answers = children.map(async (child) => (await once(child, 'message'))[0])
      for (const child of children) child.send('go')
      return Promise.all(answers)
    },
  })
}

describe('S3', () => contractOn('s3://blobs', () => s3.connection))
describe('Azure', () => contractOn('az://blobs', () => azurite.connection))
