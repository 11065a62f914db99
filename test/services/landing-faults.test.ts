import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { RANGE_BYTES } from '../../src/blobs/object-files.ts'
import type { ObjectStore } from '../../src/blobs/objects.ts'
import { openObjects } from '../../src/blobs/open-objects.ts'
import { Landing } from '../support/landing.ts'
import { type Fault, type FaultProxy, type SeenRequest, startFaultProxy } from './fault-proxy.ts'
import { type S3Server, startS3 } from './servers.ts'

let server: S3Server
let proxy: FaultProxy
/** Past the proxy. */
let store: ObjectStore
let folder: string
beforeAll(async () => {
  server = await startS3()
  await server.createBucket('landing')
  proxy = await startFaultProxy(server.endpoint)
  store = (await openObjects('s3://landing', server.connection)).store
  folder = mkdtempSync(join(tmpdir(), 'ingestd-landing-faults-'))
})
afterEach(() => proxy.setRules([]))
afterAll(async () => {
  await proxy?.stop()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const isListing = ({ path }: SeenRequest) => /list-type=2/.test(path)
const isDownload = (request: SeenRequest) => request.method === 'GET' && !isListing(request)

let number = 0
function landing(table: Record<string, unknown> = {}) {
  number += 1
  const prefix = `faults-${number}`
  const place = new Landing(table, {
    raw_data_path: `s3://landing/${prefix}`,
    connections: { store: { ...server.config, endpoint: proxy.endpoint } },
  })
  const put = (name: string, content: string) => store.put(`${prefix}/${name}`, Buffer.from(content))
  return Object.assign(place, { put, prefix, url: `s3://landing/${prefix}` })
}

const FAULTS: readonly Fault[] = [
  { kind: 'drop-before' },
  { kind: 'drop-after' },
  { kind: 'duplicate', answer: 2 },
  { kind: 'delay', ms: 300 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429 },
  { kind: 'cut', bytes: 3 },
]

test('what a network does to listings and downloads keeps no file from its load, and doubles none', async () => {
  const place = landing()
  for (const [index, fault] of FAULTS.entries()) {
    await place.put(`${index}.csv`, `id\n${index}\n`)
    const before = proxy.taken.length
    proxy.setRules([
      { when: isListing, fault, times: 1 },
      { when: isDownload, fault, times: 1 },
    ])
    const report = await place.run()
    expect([fault, report.tables[0]?.status, report.tables[0]?.errors]).toEqual([fault, 'pass', []])
    expect([fault, proxy.taken.length - before]).toEqual([fault, 2])
  }
  expect(await place.rows('count(*)::int as n, count(distinct id)::int as d')).toEqual([{ n: FAULTS.length, d: FAULTS.length }])
})

test('an object that was replaced, with the same size, or that vanished after the listing: the one waits, the other is told', async () => {
  const place = landing()
  await place.put('a.csv', 'id\n1\n')
  await place.put('b.csv', 'id\n2\n')
  await place.put('c.csv', 'id\n3\n')
  // The listing is asked for, so that the proxy has it to give again.
  await place.run({ dryRun: true })
  await place.put('a.csv', 'id\n7\n')
  await store.remove([`${place.prefix}/b.csv`])
  proxy.setRules([{ when: isListing, fault: { kind: 'stale' } }])
  const report = await place.run()
  expect(report.tables[0]).toMatchObject({ files: { loaded: 1 } })
  expect(report.tables[0]?.errors.map(({ file, code }) => [file, code])).toContainEqual([`${place.url}/b.csv`, 'ING-FILE-GONE'])
  proxy.setRules([])
  await place.run()
  expect(await place.rows('id::int as id')).toEqual([{ id: 3 }, { id: 7 }])
  const a = (await place.files()).find(({ file_path: path }) => path.endsWith('/a.csv'))
  expect(a?.status).toBe('completed')
})

test('an object of several parts that is replaced in the middle of its download is loaded anew, and whole', async () => {
  const place = landing()
  const rows = 1800
  const path = join(folder, 'large.csv')
  const write = (mark: string) =>
    writeFileSync(path, `id,pad\n${Array.from({ length: rows }, (_, id) => `${id},${mark.repeat(10_000)}\n`).join('')}`)
  write('a')
  const { etag } = await store.upload(path, `${place.prefix}/large.csv`)
  expect(etag).toMatch(/-\d+$/)
  const isLater = (request: SeenRequest) => isDownload(request) && String(request.headers['range']).startsWith(`bytes=${RANGE_BYTES}-`)
  proxy.setRules([{ when: isLater, fault: { kind: 'status', status: 412 }, times: 1 }])
  const report = await place.run()
  expect(proxy.taken.filter(isLater)).toHaveLength(1)
  expect(report.tables[0]?.files.loaded).toBe(0)
  write('b')
  await store.remove([`${place.prefix}/large.csv`])
  await store.upload(path, `${place.prefix}/large.csv`)
  await place.run()
  expect(await place.rows('count(*)::int as n, min(pad[1]) as low, max(pad[1]) as high')).toEqual([{ n: rows, low: 'b', high: 'b' }])
})

test.each([
  [
    'that is denied',
    { kind: 'status', status: 403, headers: { 'content-type': 'application/xml' }, body: '<Error><Code>AccessDenied</Code></Error>' },
    'ING-STORAGE-DENIED',
  ],
  [
    'whose credentials have expired',
    { kind: 'status', status: 400, headers: { 'content-type': 'application/xml' }, body: '<Error><Code>ExpiredToken</Code></Error>' },
    'ING-STORAGE-CREDENTIALS',
  ],
] as const)('a listing %s fails the table by name, and loses nothing', async (_, fault, code) => {
  const place = landing()
  await place.put('a.csv', 'id\n1\n')
  proxy.setRules([{ when: isListing, fault }])
  const report = await place.run()
  expect(report.tables[0]).toMatchObject({ status: 'error', files: { loaded: 0 } })
  expect(report.tables[0]?.errors[0]?.code).toBe(code)
  proxy.setRules([])
  expect((await place.run()).tables[0]?.files.loaded).toBe(1)
})
