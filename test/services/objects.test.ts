import { afterAll, beforeAll, describe } from 'vitest'

import { openObjects } from '../../src/blobs/open-objects.ts'
import { objectsContract } from '../contract/objects.contract.ts'
import { type Azurite, type S3Server, startAzurite, startS3 } from './servers.ts'

describe('S3', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await startS3()
    await server.createBucket('contract')
  })
  afterAll(() => server.stop())
  objectsContract(async () => (await openObjects('s3://contract', server.connection)).store)
})

describe('Azure', () => {
  let server: Azurite
  beforeAll(async () => {
    server = await startAzurite()
    await server.createContainer('contract')
  })
  afterAll(() => server.stop())
  objectsContract(async () => (await openObjects('az://contract', server.connection)).store)
})
