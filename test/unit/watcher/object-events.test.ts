import { describe, expect, it } from 'vitest'
import { objectEvents } from '../../../src/watcher/object-events.ts'

const record = (key: string, eventName = 'ObjectCreated:Put') => ({
  eventSource: 'aws:s3',
  eventName,
  s3: { bucket: { name: 'landing' }, object: { key, size: 3, eTag: 'e' } },
})
const created = (...keys: readonly string[]) => ({ kind: 'created', objects: keys.map((key) => ({ container: 'landing', key })) })
const blob = (subject: string, eventType = 'Microsoft.Storage.BlobCreated') => ({ eventType, subject, data: { api: 'PutBlob' } })
const SUBJECT = '/blobServices/default/containers/landing/blobs/raw/a b.csv'

describe('a message of a queue', () => {
  it.each([
    ['of S3', { Records: [record('raw/a+b%2Bc%C3%BC.csv'), record('raw%2Fd.csv')] }, created('raw/a b+cü.csv', 'raw/d.csv')],
    ['of S3 by SNS', { Type: 'Notification', Message: JSON.stringify({ Records: [record('a.csv')] }) }, created('a.csv')],
    [
      'of S3 by EventBridge',
      { source: 'aws.s3', 'detail-type': 'Object Created', detail: { bucket: { name: 'landing' }, object: { key: 'a+b.csv' } } },
      created('a+b.csv'),
    ],
    ['of Event Grid', blob(SUBJECT), created('raw/a b.csv')],
    ['of Event Grid, several', [blob(SUBJECT), blob(SUBJECT, 'Microsoft.Storage.BlobDeleted')], created('raw/a b.csv')],
    [
      'in the schema of CloudEvents',
      { type: 'Microsoft.Storage.BlobCreated', source: '/s', subject: SUBJECT, data: {} },
      created('raw/a b.csv'),
    ],
    ['that tests', { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'landing' }, { kind: 'nothing' }],
    ['that tells of a deletion', { Records: [record('a.csv', 'ObjectRemoved:Delete')] }, { kind: 'nothing' }],
    ['that tells nothing', { Records: [] }, { kind: 'nothing' }],
    ['of somebody else', { hello: 'world' }, { kind: 'unknown' }],
    ['whose key is not encoded as a form is', { Records: [record('a%zz.csv')] }, { kind: 'unknown' }],
  ])('%s', (_, message, events) => {
    expect(objectEvents(JSON.stringify(message))).toEqual(events)
    expect(objectEvents(Buffer.from(JSON.stringify(message)).toString('base64'))).toEqual(events)
  })

  it('that is no JSON is not understood', () => {
    for (const text of ['', 'hello', '{"Records":', 'null', '3']) expect(objectEvents(text)).toEqual({ kind: 'unknown' })
  })
})
