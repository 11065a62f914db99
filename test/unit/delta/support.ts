import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Action = Readonly<Record<string, unknown>>

/** A schema of plain fields, as other writers print it. */
export function schemaString(fields: Readonly<Record<string, unknown>>, extra: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    type: 'struct',
    fields: Object.entries(fields).map(([name, type]) => ({
      name,
      type,
      nullable: true,
      metadata: {},
      ...(extra[name] as object | undefined),
    })),
  })
}

export function metaData(changes: Readonly<Record<string, unknown>> = {}): Action {
  return {
    metaData: {
      id: 'e0b0c0d0-0000-4000-8000-000000000000',
      format: { provider: 'parquet', options: {} },
      schemaString: schemaString({ id: 'long', name: 'string' }),
      partitionColumns: [],
      configuration: {},
      createdTime: 1,
      ...changes,
    },
  }
}

export const PROTOCOL: Action = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } }

/** Writes one commit of another writer. */
export function writeCommit(root: string, version: number, lines: readonly (Action | string)[], end = '\n'): void {
  mkdirSync(join(root, '_delta_log'), { recursive: true })
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n') + end
  writeFileSync(commitFile(root, version), text)
}

export function commitFile(root: string, version: number): string {
  return join(root, '_delta_log', `${String(version).padStart(20, '0')}.json`)
}

/** The actions of one commit, each by its kind. */
export function readCommit(root: string, version: number): readonly Readonly<Record<string, Record<string, unknown>>>[] {
  return readFileSync(commitFile(root, version), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Those of one kind. */
export function actionsOf(root: string, version: number, kind: string): readonly Readonly<Record<string, unknown>>[] {
  return readCommit(root, version).flatMap(({ [kind]: action }) => (action === undefined ? [] : [action]))
}

export function add(path: string, changes: Readonly<Record<string, unknown>> = {}): Action {
  return { add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, ...changes } }
}

export function remove(path: string, changes: Readonly<Record<string, unknown>> = {}): Action {
  return { remove: { path, deletionTimestamp: 1, dataChange: true, ...changes } }
}
