import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../lib/clock.ts'
import { momentOf } from './complete.ts'
import type { Place } from './local-folder.ts'
import { lookAt } from './local-look.ts'
import { type Found, foundCount, Walk } from './local-walk.ts'
import type { SourceRules } from './rules.ts'
import type { Lister, ListingPage } from './watcher.ts'

/** Files of a page; what a listing holds in memory. */
const PAGE = 10_000

/** Milliseconds that the walk may keep the event loop; signals, timers and the display have their turn between. */
const SLICE_MS = 10

/**
 * Looks for the files of a table in local folders. Each complete file is seen once in a listing, in no order; a file
 * that is renamed meanwhile may be seen under both names or neither, and is met by the next listing.
 * `onFolder` is told of each folder before it is listed. `pages` throws the signal's reason when it is aborted.
 */
export function localLister(rules: SourceRules, clock: Clock, onFolder?: (folder: Place) => void): Lister {
  return {
    base: rules.pattern.base,
    pages: (signal, known) => pagesOf(new Walk(rules, { onFolder, known }), rules, clock, signal),
    look: async (path) => lookAt(rules, path, clock.now()),
  }
}

async function* pagesOf(walk: Walk, rules: SourceRules, clock: Clock, signal: AbortSignal): AsyncGenerator<ListingPage, void, undefined> {
  try {
    for (let isDone = false; !isDone; ) {
      const found: Found = { files: [], waiting: [], problems: [], chunks: [], known: 0, isFull: false }
      while (!isDone && !found.isFull) {
        signal.throwIfAborted()
        isDone = walk.advance(found, momentOf(rules.complete, clock.now()), { ms: SLICE_MS, full: PAGE })
        await setImmediate()
      }
      if (foundCount(found) + found.known > 0) yield found
    }
  } finally {
    walk.close()
  }
}
