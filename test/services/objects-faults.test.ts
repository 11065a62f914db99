import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { openAzure } from '../../src/blobs/azure.ts'
import { RANGE_BYTES } from '../../src/blobs/object-files.ts'
import type { ObjectPage, ObjectStore } from '../../src/blobs/objects.ts'
import { openS3 } from '../../src/blobs/s3.ts'
import type { ObjectUrl } from '../../src/model/object-url.ts'
import { type Fault, type FaultProxy, type Rule, type SeenRequest, startFaultProxy } from './fault-proxy.ts'
import { azuriteConnection, type Server, s3Connection, startAzurite, startS3 } from './servers.ts'

/** Of the store that is to give up what hangs; on a busy machine a server alone may be silent for longer. */
const IDLE_MS = 1500
const bytes = (text: string): Uint8Array => Buffer.from(text)

const isPut = ({ method }: SeenRequest): boolean => method === 'PUT'
const isGet = ({ method, path }: SeenRequest): boolean => method === 'GET' && !isListing({ path })
const isListing = ({ path }: Pick<SeenRequest, 'path'>): boolean => /list-type=2|comp=list/.test(path)

interface Opened {
  readonly server: Server
  readonly proxy: FaultProxy
  readonly store: ObjectStore
  readonly impatient: ObjectStore
}

async function s3(): Promise<Opened> {
  const server = await startS3()
  await server.createBucket('faults')
  const proxy = await startFaultProxy(server.endpoint)
  const storeOf = (idleMs?: number) => openS3(at('s3', 'faults'), s3Connection(proxy.endpoint), idleMs)
  return { server, proxy, store: storeOf(), impatient: storeOf(IDLE_MS) }
}

async function azure(): Promise<Opened> {
  const server = await startAzurite()
  await server.createContainer('faults')
  const proxy = await startFaultProxy(server.endpoint)
  const storeOf = (idleMs?: number) => openAzure(at('az', 'faults'), azuriteConnection(proxy.endpoint), idleMs)
  return { server, proxy, store: await storeOf(), impatient: await storeOf(IDLE_MS) }
}

function at(scheme: 's3' | 'az', container: string): ObjectUrl {
  return { scheme, root: `${scheme}://${container}`, container, accountHost: null, path: '' }
}

