import { QueueClient } from '@azure/storage-queue'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openObjects } from '../../src/blobs/open-objects.ts'
import { daemon, eventually } from '../support/daemon.ts'
import { Landing } from '../support/landing.ts'
import { type Azurite, type S3Server, startAzurite, startS3 } from './servers.ts'

describe('a daemon', () => {
  let s3: S3Server
  let azurite: Azurite
  beforeAll(async () => {
    ;[s3, azurite] = await Promise.all([startS3(), startAzurite()])
    await s3.createBucket('landing')
    await azurite.createContainer('landing')
  })
  afterAll(() => Promise.all([s3.stop(), azurite.stop()]))

  const loaded = (place: Landing) => async () => (await place.files()).filter(({ status }) => status === 'completed').length

  it('lists a bucket again and again', async () => {
    const { store } = await openObjects('s3://landing', s3.connection)
    const place = new Landing(
      { source_path_pattern: 'dt=*/*.csv', watch: { settle_seconds: 0, poll_interval_seconds: 1, full_listing_seconds: 3 } },
      { raw_data_path: 's3://landing/raw', connections: { store: s3.config } },
    )
    const put = (day: string, id: number) => store.put(`raw/dt=${day}/${id}.csv`, Buffer.from(`id\n${id}\n`))
    for (let id = 1; id <= 5; id += 1) await put(`2026-01-0${id}`, id)
    const running = await daemon(place)
    await eventually(loaded(place), (count) => count === 5, 120_000)
    await put('2026-01-06', 6)
    await eventually(loaded(place), (count) => count === 6, 120_000)
    await put('2026-01-01', 7)
    await eventually(loaded(place), (count) => count === 7, 120_000)
    await running.stop()
    expect(await place.rows('count(*)::int as n')).toEqual([{ n: 7 }])
  })

  it('is woken by a storage queue, whose messages go when their files are admitted', async () => {
    const { store } = await openObjects('az://landing', azurite.connection)
    const url = `${azurite.queueEndpoint}/events`
    const queue = new QueueClient(azurite.connectionString, 'events')
    await queue.create()
    const place = new Landing(
      { watch: { settle_seconds: 0, poll_interval_seconds: 3600, notifications: { storage_queue: url } } },
      { raw_data_path: 'az://landing/raw', connections: { store: azurite.config } },
    )
    const running = await daemon(place)
    await eventually(
      async () => running.events.some(({ kind }) => kind === 'tableEnded'),
      (hasListed) => hasListed,
      60_000,
    )
    await store.put('raw/a b.csv', Buffer.from('id\n1\n'))
    await store.put('raw/untold.csv', Buffer.from('id\n2\n'))
    const event = {
      eventType: 'Microsoft.Storage.BlobCreated',
      subject: '/blobServices/default/containers/landing/blobs/raw/a b.csv',
      data: { api: 'PutBlob' },
    }
    await queue.sendMessage(Buffer.from(JSON.stringify(event)).toString('base64'))
    await eventually(loaded(place), (count) => count === 1, 120_000)
    const left = async () => (await queue.getProperties()).approximateMessagesCount ?? 0
    await eventually(left, (count) => count === 0, 60_000)
    expect(await running.states()).toHaveLength(1)
    await running.stop()
  })
})
