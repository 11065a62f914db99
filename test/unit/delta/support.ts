import { mkdirSync, writeFileSync } from 'node:fs'
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
  const folder = join(root, '_delta_log')
  mkdirSync(folder, { recursive: true })
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n') + end
  writeFileSync(join(folder, `${String(version).padStart(20, '0')}.json`), text)
}

export function add(path: string, changes: Readonly<Record<string, unknown>> = {}): Action {
  return { add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, ...changes } }
}

export function remove(path: string, changes: Readonly<Record<string, unknown>> = {}): Action {
  return { remove: { path, deletionTimestamp: 1, dataChange: true, ...changes } }
}
