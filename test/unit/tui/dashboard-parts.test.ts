import { expect, test } from 'vitest'
import { fromNow, sparkline, windowOf, wrapped } from '../../../src/tui/dashboard-parts.ts'
import { LineScreen } from '../../../src/tui/line-screen.ts'

const NOW = Date.parse('2026-01-01T12:00:00.000Z')
const AT = '2026-01-01T11:57:00.000Z'

test('only lines that changed are written, and all of them after a change of size', () => {
  const written: string[] = []
  const listeners = new Set<() => void>()
  const terminal = {
    columns: 80,
    write: (text: string, done?: () => void) => {
      done?.()
      return written.push(text) > 0
    },
    on: (_: string, listener: () => void) => listeners.add(listener),
    off: (_: string, listener: () => void) => listeners.delete(listener),
  }
  const screen = new LineScreen(terminal as unknown as NodeJS.WriteStream)
  const { stdout } = screen
  expect(stdout.columns).toBe(80)
  written.length = 0
  stdout.write('one\ntwo\nthree')
  stdout.write('one\n2\nthree')
  stdout.write('one\n2\nthree')
  stdout.write('one\n2')
  for (const listener of listeners) listener()
  stdout.write('one\n2')
  expect(written.map((text) => text.replaceAll('\u001b', '^'))).toEqual([
    '^[1;1Hone^[K^[2;1Htwo^[K^[3;1Hthree^[K',
    '^[2;1H2^[K',
    '^[3;1H^[K',
    '^[2J',
    '^[1;1Hone^[K^[2;1H2^[K',
  ])
  let ended = false
  stdout.write('', () => {
    ended = true
  })
  expect(ended).toBe(true)
  screen[Symbol.dispose]()
  expect(listeners.size).toBe(0)
  expect(written.at(-1)).toBe('\u001b[?25h\u001b[?1049l')
})

test('small things', () => {
  expect(sparkline([0, 1, 4, 8])).toBe(' ▁▄█')
  expect(sparkline([0, 0])).toBe('  ')
  expect([fromNow(AT, NOW), fromNow('2026-01-01T12:00:07.000Z', NOW), fromNow(null, NOW)]).toEqual(['3m ago', 'in 7s', ''])
  expect(windowOf([1, 2, 3, 4, 5], 4, 2)).toEqual({ from: 3, rows: [4, 5] })
  expect(wrapped('one two three', 7)).toEqual(['one two', 'three'])
  expect(wrapped('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij'])
})
