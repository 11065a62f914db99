import { expect, test } from 'vitest'
import { Turns } from '../../../src/app/daemon/turns.ts'

/** Turns that end when the test says so. */
class Stage {
  readonly begun: string[] = []
  readonly #ends = new Map<string, () => void>()
  readonly turns: Turns

  constructor(slots: number) {
    this.turns = new Turns(slots, (table) => {
      this.begun.push(table)
      return new Promise((resolve) => this.#ends.set(table, resolve))
    })
  }

  async end(table: string): Promise<void> {
    this.#ends.get(table)?.()
    await new Promise(setImmediate)
  }
}

test('not more turns than slots run at a time, and the table that waited longest comes next', async () => {
  const stage = new Stage(2)
  for (const table of ['a', 'b', 'c', 'd']) stage.turns.want(table)
  expect(stage.begun).toEqual(['a', 'b'])
  await stage.end('b')
  expect(stage.begun).toEqual(['a', 'b', 'c'])
  expect(stage.turns.running).toEqual(['a', 'c'])
})

test('a table that wants another turn during its own comes behind those that wait by then', async () => {
  const stage = new Stage(1)
  stage.turns.want('much')
  stage.turns.want('little')
  stage.turns.want('much')
  expect(stage.turns.waiting).toBe(1)
  await stage.end('much')
  await stage.end('little')
  expect(stage.begun).toEqual(['much', 'little', 'much'])
})

test('a table has one turn at a time, also where there is room', async () => {
  const stage = new Stage(2)
  stage.turns.want('a')
  stage.turns.want('a')
  stage.turns.want('a')
  expect(stage.begun).toEqual(['a'])
  await stage.end('a')
  expect(stage.begun).toEqual(['a', 'a'])
  await stage.end('a')
  expect(stage.begun).toEqual(['a', 'a'])
})

test('when they are stopped no turn begins any more, and those that run are waited for', async () => {
  const stage = new Stage(1)
  stage.turns.want('a')
  stage.turns.want('b')
  let isStopped = false
  const stopped = stage.turns.stop().then(() => {
    isStopped = true
  })
  await new Promise(setImmediate)
  expect(isStopped).toBe(false)
  await stage.end('a')
  await stopped
  stage.turns.want('c')
  expect(stage.begun).toEqual(['a'])
})
