import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ResolvedConfig } from '../../../src/config/config.ts'
import { type ConfigSource, type LoadOptions, loadConfig } from '../../../src/config/read.ts'
import { ConfigError } from '../../../src/errors/errors.ts'
import type { TableConfig } from '../../../src/model/table.ts'

/** Where texts are read from when a test needs no files. */
const CWD = '/project'

export type Extras = Partial<LoadOptions>

export async function load(source: ConfigSource | string, extras: Extras = {}): Promise<ResolvedConfig> {
  return await loadConfig(typeof source === 'string' ? { text: source } : source, { overrides: [], env: {}, cwd: CWD, ...extras })
}

/** The message of the ConfigError that loading ends in, line by line. */
export async function problems(source: ConfigSource | string, extras: Extras = {}): Promise<readonly string[]> {
  try {
    await load(source, extras)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n').map((line) => line.replace(/^--config-json:/, ''))
    throw error
  }
  return []
}

/** The one table of a config with these keys beside the required ones. */
export async function table(keys: string, extras: Extras = {}): Promise<TableConfig> {
  const [only] = (await load(tableText(keys), extras)).tables
  if (only === undefined) throw new Error('the config has no table')
  return only
}

export function tableText(keys: string): string {
  return `tables:\n- {table_name: orders, source_path_pattern: orders/*.csv${keys === '' ? '' : `, ${keys}`}}\n`
}

/** A folder with files in it, removed at the end of the block. */
export async function folder(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'ingestd-config-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), text)
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
