import { request } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError, UnavailableError } from '../../../src/errors/errors.ts'
import { type HttpOptions, type HttpSources, isOpen, startHttp } from '../../../src/http/server.ts'

const SOURCES: HttpSources = {
  alive: () => ({ alive: true, turned_seconds_ago: 0 }),
  ready: async () => ({ ready: true, reasons: [] }),
  metrics: async () => ({ type: 'text/plain; version=0.0.4', text: 'up 1\n' }),
  documents: {
    status: async () => ({ tables: [] }),
    files: async (query) => ({ asked: query.get('table') }),
    explain: async () => Promise.reject(new ConfigError('ING-USAGE', 'file must name a file')),
    broken: async () => Promise.reject(new Error('secret detail')),
    locked: async () => Promise.reject(new UnavailableError('ING-TRACKER-LOCKED', 'https://u:p@h/x is locked')),
  },
}

describe('answers', () => {
  test('health, metrics, documents, the page', async () => {
    const { get } = await server()
    expect(await get('/healthz')).toMatchObject({ status: 200, json: { alive: true, turned_seconds_ago: 0 } })
    expect(await get('/readyz')).toMatchObject({ status: 200, json: { ready: true, reasons: [] } })
    expect(await get('/metrics')).toMatchObject({ status: 200, text: 'up 1\n', type: 'text/plain; version=0.0.4' })
    expect(await get('/api/status')).toMatchObject({ status: 200, json: { tables: [] } })
    expect(await get('/api/files?table=a%20b')).toMatchObject({ json: { asked: 'a b' } })
    expect(await get('/')).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' })
    expect((await get('/page.js')).type).toBe('text/javascript; charset=utf-8')
    expect((await get('/page.css')).type).toBe('text/css; charset=utf-8')
  })

  test('what is not there, and names of objects of the language', async () => {
    const { get } = await server()
    for (const path of ['/x', '/api/', '/api/x', '/api/constructor', '/toString', '/api/status/', '/../package.json', '/%2e%2e/x'])
      expect(await get(path), path).toMatchObject({ status: 404 })
  })

  test('not ready, not alive, a tracker that cannot be read', async () => {
    const { get } = await server({
      sources: {
        ...SOURCES,
        alive: () => ({ alive: false, turned_seconds_ago: 99 }),
        ready: async () => ({ ready: false, reasons: ['a.b is late'] }),
      },
    })
    expect((await get('/healthz')).status).toBe(503)
    expect(await get('/readyz')).toMatchObject({ status: 503, json: { ready: false, reasons: ['a.b is late'] } })
    const gone = await server({
      sources: { ...SOURCES, ready: () => Promise.reject(new UnavailableError('ING-TRACKER-LOCKED', 'the tracker is locked')) },
    })
    expect(await gone.get('/readyz')).toMatchObject({ status: 503, json: { reasons: ['the tracker is locked'] } })
  })

  test('errors: of the question, of the tracker without its secrets, of ours without details, and logged', async () => {
    const { get, errors } = await server()
    expect((await get('//')).status).toBe(400)
    expect(await get('/api/explain')).toMatchObject({
      status: 400,
      json: { error: { code: 'ING-USAGE', message: 'file must name a file' } },
    })
    expect(await get('/api/locked')).toMatchObject({ status: 503, json: { error: { message: 'https://***@h/x is locked' } } })
    const broken = await get('/api/broken')
    expect(broken.status).toBe(500)
    expect(broken.text).not.toContain('secret detail')
    expect(errors).toEqual(['/api/locked', '/api/broken'])
  })

  test('nothing but GET and HEAD', async () => {
    const { get } = await server()
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await get('/api/status', { method })
      expect(answer.status, method).toBe(405)
      expect(answer.headers.get('allow')).toBe('GET, HEAD')
    }
    expect(await get('/api/status', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
  })

  test('every answer forbids other sources, framing and sniffing', async () => {
    const { get } = await server()
    for (const path of ['/', '/page.js', '/api/status', '/x']) {
      const { headers } = await get(path)
      expect(headers.get('content-security-policy'), path).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('metrics that are off are not there', async () => {
    const { get } = await server({ sources: { ...SOURCES, metrics: null } })
    expect((await get('/metrics')).status).toBe(404)
  })
})

describe('token', () => {
  test('is asked for before data, and not by probes and the empty page', async () => {
    const { get } = await server({
      token: 's3cret',
      sources: { ...SOURCES, ready: async () => ({ ready: false, reasons: ['shop.orders is late'] }) },
    })
    for (const path of ['/metrics', '/api/status', '/api/x', '/x']) {
      const answer = await get(path)
      expect(answer.status, path).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      for (const wrong of ['Bearer s3cre', 'Bearer s3cretx', 'Basic s3cret', 's3cret', 'Bearer', 'Bearer  '])
        expect((await get(path, { headers: { authorization: wrong } })).status, wrong).toBe(401)
    }
    expect((await get('/metrics', { headers: { authorization: 'Bearer s3cret' } })).status).toBe(200)
    expect((await get('/api/status', { headers: { authorization: 'bearer s3cret' } })).status).toBe(200)
    expect((await get('/healthz')).status).toBe(200)
    expect((await get('/')).status).toBe(200)
    // A probe learns that it is not ready, and no name of a table.
    expect(await get('/readyz')).toMatchObject({ status: 503, json: { ready: false } })
    expect((await get('/readyz')).text).not.toContain('shop')
    expect((await get('/readyz', { headers: { authorization: 'Bearer s3cret' } })).text).toContain('shop.orders is late')
  })

  test('who may read without one is told', () => {
    expect(isOpen({ host: '0.0.0.0', token: null })).toBe(true)
    expect(isOpen({ host: '::', token: null })).toBe(true)
    expect(isOpen({ host: '10.0.0.1', token: 'x' })).toBe(false)
    for (const host of ['127.0.0.1', '127.8.8.8', 'localhost', '::1']) expect(isOpen({ host, token: null }), host).toBe(false)
  })
})

describe('addresses', () => {
  test('on the loopback, a name that leads here from outside is refused', async () => {
    const { port } = await server()
    expect(await statusFor(port, 'evil.example:80')).toBe(421)
    for (const host of ['localhost', `127.0.0.1:${port}`, '[::1]:9464', 'ingest.localhost', '10.0.0.7'])
      expect(await statusFor(port, host), host).toBe(200)
  })

  test('with a token any name will do', async () => {
    const { port } = await server({ token: 't' })
    expect(await statusFor(port, 'ingest.example', { authorization: 'Bearer t' })).toBe(200)
  })

  test('a port that is taken, an address that is not of this machine', async () => {
    const { port } = await server()
    await expect(server({ port })).rejects.toMatchObject({
      code: 'ING-HTTP-ADDRESS',
      message: `cannot serve health and metrics on 127.0.0.1:${port}: another process listens there`,
    })
    await expect(server({ host: '203.0.113.1' })).rejects.toMatchObject({
      code: 'ING-HTTP-ADDRESS',
      message: 'cannot serve health and metrics on 203.0.113.1:0: this machine has no such address',
    })
  })

  test('closing ends open connections, and frees the port', async () => {
    const first = await server()
    await first.get('/healthz')
    await first.close()
    const again = await server({ port: first.port })
    expect((await again.get('/healthz')).status).toBe(200)
  })
})

async function server(more: Partial<HttpOptions> = {}) {
  const errors: string[] = []
  const started = await startHttp({
    host: '127.0.0.1',
    port: 0,
    token: null,
    sources: SOURCES,
    onError: (_error, path) => errors.push(path),
    ...more,
  })
  const close = async () => started[Symbol.asyncDispose]()
  onTestFinished(close)
  const get = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${started.url}${path}`, init)
    const text = await answer.text()
    const type = answer.headers.get('content-type')
    return {
      status: answer.status,
      text,
      type,
      headers: answer.headers,
      json: type?.startsWith('application/json') && text ? JSON.parse(text) : undefined,
    }
  }
  return { get, errors, port: started.port, close }
}

/** `fetch` lets nobody set the name of the host. */
function statusFor(port: number, host: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/api/status', headers: { host, ...headers } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
