import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { daemon, eventually } from '../support/daemon.ts'
import { Landing } from '../support/landing.ts'
import { freePort } from '../support/ports.ts'
import { started } from './servers.ts'

const MOTO = process.env['INGEST_TEST_MOTO']

/** The flow of S3's events is that of moto: installed by `WITH=moto test/services/setup FOLDER`. */
describe.skipIf(MOTO === undefined)('a daemon that is told by SQS', () => {
  let stop: () => Promise<void>
  let endpoint: string
  beforeAll(async () => {
    const port = await freePort()
    endpoint = `http://127.0.0.1:${port}`
    const folder = mkdtempSync(join(tmpdir(), 'ingestd-moto-'))
    stop = await started(MOTO ?? '', ['-H', '127.0.0.1', '-p', String(port)], { port, folder })
  })
  afterAll(() => stop())

  it('takes what the events name, and deletes their messages', async () => {
    const account = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'k', secretAccessKey: 's' } }
    const s3 = new S3Client({ ...account, forcePathStyle: true })
    const sqs = new SQSClient(account)
    await s3.send(new CreateBucketCommand({ Bucket: 'landing' }))
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'events' }))
    const QueueArn = 'arn:aws:sqs:us-east-1:123456789012:events'
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: 'landing',
        NotificationConfiguration: { QueueConfigurations: [{ QueueArn, Events: ['s3:ObjectCreated:*'] }] },
      }),
    )
    const place = new Landing(
      { watch: { settle_seconds: 0, poll_interval_seconds: 3600, notifications: { sqs: QueueUrl } } },
      {
        raw_data_path: 's3://landing/raw',
        connections: { store: { type: 's3', endpoint, region: 'us-east-1', access_key_id: 'k', secret_access_key: 's' } },
      },
    )
    const running = await daemon(place)
    await eventually(
      async () => running.events.some(({ kind }) => kind === 'tableEnded'),
      (hasListed) => hasListed,
      60_000,
    )
    for (const key of ['raw/a b+c.csv', 'raw/ü%.csv', 'elsewhere/x.csv'])
      await s3.send(new PutObjectCommand({ Bucket: 'landing', Key: key, Body: 'id\n1\n' }))
    const loaded = async () => (await place.files()).filter(({ status }) => status === 'completed').map((file) => file.file_path)
    const paths = await eventually(loaded, (files) => files.length === 2, 60_000)
    expect(paths.toSorted()).toEqual(['s3://landing/raw/a b+c.csv', 's3://landing/raw/ü%.csv'])
    const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const
    const left = async () =>
      Object.values((await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }))).Attributes ?? {})
    await eventually(left, (counts) => counts.every((count) => count === '0'), 60_000)
    await running.stop()
  })
})
