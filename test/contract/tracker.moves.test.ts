import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { FileStatus } from '../../src/model/file.ts'
import { MOVES, move } from '../../src/tracker/moves.ts'

const STATES: readonly FileStatus[] = ['pending', 'processing', 'completed', 'failed', 'skipped']

describe('moves', () => {
  test('the state of a file changes only along the table of the product', () => {
    expect(MOVES).toEqual({
      pending: ['processing', 'skipped'],
      processing: ['completed', 'failed', 'skipped', 'pending'],
      completed: ['pending', 'skipped'],
      failed: ['pending', 'skipped'],
      skipped: ['pending'],
    })
  })

  test('a move beyond the table is a bug, and reaches no database', async () => {
    const unreachable = new Proxy({}, { get: () => expect.fail('the ledger was used') })
    for (const from of STATES) {
      for (const to of STATES.filter((state) => !MOVES[from].includes(state))) {
        // The proxy stands for a ledger that must not be used.
        const attempt = move(unreachable as Parameters<typeof move>[0], { from: [from], to, where: sql`true`, set: [], reason: sql`null` })
        await expect(attempt).rejects.toThrow(`a file cannot go from ${from} to ${to}`)
      }
    }
  })
})
