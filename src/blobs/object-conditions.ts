import { randomUUID } from 'node:crypto'
import type { ObjectStore } from './objects.ts'

const ROUNDS = 4
const WRITERS = 8

/** A conditional write as the store answers it, without looking at what is there. */
export type ConditionalPut = (key: string, content: Uint8Array) => Promise<'created' | 'refused' | 'unknown'>

/**
 * Whether of several writes of one new key, after one another and at the same time, one alone is taken. It is evidence, not proof: a
 * store that ignores the condition fails at the first look, and one that looks and then writes fails in most rounds.
 */
export async function keepsConditions(store: Pick<ObjectStore, 'read' | 'remove'>, prefix: string, put: ConditionalPut): Promise<boolean> {
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  const keys = Array.from({ length: ROUNDS + 1 }, () => `${folder}condition-${randomUUID()}`)
  const [first = '', ...raced] = keys
  try {
    if (!(await keepsFirst(store, first, put))) return false
    for (const key of raced) {
      const writers = Array.from({ length: WRITERS }, (_, index) => put(key, Buffer.from(`${key} ${index}`)))
      const winners = (await Promise.all(writers)).filter((answer) => answer === 'created')
      if (winners.length !== 1) return false
    }
    return true
  } finally {
    await store.remove(keys)
  }
}

async function keepsFirst(store: Pick<ObjectStore, 'read'>, key: string, put: ConditionalPut): Promise<boolean> {
  const [one, other] = [Buffer.from(`${key} first`), Buffer.from(`${key} second`)]
  if ((await put(key, one)) !== 'created' || (await put(key, other)) !== 'refused') return false
  const found = await store.read(key)
  return found.kind === 'read' && Buffer.compare(found.content, one) === 0
}
