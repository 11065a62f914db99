import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'
import type { ObjectStore } from '../../src/blobs/objects.ts'
import type { StorageConnection } from '../../src/model/connection.ts'
import type { PostgresServer } from './postgres.ts'
import { type Finished, Project } from './project.ts'

/** A bucket or container of a server that the tests started. */
export interface Bucket {
  readonly url: string
  readonly store: ObjectStore
  /** As `connections` of a config have it. */
  readonly connection: Readonly<Record<string, unknown>>
  readonly endpoint: string
  /** What delta-rs takes as `storage_options`. */
  readonly options: Readonly<Record<string, string>>
}

/** Where landing files, tables and the tracker of a campaign are: in folders and SQLite, unless it says otherwise. */
export interface Place {
  readonly name: string
  readonly source: Bucket | null
  readonly tables: Bucket | null
  readonly tracker: PostgresServer | null
}

export const FOLDER: Place = { name: 'folder', source: null, tables: null, tracker: null }

/** Names of places, joined by `+`, such as `s3+postgres`: `folder`, `s3`, `azure`, the last two with `-tables` for tables alone, and `postgres`. */
export async function openPlace(name: string): Promise<Place> {
  const parts = name.split('+')
  const kind = parts.find((part) => /^(s3|azure)(-tables)?$/.test(part))
  const unknown = parts.filter((part) => part !== kind && part !== 'postgres' && part !== 'folder')
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')} is no place of a campaign`)
  const [bucket, tracker] = await Promise.all([
    kind === undefined ? null : kind.startsWith('s3') ? s3Bucket() : azureBucket(),
    parts.includes('postgres') ? postgres() : null,
  ])
  return { name, source: kind?.endsWith('-tables') ? null : bucket, tables: bucket, tracker }
}

const stops: (() => Promise<void>)[] = []

/** Ends the servers of the places that a test file opened. To be called as the file is collected. */
export function stopPlacesAfterAll(): void {
  afterAll(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
  })
}

/** One server of a kind is enough for the tests of a file. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

const BUCKET = 'campaign'

const s3Bucket = once(async (): Promise<Bucket> => {
  // What a folder does not need is not loaded for it.
  const { startS3 } = await import('../services/servers.ts')
  const server = await startS3()
  stops.push(server.stop)
  await server.createBucket(BUCKET)
  const options = {
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_ALLOW_HTTP: 'true',
    AWS_VIRTUAL_HOSTED_STYLE_REQUEST: 'false',
  }
  return bucketOf(`s3://${BUCKET}`, server, options)
})

const azureBucket = once(async (): Promise<Bucket> => {
  const { startAzurite } = await import('../services/servers.ts')
  const server = await startAzurite()
  stops.push(server.stop)
  await server.createContainer(BUCKET)
  const options = { account_name: server.account, account_key: server.key, endpoint: server.endpoint, allow_http: 'true' }
  return bucketOf(`az://${BUCKET}`, server, options)
})

const postgres = once(async () => {
  const { startPostgres } = await import('./postgres.ts')
  const server = await startPostgres()
  stops.push(() => server.stop())
  return server
})

interface Served {
  readonly endpoint: string
  readonly connection: StorageConnection
  readonly config: Readonly<Record<string, unknown>>
}

async function bucketOf(url: string, { endpoint, connection, config }: Served, options: Bucket['options']): Promise<Bucket> {
  const { openObjects } = await import('../../src/blobs/open-objects.ts')
  const { store } = await openObjects(url, connection)
  return { url, store, connection: config, endpoint, options }
}

/** The place by way of another address of its server, such as that of a fault proxy, for the product alone. */
export function through(place: Place, endpoint: string): Place {
  const by = (bucket: Bucket | null) => {
    if (bucket === null) return null
    const key = bucket.url.startsWith('s3:') ? 'endpoint' : 'account_url'
    return { ...bucket, connection: { ...bucket.connection, [key]: endpoint } }
  }
  return { ...place, source: by(place.source), tables: by(place.tables) }
}

/** How many requests of a project to a server are made at the same time. */
const AT_ONCE = 16

/** A project of a place. What it writes below `landing/` goes to the source's bucket, if there is one, before the next command runs. */
export class PlacedProject extends Project {
  readonly place: Place
  readonly #prefix: string
  #database = ''
  #databases = 0
  #config: Record<string, unknown>
  /** What is to be done before a command runs, in order. */
  #due: (() => Promise<unknown>)[] = []
  #files: [string, Uint8Array][] = []

  constructor(place: Place, config: Record<string, unknown>, folder?: string) {
    super({}, folder)
    this.place = place
    this.#prefix = this.folder.slice(this.folder.lastIndexOf('/') + 1)
    this.#config = config
    this.newTracker()
  }

