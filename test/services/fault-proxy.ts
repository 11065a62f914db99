import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort } from '../support/ports.ts'
import { type Server, stopping } from './servers.ts'

/** A request as the proxy sees it. */
export interface SeenRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** What a rule does to the requests that it takes. */
export type Fault =
  /** The connection is closed and the server gets nothing. */
  | { readonly kind: 'drop-before' }
  /** The server does what it was asked for, and its answer is lost. */
  | { readonly kind: 'drop-after' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The server gets the request twice; the answer is that of the `answer`th time. */
  | { readonly kind: 'duplicate'; readonly answer: 1 | 2 }
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The head of the answer and this many bytes of its body. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** The head and this many bytes, and then nothing more. */
  | { readonly kind: 'hang'; readonly bytes: number }
  /** The first answer that was given to such a request is given again. */
  | { readonly kind: 'stale' }
  /** Another answer in the place of the server's. */
  | { readonly kind: 'change'; readonly change: (body: string) => string }

export interface Rule {
  readonly when: (request: SeenRequest) => boolean
  readonly fault: Fault
  /** Requests that it takes; all when left out. */
  readonly times?: number
}

export interface FaultProxy extends Server {
  /** Requests that rules took, in order. */
  readonly taken: readonly SeenRequest[]
  readonly seen: readonly SeenRequest[]
  setRules(rules: readonly Rule[]): void
}

/** What was sent before a cut has time to arrive. */
const CUT_MS = 500

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** Stands before a server and does to requests what networks and busy servers do. The host of a request stays, which it is signed for. */
export async function startFaultProxy(upstream: string, rules: readonly Rule[] = []): Promise<FaultProxy> {
  const target = new URL(upstream)
  let current = rules.map((rule) => ({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY }))
  const taken: SeenRequest[] = []
  const seen: SeenRequest[] = []
  const old = new Map<string, Answer>()
  const server = createServer((incoming, response) => {
    void (async () => {
      const body = await bodyOf(incoming)
      const said: SeenRequest = { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers }
      seen.push(said)
      const rule = current.find((one) => one.left > 0 && one.when(said))
      const send = () => sent(target, said, body)
      if (rule === undefined) return answer(response, await kept(old, said, await send()))
      rule.left -= 1
      taken.push(said)
      await faulty(rule.fault, { response, send, old: old.get(keyOf(said)) })
    })().catch(() => response.destroy())
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${port}${target.pathname.replace(/\/$/, '')}`,
    taken,
    seen,
    setRules: (next) => {
      current = next.map((rule) => ({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY }))
    },
    ...stopping(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }),
  }
}

async function faulty(
  fault: Fault,
  { response, send, old }: { readonly response: ServerResponse; readonly send: () => Promise<Answer>; readonly old: Answer | undefined },
): Promise<void> {
  switch (fault.kind) {
    case 'drop-before':
      response.destroy()
      return
    case 'drop-after':
      await send()
      response.destroy()
      return
    case 'delay':
      await sleep(fault.ms)
      answer(response, await send())
      return
    case 'duplicate': {
      const answers = [await send(), await send()]
      answer(response, answers[fault.answer - 1] ?? (await send()))
      return
    }
    case 'status':
      answer(response, { status: fault.status, headers: { ...fault.headers }, body: Buffer.from(fault.body ?? '') })
      return
    case 'cut':
    case 'hang': {
      const { status, headers, body } = await send()
      response.writeHead(status, { ...plain(headers), 'content-length': String(body.byteLength) })
      response.write(body.subarray(0, fault.bytes))
      if (fault.kind === 'cut') setTimeout(() => response.destroy(), CUT_MS)
      return
    }
    case 'stale':
      answer(response, old ?? (await send()))
      return
    case 'change': {
      const { status, headers, body } = await send()
      answer(response, { status, headers, body: Buffer.from(fault.change(body.toString())) })
    }
  }
}

function kept(old: Map<string, Answer>, said: SeenRequest, given: Answer): Answer {
  if (said.method === 'GET' && !old.has(keyOf(said)) && given.body.byteLength < 1_000_000) old.set(keyOf(said), given)
  return given
}

/** A page of a listing is one, whichever token asks for it. */
function keyOf({ method, path }: SeenRequest): string {
  return `${method} ${path.replace(/([?&])(?:continuation-token|marker)=[^&]*/, '$1')}`
}

async function sent(target: URL, { method, path, headers }: SeenRequest, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: target.hostname, port: target.port, method, path, headers, agent: false }, (answered) => {
      bodyOf(answered).then((content) => resolve({ status: answered.statusCode ?? 500, headers: answered.headers, body: content }), reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function answer(response: ServerResponse, { status, headers, body }: Answer): void {
  // The length of an answer to HEAD is not that of its body.
  const length = body.byteLength === 0 ? {} : { 'content-length': String(body.byteLength) }
  response.writeHead(status, { ...plain(headers), ...length })
  response.end(body)
}

function plain({ 'transfer-encoding': _, connection: __, ...headers }: IncomingMessage['headers']): IncomingMessage['headers'] {
  return headers
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
