import { describe, expect, test } from 'vitest'
import { type ListingState, liveness, readiness } from '../../../src/http/health.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')

describe('readiness', () => {
  test.each<[string, Partial<ListingState>, string | undefined]>([
    ['listed a moment ago', { lastListedMs: NOW - 1000 }, undefined],
    ['late by less than three periods', { periodMs: 60_000, lastListedMs: NOW - 179_000 }, undefined],
    ['late by more', { periodMs: 60_000, lastListedMs: NOW - 181_000 }, 'shop.orders was listed 181 s ago, and should be every 60 s'],
    ['a short period has a minute', { periodMs: 1000, lastListedMs: NOW - 59_000 }, undefined],
    ['the next listing is planned for later', { periodMs: 1000, lastListedMs: NOW - 900_000, nextRunMs: NOW + 1000 }, undefined],
    [
      'the planned listing is long over',
      { periodMs: 30_000, nextRunMs: NOW - 91_000 },
      'shop.orders should have been listed at 2026-01-01T11:58:29.000Z',
    ],
    ['never listed', { lastListedMs: null }, 'shop.orders has not been listed yet'],
    ['never listed, at work', { lastListedMs: null, busy: true }, undefined],
    ['late and at work', { lastListedMs: NOW - 900_000, busy: true }, undefined],
    ['late and paused', { lastListedMs: NOW - 900_000, paused: true }, undefined],
    ['cannot be listed', { listingError: 'permission denied' }, 'shop.orders cannot be listed: permission denied'],
    ['by cron, before its time', { periodMs: null, lastListedMs: null, nextRunMs: NOW + 1 }, undefined],
    [
      'by cron, its time is long over',
      { periodMs: null, nextRunMs: NOW - 61_000 },
      'shop.orders should have been listed at 2026-01-01T11:58:59.000Z',
    ],
  ])('%s', (_name, state, reason) => {
    const table: ListingState = {
      table: 'shop.orders',
      periodMs: 30_000,
      lastListedMs: NOW,
      listingError: null,
      nextRunMs: null,
      busy: false,
      paused: false,
      ...state,
    }
    expect(readiness([table], NOW)).toEqual({ ready: reason === undefined, reasons: reason === undefined ? [] : [reason] })
  })
})

test('a scheduler that has not turned for a minute is not alive', () => {
  expect(liveness(60_000)).toEqual({ alive: true, turned_seconds_ago: 60 })
  expect(liveness(61_000)).toEqual({ alive: false, turned_seconds_ago: 61 })
})