  override configure(config: Record<string, unknown>): void {
    // Not before the place is known.
    if (this.place === undefined) return
    this.#config = config
    const { source, tables, tracker } = this.place
    const bucket = source ?? tables
    super.configure({
      ...(source === null ? {} : { raw_data_path: this.#url(source, 'landing') }),
      ...(tables === null ? {} : { processed_data_path: this.#url(tables, 'tables') }),
      ...(bucket === null ? {} : { connections: { store: bucket.connection } }),
      ...(tracker === null ? {} : { tracker_url: this.#trackerUrl(tracker) }),
      ...config,
    })
  }

  /** As a config names a folder of the source. */
  sourcePath(name: string): string {
    return this.place.source === null ? `./${name}` : this.#url(this.place.source, name)
  }

  override write(path: string, content: string | Uint8Array): string {
    if (this.place?.source != null && path.startsWith('landing/')) this.#files.push([path, Buffer.from(content)])
    return super.write(path, content)
  }

  /** A file that is in the source as a whole or not at all. */
  async deliver(name: string, content: string | Uint8Array): Promise<void> {
    await this.ready()
    const { source } = this.place
    if (source !== null) await source.store.put(`${this.#prefix}/landing/${name}`, Buffer.from(content))
    // The temporary name is one that is never taken.
    else renameSync(super.write(`landing/${name}.tmp`, content), this.path('landing', name))
  }

  /** Does what is due before a command: files go to their bucket, in order of their names where it matters to `at`. */
  async ready(at = AT_ONCE): Promise<void> {
    for (const act of this.#due.splice(0)) await act()
    const { source } = this.place
    if (source !== null) await inTurns(this.#files.splice(0), at, ([path, content]) => source.store.put(`${this.#prefix}/${path}`, content))
  }

  override async command(args: readonly string[]): Promise<Finished> {
    await this.ready()
    return super.command(args)
  }

  override async run(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
    await this.ready()
    return super.run(args, env)
  }

  override start(args: readonly string[], env: Record<string, string> = {}) {
    if (this.#due.length + this.#files.length > 0) throw new Error('the project is not ready: await ready()')
    return super.start(args, env)
  }

  /** A local folder with what the table's folder holds now. */
  async table(name: string, database = 'default'): Promise<string> {
    const path = `tables/${database}/${name}`
    const { tables } = this.place
    if (tables === null) return this.path(path)
    const copy = this.path('seen', path)
    rmSync(copy, { recursive: true, force: true })
    const root = `${this.#prefix}/${path}/`
    await inTurns(await keysBelow(tables.store, root), AT_ONCE, async (key) => {
      const found = await tables.store.read(key)
      // What others remove meanwhile is not there now.
      if (found.kind !== 'read') return
      const file = join(copy, key.slice(root.length))
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, found.content)
    })
    return copy
  }

  /** As delta-rs and others know the table. */
  tableUrl(name: string): string {
    const { tables } = this.place
    return tables === null ? this.path('tables/default', name) : `${this.#url(tables, 'tables')}/default/${name}`
  }

  /** Names of what lies in a folder beside `landing`, or in it. */
  async names(folder: string): Promise<readonly string[]> {
    const { source } = this.place
    if (source === null) return existsSync(this.path(folder)) ? readdirSync(this.path(folder)).sort() : []
    const root = `${this.#prefix}/${folder}/`
    return (await keysBelow(source.store, root)).map((key) => key.slice(root.length)).sort()
  }

  /** What has to be fetched anew: copies are no part of the state. */
  forget(): void {
    rmSync(this.path('state', 'cache'), { recursive: true, force: true })
  }

  /** Goes on with a tracker that knows nothing; the old one is kept. */
  newTracker(): void {
    const { tracker } = this.place
    if (tracker !== null) {
      this.#databases += 1
      this.#database = `c_${this.#prefix.replaceAll(/\W/g, '_').toLowerCase()}_${this.#databases}`
      const name = this.#database
      this.#due.push(() => tracker.query(`create database "${name}"`))
    } else if (existsSync(this.path('state'))) {
      this.#databases += 1
      cpSync(this.path('state'), this.path(`state-${this.#databases}`), { recursive: true })
      rmSync(this.path('state'), { recursive: true })
    }
    this.configure(this.#config)
  }

  /** What the tracker knows is gone. */
  async loseTracker(): Promise<void> {
    const { tracker } = this.place
    if (tracker !== null) {
      await tracker.query(`drop database "${this.#database}" with (force)`)
      await tracker.query(`create database "${this.#database}"`)
      return
    }
    for (const name of readdirSync(this.path('state')).filter((one) => one.startsWith('metadata'))) rmSync(this.path('state', name))
  }

  /** Keeps a copy of the tracker, as an operator's backup would; what it answers puts it back. */
  async backup(): Promise<() => Promise<void>> {
    const { tracker } = this.place
    const copy = this.path('backup')
    rmSync(copy, { recursive: true, force: true })
    if (existsSync(this.path('state'))) cpSync(this.path('state'), copy, { recursive: true })
    const kept = `${this.#database}_backup`
    if (tracker !== null) {
      await tracker.query(`drop database if exists "${kept}" with (force)`)
      await copyDatabase(tracker, this.#database, kept)
    }
    return async () => {
      rmSync(this.path('state'), { recursive: true, force: true })
      mkdirSync(this.path('state'), { recursive: true })
      if (existsSync(copy)) cpSync(copy, this.path('state'), { recursive: true })
      if (tracker === null) return
      await tracker.query(`drop database "${this.#database}" with (force)`)
      await copyDatabase(tracker, kept, this.#database)
    }
  }

  #url(bucket: Bucket, folder: string): string {
    return `${bucket.url}/${this.#prefix}/${folder}`
  }

  #trackerUrl({ port }: PostgresServer): string {
    return `postgres://postgres@127.0.0.1:${port}/${this.#database}`
  }
}

/** A database with connections is not copied, and those of killed processes end a moment after these. */
async function copyDatabase(server: PostgresServer, from: string, to: string): Promise<void> {
  await server.query(`select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '${from}'`)
  await server.query(`create database "${to}" template "${from}"`)
}

async function keysBelow(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const { objects } of store.list(prefix)) keys.push(...objects.map(({ key }) => key).filter((key) => !key.endsWith('/')))
  return keys
}

async function inTurns<T>(all: readonly T[], at: number, act: (one: T) => Promise<unknown>): Promise<void> {
  const left = all.values()
  await Promise.all(
    Array.from({ length: at }, async () => {
      for (const one of left) await act(one)
    }),
  )
}
