import type { Clock } from '../lib/clock.ts'

/** What `make` gave less than `ms` ago, or gives anew; who asks meanwhile waits for the same answer. A failure is not kept. */
export function cached<T>(ms: number, clock: Clock, make: () => Promise<T>): () => Promise<T> {
  let kept: { readonly atMs: number; readonly answer: Promise<T> } | undefined
  return () => {
    const nowMs = clock.now()
    // A clock that was set back makes nothing last longer.
    if (kept !== undefined && nowMs >= kept.atMs && nowMs - kept.atMs < ms) return kept.answer
    const answer = make()
    kept = { atMs: nowMs, answer }
    answer.catch(() => {
      if (kept?.answer === answer) kept = undefined
    })
    return answer
  }
}
