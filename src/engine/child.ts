import { type ChildProcess, fork } from 'node:child_process'
import { Socket } from 'node:net'
import { UnavailableError } from '../errors/errors.ts'
import { fromWire, type WireError } from '../errors/wire.ts'

/** What a child is told, and what it answers; structured clone carries bigints. */
export type Request =
  | { readonly id: number; readonly method: string; readonly argument: unknown }
  | { readonly interrupt: true }
  | { readonly release: true }
export type Response =
  | { readonly id: number; readonly result: unknown; readonly resident: number }
  | { readonly id: number; readonly error: WireError; readonly resident: number }
  | { readonly id: number; readonly progress: { readonly stage: string; readonly fraction: number } }

export interface CallOptions {
  readonly onProgress?: ((stage: string, fraction: number) => void) | undefined
  /** The call is interrupted after this time, and its process killed when that does not help. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Time that an interrupted statement has to end before its process is killed, unless it is said; no longer than the call itself had. */
const GRACE_MS = 10_000
/** Timers of more milliseconds than this fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  readonly onProgress: CallOptions['onProgress']
}

/** How long an idle process waits for another who needs one. */
const IDLE_MS = 10_000

/** Processes that nobody has: started before anybody knew what for, or given back. */
interface Idle {
  readonly entry: string
  readonly child: ChildProcess
  /** A process has the environment of its start for good. */
  readonly environment: string
}

const idle = new Set<Idle>()
const environments = new WeakMap<ChildProcess, string>()

/** Starts a process ahead of the `Child` that will take it: it loads its modules while this one loads its own. */
export function prepareChild(entry: URL): void {
  setIdle(entry, forked(entry))
}

/** One that cannot start, or that nobody takes, is no concern of anybody: without a parent it ends. */
function setIdle(entry: URL, child: ChildProcess): Idle {
  const one = { entry: entry.href, child, environment: environments.get(child) ?? '' }
  child.on('error', () => undefined)
  child.once('exit', () => idle.delete(one))
  setHeld(child, false)
  idle.add(one)
  return one
}

/** Keeps a process for whoever needs one next: its modules take longer to load than a small batch. */
function giveBack(entry: URL, child: ChildProcess): void {
  for (const event of ['message', 'error', 'exit']) child.removeAllListeners(event)
  child.stderr?.removeAllListeners('data').resume()
  child.send({ release: true } satisfies Request)
  const one = setIdle(entry, child)
  setTimeout(() => {
    if (idle.delete(one) && child.connected) child.disconnect()
  }, IDLE_MS).unref()
}

function takeIdle(entry: URL): ChildProcess | undefined {
  const environment = JSON.stringify(process.env)
  for (const one of idle) {
    if (one.entry !== entry.href || one.environment !== environment || !one.child.connected) continue
    idle.delete(one)
    one.child.removeAllListeners('error').removeAllListeners('exit')
    setHeld(one.child, true)
    return one.child
  }
  return undefined
}

function forked(entry: URL): ChildProcess {
  // No execArgv of the parent: a debugger port or a loader belongs to it alone.
  const child = fork(entry, [], { serialization: 'advanced', execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  environments.set(child, JSON.stringify(process.env))
  return child
}

/** Whether this process stays alive for the sake of the other. */
function setHeld(child: ChildProcess, held: boolean): void {
  const method = held ? 'ref' : 'unref'
  child[method]()
  child.channel?.[method]()
  if (child.stderr instanceof Socket) child.stderr[method]()
}

/** A process that answers calls, one at a time. Its death rejects the call with `ING-ENGINE-CRASH`; the next call starts another. */
export class Child implements AsyncDisposable {
  readonly #entry: URL
  readonly #argument: unknown
  readonly #graceMs: number
  #process: ChildProcess | undefined
  #waiting = new Map<number, Waiting>()
  #nextId = 1
  /** The last lines that the process wrote to stderr, for the message of a crash. */
  #lastWords = ''
  #startedMs = 0
  #resident = 0
  /** Whether the process is being killed because a call took too long. */
  #isTimedOut = false

  constructor(entry: URL, argument: unknown, graceMs = GRACE_MS) {
    this.#entry = entry
    this.#argument = argument
    this.#graceMs = graceMs
  }

  /** Starts the process, so that the first call finds it ready. */
  start(): void {
    this.#started()
  }

  async call(method: string, argument: unknown, options: CallOptions = {}): Promise<unknown> {
    options.signal?.throwIfAborted()
    const child = this.#started()
    const id = this.#nextId++
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject, onProgress: options.onProgress }))
    child.send({ id, method, argument } satisfies Request)
    const { timeoutMs, signal } = options
    let kill: NodeJS.Timeout | undefined
    const stop = (isTimedOut: boolean) => {
      if (child.connected) child.send({ interrupt: true } satisfies Request)
      kill ??= setTimeout(() => this.#kill(child, isTimedOut), Math.min(this.#graceMs, timeoutMs ?? this.#graceMs))
    }
    const abort = () => stop(false)
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => stop(true), Math.min(timeoutMs, LONGEST_TIMER_MS))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await answer
    } finally {
      clearTimeout(timer)
      clearTimeout(kill)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Ends the process, which must have no call; the next call starts another. */
  async retire(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    this.#resident = 0
    if (child !== undefined) await end(child, this.#graceMs)
  }

  /** How long the process has been running; 0 without one. */
  get ageMs(): number {
    return this.#process?.connected ? performance.now() - this.#startedMs : 0
  }

  /** Resident size of the process in bytes when it last answered; 0 without one. */
  get residentBytes(): number {
    return this.#process?.connected ? this.#resident : 0
  }

  /** A call that nobody waits for, whatever becomes of it; given once it is on its way. */
  async tell(method: string, argument: unknown): Promise<void> {
    const child = this.#started()
    await new Promise<void>((resolve) => child.send({ id: this.#nextId++, method, argument } satisfies Request, () => resolve()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    if (this.#waiting.size === 0) {
      if (child.connected) giveBack(this.#entry, child)
      return
    }
    await end(child, this.#graceMs)
  }

  #started(): ChildProcess {
    if (this.#process?.connected) return this.#process
    const child = takeIdle(this.#entry) ?? forked(this.#entry)
    this.#process = child
    this.#lastWords = ''
    this.#startedMs = performance.now()
    this.#isTimedOut = false
    child.send({ id: 0, method: 'start', argument: this.#argument } satisfies Request)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-2000)
    })
    child.on('message', (response) => this.#answered(response as Response))
    child.on('error', (error) => this.#ended(error.message))
    child.on('exit', (code, signal) => this.#ended(signal === null ? `it exited with ${code}` : `it was ended by ${signal}`))
    return child
  }

  #answered(response: Response): void {
    const waiting = this.#waiting.get(response.id)
    if (waiting === undefined) return
    if ('progress' in response) {
      waiting.onProgress?.(response.progress.stage, response.progress.fraction)
      return
    }
    this.#waiting.delete(response.id)
    this.#resident = response.resident
    if ('error' in response) waiting.reject(fromWire(response.error))
    else waiting.resolve(response.result)
  }

  #ended(reason: string): void {
    const words = this.#lastWords.trim().split('\n').slice(-3).join(' ')
    const error = this.#isTimedOut ? tookTooLong() : died(`${reason}${words === '' ? '' : ` (${words})`}`)
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  #kill(child: ChildProcess, isTimedOut: boolean): void {
    this.#isTimedOut = isTimedOut
    child.kill('SIGKILL')
  }
}

/** Without a parent a process ends by itself; one that does not is killed. */
async function end(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  if (child.connected) child.disconnect()
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await ended
  clearTimeout(timer)
}

function died(reason: string): UnavailableError {
  return new UnavailableError('ING-ENGINE-CRASH', `the load process died: ${reason}`, {
    hint: 'it is tried again; if memory is short, lower engine.memory_limit or max_parallel_jobs',
  })
}

function tookTooLong(): UnavailableError {
  return new UnavailableError('ING-FILE-TIMEOUT', 'the load took longer than timeout_minutes, and its process was killed', {
    hint: 'raise timeout_minutes, or lower max_bytes_per_batch',
  })
}
