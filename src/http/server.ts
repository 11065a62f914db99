import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { IngestError, reportOf, UnavailableError } from '../errors/errors.ts'
import { bears, isLoopback, isOwnName } from './access.ts'
import type { Liveness, Readiness } from './health.ts'
import { PAGE_POLICY, pageFile } from './page.ts'

/** What the server answers with; each is asked for when a request comes. */
export interface HttpSources {
  readonly alive: () => Liveness
  /** Rejects when the tracker cannot be reached. */
  readonly ready: () => Promise<Readiness>
  /** Null where metrics are off. */
  readonly metrics: (() => Promise<{ readonly type: string; readonly text: string }>) | null
  /** Documents below `/api/`, by name. ConfigError for a question that makes no sense. */
  readonly documents: Readonly<Record<string, (query: URLSearchParams) => Promise<unknown>>>
}

export interface HttpOptions {
  readonly host: string
  /** 0 takes any that is free. */
  readonly port: number
  readonly token: string | null
  readonly sources: HttpSources
  /** Told of answers that failed. */
  readonly onError: (error: unknown, path: string) => void
}

export interface HttpServer extends AsyncDisposable {
  /** `http://127.0.0.1:9464` */
  readonly url: string
  readonly port: number
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** Nobody needs long to ask a short question; who is slower holds a socket for nothing. */
const REQUEST_MS = 10_000
const CONNECTIONS = 128

/**
 * Serves health, metrics, the status and the web page, all by GET. The server of Node and a switch over seven paths: a framework's
 * router, hooks and parsers of bodies would serve nothing here, and each start would load them.
 * UnavailableError `ING-HTTP-ADDRESS` where it cannot listen.
 */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAliveTimeout: REQUEST_MS },
    (request, response) => {
      void respond(request, response, options)
    },
  )
  server.maxConnections = CONNECTIONS
  await listening(server, options)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Whether anybody on the network may read what is served. */
export function isOpen({ host, token }: Pick<HttpOptions, 'host' | 'token'>): boolean {
  return token === null && !isLoopback(host)
}

function listening(server: Server, { host, port }: HttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    server.listen({ host, port }, () => resolve())
  })
}

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this machine has no such address',
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): UnavailableError {
  const why = LISTEN_PROBLEMS[error.code ?? ''] ?? error.message
  return new UnavailableError('ING-HTTP-ADDRESS', `cannot serve health and metrics on ${host}:${port}: ${why}`, { cause: error })
}

async function respond(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
  const url = urlOf(request)
  let answer: Answer
  try {
    answer = url === undefined ? failure(400, 'the address of the request cannot be read') : await answerTo(request, url, options)
  } catch (error) {
    answer = failed(error)
    if (answer.status >= 500) options.onError(error, url?.pathname ?? '')
  }
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    'content-security-policy': PAGE_POLICY,
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}

function urlOf(request: IncomingMessage): URL | undefined {
  try {
    return new URL(request.url ?? '/', 'http://localhost')
  } catch {
    return undefined
  }
}

async function answerTo(request: IncomingMessage, url: URL, options: HttpOptions): Promise<Answer> {
  const { sources, token, host } = options
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { ...failure(405, 'only GET is answered: nothing can be changed here'), headers: { allow: 'GET, HEAD' } }
  }
  const mayRead = token === null || bears(request, token)
  if (url.pathname === '/healthz') return aliveAnswer(sources)
  if (url.pathname === '/readyz') return readyAnswer(sources, mayRead)
  if (token === null && isLoopback(host) && !isOwnName(request)) return failure(421, 'the name of the request is not one of this machine')
  const page = pageFile(url.pathname)
  if (page !== undefined) return { status: 200, ...page }
  if (!mayRead) return { ...failure(401, 'a token is needed: Authorization: Bearer …'), headers: { 'www-authenticate': 'Bearer' } }
  return dataAnswer(sources, url)
}

async function dataAnswer({ metrics, documents }: HttpSources, { pathname, searchParams }: URL): Promise<Answer> {
  if (pathname === '/metrics' && metrics !== null) {
    const { type, text } = await metrics()
    return { status: 200, type, body: text }
  }
  const [, name = ''] = /^\/api\/([a-z]+)$/.exec(pathname) ?? []
  const document = Object.hasOwn(documents, name) ? documents[name] : undefined
  if (document !== undefined) return json(200, await document(searchParams))
  return failure(404, 'there is nothing here; see /, /metrics, /healthz, /readyz and /api/status')
}

function aliveAnswer({ alive }: HttpSources): Answer {
  const answer = alive()
  return json(answer.alive ? 200 : 503, answer)
}

/** A probe has no token: it gets the answer, without the names of tables. */
async function readyAnswer({ ready }: HttpSources, mayRead: boolean): Promise<Answer> {
  const { ready: isReady, reasons } = await ready().catch(
    (error: unknown): Readiness => ({ ready: false, reasons: [reportOf(error).message] }),
  )
  return json(isReady ? 200 : 503, mayRead ? { ready: isReady, reasons } : { ready: isReady })
}

/** What is not reached is told by its code; a fault of ours is in the log. */
function failed(error: unknown): Answer {
  const { code, message, hint } = reportOf(error)
  const isOurs = !(error instanceof IngestError)
  const status = isOurs ? 500 : code.startsWith('ING-TRACKER') ? 503 : 400
  return json(status, { error: { code, message: isOurs ? 'internal error; the log has more' : message, hint } })
}

function failure(status: number, message: string): Answer {
  return json(status, { error: { code: null, message, hint: null } })
}

function json(status: number, body: unknown): Answer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` }
}
