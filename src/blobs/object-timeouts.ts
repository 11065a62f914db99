import { CutBody } from './object-failures.ts'

/** Without a byte of an answer. */
export const IDLE_MS = 60_000
/** A request that sends a part. */
export const SENDING_MS = 300_000

class RequestTimeout extends Error {
  override readonly name = 'TimeoutError'
}

/** Gives up a request whose answer does not begin in time. Its body has a time of its own. */
export async function patient<T>(ms: number, outer: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController()
  const timer = setTimeout(() => own.abort(), ms)
  try {
    return await work(outer === undefined ? own.signal : AbortSignal.any([outer, own.signal]))
  } catch (error) {
    if (own.signal.aborted && outer?.aborted !== true) throw new RequestTimeout(`no answer within ${Math.round(ms / 1000)} s`)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Chunks that come one after another; one that does not come in time is a cut. */
export async function* steady(chunks: AsyncIterable<Uint8Array>, ms: number): AsyncIterable<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  let isEnded = false
  try {
    for (;;) {
      const next = await inTime(iterator.next(), ms)
      if (next.done === true) {
        isEnded = true
        return
      }
      yield next.value
    }
  } finally {
    // Not awaited: a body that hangs would hang this as well.
    if (!isEnded) void iterator.return?.().catch(() => undefined)
    if (!isEnded && 'destroy' in chunks && typeof chunks.destroy === 'function') chunks.destroy()
  }
}

async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CutBody(`no byte within ${Math.round(ms / 1000)} s`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } catch (error) {
    // What a body that was cut is told as; who gave up himself is not asked.
    throw error instanceof Error && error.name === 'AbortError' ? new CutBody('the body was cut') : error
  } finally {
    clearTimeout(timer)
  }
}
