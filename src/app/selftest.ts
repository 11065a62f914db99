import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Blobs } from '../blobs/blobs.ts'
import { BLOB_STORES } from '../blobs/registry.ts'
import { type ConfigSource, type LoadOptions, loadConfig, writtenConnections } from '../config/read.ts'
import { BugError } from '../errors/errors.ts'
import { isObjectScheme, isRemote } from '../model/object-url.ts'
import type { TableConfig } from '../model/table.ts'
import { campaign } from './selftest-campaign.ts'
import { type Guarantee, trialsOfStorage } from './selftest-storage.ts'

export type { Guarantee } from './selftest-storage.ts'

export interface SelftestRequest {
  /** A folder, or the URL of a bucket or container, perhaps with a path below it. */
  readonly storage: string
  /** Name of a connection of the config; the only one of its kind without it. */
  readonly connection: string | null
  readonly crash: boolean
  /** The command, as it is started. */
  readonly program: readonly string[]
  /** Where connections are read from. */
  readonly config: ConfigSource
  readonly signal: AbortSignal
}

export interface SelftestReport {
  readonly ok: boolean
  /** As a table's path would be kept. */
  readonly storage: string
  readonly guarantees: readonly Guarantee[]
}

const TABLE = 'default/selftest'

/**
 * Tries a storage with what tables rest on, in a folder of its own that is removed at the end. `told` hears of each guarantee as it is
 * known. Errors of the storage itself, such as wrong credentials, are thrown.
 */
export async function selftest(request: SelftestRequest, told: (one: Guarantee) => Promise<void>): Promise<SelftestReport> {
  const folder = await mkdtemp(join(tmpdir(), 'ingestd-selftest-'))
  const name = `ingestd-selftest-${randomUUID().slice(0, 8)}`
  try {
    const { table, config } = await project(request, { folder, name })
    const storage = table.targetPath.slice(0, -`/${name}/${TABLE}`.length)
    const open = () => openStorage(`${storage}/${name}`, table)
    try {
      const trials = await trialsOfStorage(open, 'trials', told)
      const { program, signal, crash } = request
      const loads = trials.every(({ holds }) => holds) ? await campaign({ folder, program, config, signal }, crash, told) : []
      const guarantees = [...trials, ...loads]
      return { ok: guarantees.every(({ holds }) => holds), storage, guarantees }
    } finally {
      await (await openStorage(storage, table)).removeFolder(name)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A config in a folder that nobody else reads; secrets stay the references that the user's config has. */
async function project(
  { storage, connection, config }: SelftestRequest,
  { folder, name }: { readonly folder: string; readonly name: string },
): Promise<{ readonly table: TableConfig; readonly config: readonly string[] }> {
  const options: LoadOptions = { overrides: [], env: process.env, cwd: process.cwd() }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(storage)?.[1]
  const isUrl = scheme !== undefined && isObjectScheme(scheme.toLowerCase())
  const root = isUrl ? storage.replace(/\/+$/, '') : resolve(storage)
  const paths = {
    raw_data_path: folder,
    processed_data_path: `${root}/${name}`,
    checkpoint_path: join(folder, 'state'),
  }
  const object = {
    ...paths,
    // A folder needs none, whatever is missing of the config.
    connections: isUrl ? await writtenConnections(config, options) : {},
    retry_backoff: { base_seconds: 0.1, factor: 2, max_seconds: 2 },
    http: { port: 0 },
    tables: [
      {
        table_name: 'selftest',
        source_path_pattern: 'landing/*.csv',
        watch: { settle_seconds: 0 },
        delta: { checkpoint_interval: 2 },
        ...(connection === null ? {} : { connection }),
      },
    ],
  }
  const file = join(folder, 'ingest.yaml')
  await writeFile(file, JSON.stringify(object), { mode: 0o600 })
  // Variables of the environment may replace keys, and shall not replace these.
  const overrides = Object.entries(paths).map(([key, value]) => `${key}=${value}`)
  const [table] = (await loadConfig({ object }, { ...options, overrides })).tables
  if (table === undefined) throw new BugError('the config of the test has no table')
  return { table, config: ['--config', file, ...overrides.flatMap((one) => ['--var', one])] }
}

async function openStorage(root: string, { storage }: TableConfig): Promise<Blobs> {
  return isRemote(root) ? BLOB_STORES.remote(root, storage) : BLOB_STORES.file(root)
}