describe.each([
  ['S3', s3],
  ['Azure', azure],
])('%s behind a network that fails', (_, open) => {
  let opened: Opened
  let folder: string
  beforeAll(async () => {
    opened = await open()
    folder = mkdtempSync(join(tmpdir(), 'ingestd-faults-'))
  })
  afterEach(() => opened.proxy.setRules([]))
  afterAll(async () => {
    await opened.proxy.stop()
    await opened.server.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  /** What comes of work while a rule holds; the rule took what it was made for. */
  const under = async <T>(rule: Rule, work: (store: ObjectStore) => Promise<T>, store = opened.store): Promise<T> => {
    const before = opened.proxy.taken.length
    opened.proxy.setRules([rule])
    const result = await work(store)
    expect(opened.proxy.taken.length).toBeGreaterThan(before)
    opened.proxy.setRules([])
    return result
  }
  const contentOf = async (key: string) => {
    const read = await opened.store.read(key)
    return read.kind === 'read' ? Buffer.from(read.content).toString() : read.kind
  }

  const LOST: readonly Fault[] = [
    { kind: 'drop-before' },
    { kind: 'drop-after' },
    { kind: 'duplicate', answer: 1 },
    { kind: 'duplicate', answer: 2 },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429 },
    { kind: 'delay', ms: 200 },
  ]

  test.each(LOST)('a conditional write under %j is told as its own', async (fault) => {
    const key = randomUUID()
    expect(await under({ when: isPut, fault, times: 1 }, (store) => store.putIfAbsent(key, bytes('mine')))).toBe('created')
    expect(await contentOf(key)).toBe('mine')
  })

  test.each(LOST)('a conditional write under %j to what another one wrote is told as lost, even with the same content', async (fault) => {
    const key = randomUUID()
    await opened.store.putIfAbsent(key, bytes('same'))
    expect(await under({ when: isPut, fault, times: 1 }, (store) => store.putIfAbsent(key, bytes('same')))).toBe('exists')
  })

  test('an answer that is lost again and again is found out by looking', async () => {
    const key = randomUUID()
    expect(await under({ when: isPut, fault: { kind: 'drop-after' } }, (store) => store.putIfAbsent(key, bytes('mine')))).toBe('created')
  })

  test('of writers whose answers are lost one alone is told that it won', async () => {
    const key = randomUUID()
    const answers = await under({ when: isPut, fault: { kind: 'drop-after' }, times: 4 }, (store) =>
      Promise.all(Array.from({ length: 8 }, (_, index) => store.putIfAbsent(key, bytes(`writer ${index}`)))),
    )
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1)
    expect(await contentOf(key)).toBe(`writer ${answers.indexOf('created')}`)
  })

  test('a file that was cut on its way comes whole, from where it was cut', async () => {
    const content = Buffer.alloc(20 * 1024 * 1024, 'abcdefg')
    const path = join(folder, 'up')
    writeFileSync(path, content)
    const entry = await opened.store.upload(path, randomUUID())
    for (const fault of [{ kind: 'cut', bytes: 100_000 }, { kind: 'drop-after' }, { kind: 'status', status: 503 }] as const) {
      const back = join(folder, `back-${fault.kind}`)
      expect(await under({ when: isGet, fault, times: 3 }, (store) => store.download(entry, back))).toBe('read')
      expect(Buffer.compare(readFileSync(back), content)).toBe(0)
    }
    const begins = opened.proxy.seen.map(({ headers }) =>
      Number(/^bytes=(\d+)-/.exec(String(headers['x-ms-range'] ?? headers['range']))?.[1] ?? 0),
    )
    expect(begins.some((begin) => begin % RANGE_BYTES !== 0)).toBe(true)
  })

  test('a body that hangs is given up and asked for again', async () => {
    const { store, impatient } = opened
    const entry = await store.put(randomUUID(), Buffer.alloc(300_000, 1))
    const back = join(folder, 'hung')
    const hangs: Rule = { when: isGet, fault: { kind: 'hang', bytes: 70_000 }, times: 1 }
    const delays: Rule = { when: isGet, fault: { kind: 'delay', ms: 2 * IDLE_MS }, times: 1 }
    expect(await under(hangs, (asked) => asked.download(entry, back), impatient)).toBe('read')
    expect(readFileSync(back).byteLength).toBe(300_000)
    expect(await under(hangs, (asked) => asked.read(entry.key), impatient)).toMatchObject({ kind: 'read' })
    expect(await under(delays, (asked) => asked.read(entry.key), impatient)).toMatchObject({ kind: 'read' })
  })

  test('a download that fails leaves nothing behind', async () => {
    const entry = await opened.store.put(randomUUID(), bytes('abc'))
    const refused: Rule = { when: isGet, fault: { kind: 'status', status: 403 } }
    await expect(under(refused, (store) => store.download(entry, join(folder, 'refused')))).rejects.toMatchObject({
      code: 'ING-STORAGE-DENIED',
    })
    expect(readdirSync(folder).filter((name) => name.startsWith('refused'))).toEqual([])
  })

  test('a page of a listing that comes again is left out, and one that never ends is an error', async () => {
    const prefix = `${randomUUID()}/`
    const names = ['1', '2', '3', '4', '5', '6']
    for (const name of names) await opened.store.put(`${prefix}${name}`, bytes(name))
    const list = async (store: ObjectStore) => {
      const pages: ObjectPage[] = []
      for await (const page of store.list(prefix, { pageSize: 2 })) pages.push(page)
      return pages.flatMap(({ objects }) => objects.map(({ key }) => key.slice(prefix.length)))
    }
    expect(await list(opened.store)).toEqual(names)
    const isNext = (request: SeenRequest) => isListing(request) && /continuation-token|marker/.test(request.path)
    expect(await under({ when: isNext, fault: { kind: 'stale' }, times: 1 }, list)).toEqual(names)
    await expect(under({ when: isNext, fault: { kind: 'stale' } }, list)).rejects.toMatchObject({ code: 'ING-STORAGE-LISTING' })
    expect(await under({ when: isListing, fault: { kind: 'status', status: 503 }, times: 2 }, list)).toEqual(names)
  })

  test('a store that overwrites whatever the condition says is found out', async () => {
    // An answer that says created to each of them is what such a store gives.
    const created: Fault = { kind: 'status', status: opened.store.root.startsWith('s3') ? 200 : 201, headers: { etag: '"x"' } }
    expect(await under({ when: isPut, fault: created }, (store) => store.keepsConditions('probe'))).toBe(false)
  })

  test('a server that is busy for ever is told as busy', async () => {
    const busy: Rule = { when: isGet, fault: { kind: 'status', status: 503 } }
    await expect(under(busy, (store) => store.read('x'))).rejects.toMatchObject({
      code: expect.stringMatching(/BUSY/) as string,
      retry: 'later',
    })
  }, 60_000)
})

