import { mkdtempSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { localBlobs } from '../../../src/blobs/local.ts'
import { writeCheckpoint } from '../../../src/delta/checkpoint.ts'
import { Snapshot, type SnapshotOptions } from '../../../src/delta/snapshot.ts'
import type { Session } from '../../../src/engine/engine.ts'
import { sql } from '../../../src/engine/sql.ts'
import { session as openEngine } from '../../support/session.ts'
import { type Action, add, metaData, PROTOCOL, writeCommit } from './support.ts'

export let root: string
export let session: Session

/** For the beforeEach of a test file: a folder without a log, and an engine, until the test ends. */
export async function begin(): Promise<void> {
  root = mkdtempSync(join(tmpdir(), 'ingestd-snapshot-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  session = await openEngine()
}

export const UUID = '80a083e8-7026-4e79-81be-64bd76c43a11'
export const padded = (version: number) => String(version).padStart(20, '0')
export const inLog = (name: string) => join(root, '_delta_log', name)
export const commit = (version: number) => inLog(`${padded(version)}.json`)

export async function open(options: SnapshotOptions = {}): Promise<Snapshot> {
  const snapshot = await Snapshot.open('db.t', localBlobs(root), session, options)
  if (snapshot === undefined) throw new Error('no table')
  return snapshot
}

export async function paths(snapshot: Snapshot | Promise<Snapshot> = open()): Promise<readonly unknown[]> {
  const rows = await session.rows(sql`select path from ${await (await snapshot).files()} order by path`)
  return rows.map((row) => row['path'])
}

/** Version n adds the file n. */
export function simpleLog(last: number, more: (version: number) => readonly Action[] = () => []): void {
  writeCommit(root, 0, [...more(0), PROTOCOL, metaData(), add('0')])
  for (let version = 1; version <= last; version += 1) writeCommit(root, version, [...more(version), add(String(version))])
}

export async function checkpoint(snapshot: Snapshot): Promise<void> {
  await writeCheckpoint(snapshot, '_ingestd/stage/x', { blobs: localBlobs(root), session, nowMs: 0 })
}

export const files = (last: number) => Array.from({ length: last + 1 }, (_, index) => String(index))

export function setTime(version: number, ms: number): void {
  utimesSync(commit(version), ms / 1000, ms / 1000)
}
