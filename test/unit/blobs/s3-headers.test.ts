import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import type { ObjectStore } from '../../../src/blobs/objects.ts'
import { openS3 } from '../../../src/blobs/s3.ts'

const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/lake'

interface Seen {
  readonly method: string
  /** The operation, as its query tells. */
  readonly query: string
  readonly headers: IncomingMessage['headers']
}

let seen: Seen[]
let server: Server
let folder: string
beforeEach(async () => {
  seen = []
  folder = mkdtempSync(join(tmpdir(), 'ingestd-headers-'))
  server = bucket(seen)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

test('encryption is asked for by each request that makes an object, and by no other; each says who pays', async () => {
  await everyOperation(opened({ encryption: { type: 'aws:kms', kmsKeyId: KEY }, requesterPays: true }))
  const kinds = new Set(seen.map(({ method, query }) => `${method} ${query}`))
  expect([...kinds].toSorted()).toEqual(
    ['GET ', 'HEAD ', 'PUT ', 'DELETE ', 'GET list-type', 'POST delete', 'POST uploads', 'PUT partNumber', 'POST uploadId'].toSorted(),
  )
  for (const request of seen) {
    const { method, query, headers } = request
    const makes = (method === 'PUT' && query === '') || query === 'uploads'
    expect([method, query, encryptionOf(headers)]).toEqual([method, query, makes ? `aws:kms ${KEY}` : ''])
    expect([method, query, headers['x-amz-request-payer']]).toEqual([method, query, 'requester'])
  }
})

test('neither is said where the connection does not ask for it', async () => {
  await opened({ encryption: null, requesterPays: false }).put('a', Buffer.from('a'))
  expect(seen.filter(({ headers }) => encryptionOf(headers) !== '' || 'x-amz-request-payer' in headers)).toEqual([])
})

test('the keys of S3 are asked for without one of KMS', async () => {
  await opened({ encryption: { type: 'AES256', kmsKeyId: null }, requesterPays: false }).put('a', Buffer.from('a'))
  expect(seen.map(({ method, headers }) => `${method} ${encryptionOf(headers)}`)).toEqual(['PUT AES256', 'HEAD '])
})

function opened(more: Pick<Parameters<typeof openS3>[1] & object, 'encryption' | 'requesterPays'>): ObjectStore {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const account = { type: 's3', endpoint, region: 'us-east-1', pathStyle: true, accessKeyId: 'k', secretAccessKey: 's' } as const
  const url = { scheme: 's3', root: 's3://lake', container: 'lake', accountHost: null, path: '' } as const
  return openS3(url, { ...account, sessionToken: null, profile: null, ...more })
}

async function everyOperation(store: ObjectStore): Promise<void> {
  const large = join(folder, 'large')
  writeFileSync(large, Buffer.alloc(17 * 1024 * 1024, 'x'))
  const entry = await store.put('a', Buffer.from('a'))
  expect(await store.putIfAbsent('b', Buffer.from('b'))).toBe('created')
  const whole = await store.upload(large, 'large')
  expect(await store.copy(entry, 'copy')).toBe('copied')
  expect(await store.read('a')).toMatchObject({ kind: 'read' })
  expect(await store.download(entry, join(folder, 'back'))).toBe('read')
  expect(await store.keepsConditions('probe')).toBe(true)
  for await (const _ of store.list('')) break
  await store.remove(['a', 'b'])
  await store.remove(['large'], whole.etag)
}

function encryptionOf(headers: IncomingMessage['headers']): string {
  const names = Object.keys(headers).filter((name) => name.startsWith('x-amz-server-side-encryption'))
  return names
    .toSorted()
    .map((name) => String(headers[name]))
    .join(' ')
}

interface Kept {
  readonly content: Buffer
  readonly etag: string
  readonly mark: Readonly<Record<string, string>>
}

interface Asked {
  readonly path: string
  readonly body: Buffer
  readonly part: string
  readonly headers: IncomingMessage['headers']
}

interface Answer {
  readonly status: number
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** What speaks S3 well enough to be asked for everything; what it was told of keys and payers is in `seen`. */
function bucket(seen: Seen[]): Server {
  const operations = operationsOf(new Map())
  return createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { pathname: path, searchParams } = new URL(request.url ?? '', 'http://h')
      const query = ['partNumber', 'uploads', 'uploadId', 'delete', 'list-type'].find((name) => searchParams.has(name)) ?? ''
      const { method = '', headers } = request
      seen.push({ method, query, headers })
      const part = searchParams.get('partNumber') ?? ''
      const answer = operations[`${method} ${query}`]?.({ path, body: Buffer.concat(chunks), part, headers }) ?? { status: 501 }
      const { status, body = '', headers: more } = answer
      response.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...more })
      response.end(method === 'HEAD' ? undefined : body)
    })()
  })
}

function operationsOf(objects: Map<string, Kept>): Readonly<Record<string, (asked: Asked) => Answer>> {
  const parts: Buffer[] = []
  let markOfParts: Record<string, string> = {}
  const keep = ({ path, headers }: Asked, content: Buffer, mark: Record<string, string>, say: (etag: string) => string): Answer => {
    if (headers['if-none-match'] === '*' && objects.has(path)) return { status: 412 }
    const etag = createHash('md5').update(content).digest('hex')
    objects.set(path, { content, etag, mark })
    return { status: 200, body: say(etag), headers: { etag: `"${etag}"` } }
  }
  const get = ({ path }: Asked): Answer => {
    const found = objects.get(path)
    if (found === undefined) return { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' }
    return { status: 200, body: found.content, headers: { etag: `"${found.etag}"`, ...found.mark } }
  }
  return {
    'GET ': get,
    'HEAD ': get,
    'PUT ': (asked) => {
      const from = asked.headers['x-amz-copy-source']
      if (typeof from !== 'string') return keep(asked, asked.body, markOf(asked), () => '')
      const content = objects.get(`/${from}`)?.content ?? Buffer.of()
      return keep(asked, content, markOf(asked), (etag) => `<CopyObjectResult><ETag>"${etag}"</ETag></CopyObjectResult>`)
    },
    'POST uploads': (asked) => {
      markOfParts = markOf(asked)
      return { status: 200, body: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>' }
    },
    'PUT partNumber': ({ part, body }) => {
      parts[Number(part)] = body
      return { status: 200, headers: { etag: '"part"' } }
    },
    'POST uploadId': (asked) =>
      keep(asked, Buffer.concat(parts.slice(1)), markOfParts, () => '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>'),
    'GET list-type': () => ({ status: 200, body: '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>' }),
    'POST delete': () => ({ status: 200, body: '<DeleteResult></DeleteResult>' }),
    'DELETE ': ({ path }) => {
      objects.delete(path)
      return { status: 204 }
    },
  }
}

function markOf({ headers }: Asked): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (name.startsWith('x-amz-meta-') ? [[name, String(value)]] : [])),
  )
}
