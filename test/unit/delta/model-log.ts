import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

export interface Entry {
  readonly version: number
  readonly load: string | undefined
  readonly txn: string | undefined
  readonly adds: readonly string[]
  readonly removes: readonly string[]
}

/** The log, by a reader of the test's own. */
export function entriesOf(root: string): readonly Entry[] {
  return readdirSync(join(root, '_delta_log'))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const actions = readFileSync(join(root, '_delta_log', name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>)
      const info = actions.find((action) => action['commitInfo'])?.['commitInfo']
      const txn = actions.find((action) => action['txn'])?.['txn']
      const paths = (kind: string) => actions.flatMap((action) => (action[kind] ? [String(action[kind]['path'])] : []))
      return {
        version: Number(name.slice(0, 20)),
        load: (info?.['operationParameters'] as Record<string, string> | undefined)?.['load'],
        txn: txn && `${String(txn['appId'])} ${String(txn['version'])}`,
        adds: paths('add'),
        removes: paths('remove'),
      }
    })
}

/** What must hold whatever happened. */
export function checkLog(root: string): readonly Entry[] {
  const entries = entriesOf(root)
  expect(entries.map(({ version }) => version)).toEqual(entries.map((_, index) => index))
  const txns = entries.flatMap(({ txn }) => txn ?? [])
  expect(new Set(txns).size).toBe(txns.length)
  const loads = entries.flatMap(({ load }) => load ?? [])
  expect(new Set(loads).size).toBe(loads.length)
  const active = new Set<string>()
  for (const { load, adds, removes } of entries) {
    // Nothing is removed twice, or without having been there.
    for (const path of removes) expect(active.delete(path)).toBe(true)
    for (const path of adds) {
      expect(active.has(path)).toBe(false)
      active.add(path)
    }
    if (load !== undefined && removes.length > 0) expect([...active]).toEqual(adds)
  }
  const foreign = new Set(['old.parquet', 'spark.parquet'])
  for (const path of active) expect(foreign.has(path) || existsSync(join(root, path))).toBe(true)
  return entries
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

/** Data files on the disk that the log does not have. */
export function strays(root: string, entries: readonly Entry[]): readonly string[] {
  const known = new Set(entries.flatMap(({ adds }) => adds))
  return readdirSync(root).filter((name) => name.endsWith('.parquet') && !known.has(name))
}
