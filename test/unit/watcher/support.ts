import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import type { WatchConfig } from '../../../src/model/table.ts'
import { localLister } from '../../../src/watcher/local.ts'
import { sourceRules } from '../../../src/watcher/rules.ts'
import type { KnownChunks, Lister, ListingPage, Sighting } from '../../../src/watcher/watcher.ts'
import { tableConfig } from '../../support/table.ts'

/** A landing folder that is removed when the test ends. */
export function landingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-watcher-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function land(path: string, content = 'x', modifiedMs = 1_600_000_000_000): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  utimesSync(path, modifiedMs / 1000, modifiedMs / 1000)
  return path
}

/** A file whose name is not UTF-8. */
export function landRaw(folder: string, name: Buffer, content = 'x'): Buffer {
  const path = Buffer.concat([Buffer.from(`${folder}/`), name])
  writeFileSync(path, content)
  return path
}

export function listerOf(sourcePattern: string, watch: Partial<WatchConfig> = {}, clock: Clock = systemClock): Lister {
  const table = tableConfig({ tableName: 'orders', sourcePattern })
  return localLister(sourceRules({ ...table, watch: { ...table.watch, ...watch } }), clock)
}

export interface Listing extends ListingPage {
  readonly chunks: readonly string[]
  readonly known: number
  readonly pages: number
  /** Paths of `files`, sorted. */
  readonly paths: readonly string[]
}

export async function listing(lister: Lister, signal: AbortSignal = new AbortController().signal, known?: KnownChunks): Promise<Listing> {
  const pages: ListingPage[] = []
  for await (const page of lister.pages(signal, known)) pages.push(page)
  const files = pages.flatMap((page) => page.files)
  return {
    pages: pages.length,
    files,
    chunks: pages.flatMap((page) => page.chunks ?? []),
    known: pages.reduce((sum, page) => sum + (page.known ?? 0), 0),
    paths: files.map((file) => file.path).sort(),
    waiting: pages.flatMap((page) => page.waiting),
    problems: pages.flatMap((page) => page.problems),
  }
}

/** The check that said no; undefined when all passed. */
export function refusal(sighting: Sighting): string | undefined {
  const step = sighting.steps.find((one) => !one.passed)
  return step === undefined ? undefined : `${step.check}: ${step.detail}`
}