describe('errors say what is wrong', () => {
  test('of S3: credentials, bucket, host', async () => {
    await using server = await startS3()
    await server.createBucket('there')
    const list = async (container: string, changes: Partial<ReturnType<typeof s3Connection>>) => {
      for await (const _ of openS3(at('s3', container), { ...server.connection, ...changes }).list('')) break
    }
    await list('there', {})
    await expect(list('there', { secretAccessKey: 'wrong' })).rejects.toMatchObject({ code: 'ING-STORAGE-CREDENTIALS' })
    await expect(list('there', { accessKeyId: 'nobody' })).rejects.toMatchObject({ code: 'ING-STORAGE-CREDENTIALS' })
    await expect(list('absent', {})).rejects.toMatchObject({ code: 'ING-STORAGE-BUCKET' })
    await expect(list('there', { endpoint: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'ING-STORAGE-UNREACHABLE' })
  })

  test('of S3: region, clock, permission, expired credentials', async () => {
    await using server = await startS3()
    const says = (code: string, status: number): Fault => ({
      kind: 'status',
      status,
      headers: { 'content-type': 'application/xml' },
      body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>about ${code}</Message></Error>`,
    })
    await using proxy = await startFaultProxy(server.endpoint)
    for (const [said, status, code] of [
      ['AuthorizationHeaderMalformed', 400, 'ING-STORAGE-REGION'],
      ['RequestTimeTooSkewed', 403, 'ING-STORAGE-CLOCK'],
      ['AccessDenied', 403, 'ING-STORAGE-DENIED'],
      ['ExpiredToken', 400, 'ING-STORAGE-CREDENTIALS'],
    ] as const) {
      proxy.setRules([{ when: () => true, fault: says(said, status) }])
      await expect(openS3(at('s3', 'b'), s3Connection(proxy.endpoint)).read('a'), said).rejects.toMatchObject({ code })
    }
  }, 120_000)

  test('of Azure: key, signature, container, host', async () => {
    await using server = await startAzurite()
    await server.createContainer('there')
    const list = async (container: string, changes: Partial<ReturnType<typeof azuriteConnection>>) => {
      const store = await openAzure(at('az', container), { ...server.connection, ...changes })
      for await (const _ of store.list('')) break
    }
    await list('there', {})
    await list('there', { accountKey: null, accountUrl: null, connectionString: server.connectionString })
    const wrong = Buffer.from('wrong').toString('base64')
    await expect(list('there', { accountKey: wrong })).rejects.toMatchObject({
      // Azure says that the signature is wrong, the emulator that access is denied.
      code: expect.stringMatching(/CREDENTIALS|DENIED/) as string,
    })
    await expect(list('there', { accountKey: null, sasToken: 'sv=2024-01-01&sig=abc' })).rejects.toMatchObject({
      code: expect.stringMatching(/CREDENTIALS|DENIED/) as string,
      message: expect.not.stringMatching(/sig=abc/) as string,
    })
    await expect(list('absent', {})).rejects.toMatchObject({ code: 'ING-STORAGE-BUCKET' })
    await expect(list('there', { accountUrl: 'http://127.0.0.1:1/devstoreaccount1' })).rejects.toMatchObject({
      code: 'ING-STORAGE-UNREACHABLE',
    })
  })
})
