import { randomUUID } from 'node:crypto'
import { type Failure, repeated } from './object-retry.ts'

/** Names the call that wrote an object in its metadata, so that the call knows its own object. */
export const MARK = 'ingestdput'

const RACES = 5

/** How a store is asked, as far as making an object that is not there yet goes. Errors are the SDK's. */
export interface Creating {
  /** Writes under the condition, with the mark in the metadata. */
  readonly write: (mark: string) => Promise<unknown>
  /** Null for an object without a mark, undefined when there is none. */
  readonly markNow: () => Promise<string | null | undefined>
  /** Tells an own object of a store that keeps no metadata; undefined where that is not tried. */
  readonly hasContent: (() => Promise<boolean>) | undefined
  readonly failureOf: (error: unknown) => Failure
  /** The condition did not hold. */
  readonly isRefused: (error: unknown) => boolean
  /** Another writer is at work on the same key, and nothing tells yet who wins. */
  readonly isRace: (error: unknown) => boolean
}

/**
 * Of several writers one is told `created`. An answer that was lost, or that belongs to a request that was sent twice on its way, does not
 * tell; then the object itself says whose it is.
 */
export async function createdOnce(creating: Creating): Promise<'created' | 'exists'> {
  const { write, failureOf, isRefused, isRace } = creating
  const mark = randomUUID()
  let isAmbiguous = false
  try {
    await repeated(
      async (attempt) => {
        try {
          // Perhaps nothing but the answer is missing.
          if (isAmbiguous && (await isOwn(creating, mark, true)) === true) return
          await write(mark)
        } catch (error) {
          isAmbiguous ||= failureOf(error).ambiguous
          if (isRace(error) && attempt >= RACES) throw new LostRace()
          throw error
        }
      },
      (error) => (isRace(error) ? { passes: true, ambiguous: false } : failureOf(error)),
    )
    return 'created'
  } catch (error) {
    const isLost = error instanceof LostRace || isRefused(error)
    if (!isLost && !isAmbiguous) throw error
    const own = await isOwn(creating, mark, isAmbiguous)
    if (own === undefined && !isLost) throw error
    return own === true ? 'created' : 'exists'
  }
}

class LostRace extends Error {}

/** Undefined when nothing is there. */
async function isOwn({ markNow, hasContent }: Creating, mark: string, isAmbiguous: boolean): Promise<boolean | undefined> {
  const found = await markNow()
  if (found === undefined) return undefined
  if (found === null && isAmbiguous && hasContent !== undefined) return hasContent()
  return found === mark
}
