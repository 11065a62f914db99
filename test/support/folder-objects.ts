import { createHash, randomUUID } from 'node:crypto'
import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ListOptions, ObjectEntry, ObjectPage, ObjectStore, ReadOptions, ReadResult } from '../../src/blobs/objects.ts'
import { UnavailableError } from '../../src/errors/errors.ts'

/**
 * An object store over a folder: the keys are the paths below it. So what tests do to the files of a table is done to its objects, and
 * what is asked of the store can be counted.
 */
export class FolderObjects implements ObjectStore {
  readonly root = 's3://bucket'
  readonly asked: (readonly [string, string])[] = []
  readonly #folder: string
  /** False for a store that takes every write. */
  conditions = true

  constructor(folder: string) {
    this.#folder = folder
  }

  async *list(prefix: string, { after = '', delimiter }: ListOptions = {}): AsyncIterable<ObjectPage> {
    this.asked.push(['list', prefix])
    const keys = (await filesUnder(this.#folder)).filter((key) => key.startsWith(prefix))
    const objects: ObjectEntry[] = []
    const prefixes = new Set<string>()
    for (const key of keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      const slash = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
      if (slash >= 0) prefixes.add(key.slice(0, slash + 1))
      else if (Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0) {
        const entry = await this.#entry(key)
        if (entry) objects.push(entry)
      }
    }
    // Two pages, so that nobody counts on one.
    const half = Math.ceil(objects.length / 2)
    yield { objects: objects.slice(0, half), prefixes: [...prefixes] }
    yield { objects: objects.slice(half), prefixes: [] }
  }

  async head(key: string): Promise<ObjectEntry | undefined> {
    this.asked.push(['head', key])
    return this.#entry(key)
  }

  async read(key: string, { from = 0, bytes, etag }: ReadOptions = {}): Promise<ReadResult> {
    this.asked.push(['read', key])
    const entry = await this.#entry(key)
    if (entry === undefined) return { kind: 'absent' }
    if (etag !== undefined && etag !== entry.etag) return { kind: 'changed' }
    const content = await readFile(this.#path(key))
    const start = from < 0 ? Math.max(0, content.length + from) : from
    return { kind: 'read', content: content.subarray(start, bytes === undefined ? undefined : start + bytes) }
  }

  async download({ key, etag }: Pick<ObjectEntry, 'key' | 'etag'>, path: string): Promise<'read' | 'absent' | 'changed'> {
    this.asked.push(['download', key])
    const entry = await this.#entry(key)
    if (entry === undefined) return 'absent'
    if (entry.etag !== etag) return 'changed'
    await copyFile(this.#path(key), path)
    return 'read'
  }

  async put(key: string, content: Uint8Array): Promise<ObjectEntry> {
    this.asked.push(['put', key])
    return this.#placed(key, content, rename)
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<'created' | 'exists'> {
    this.asked.push(['putIfAbsent', key])
    if (!this.conditions) {
      await this.put(key, content)
      return 'created'
    }
    try {
      await this.#placed(key, content, link)
      return 'created'
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return 'exists'
      throw error
    }
  }

  async upload(path: string, key: string): Promise<ObjectEntry> {
    this.asked.push(['upload', key])
    try {
      return await this.#placed(key, await readFile(path), link)
    } catch (error) {
      throw new UnavailableError('ING-STORAGE', `${key} exists already`, { cause: error })
    }
  }

  async copy(): Promise<'copied'> {
    throw new Error('no table copies on the server')
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.asked.push(['remove', key])
      await rm(this.#path(key), { force: true })
    }
  }

  async keepsConditions(): Promise<boolean> {
    return this.conditions
  }

  async #placed(key: string, content: Uint8Array, place: (from: string, to: string) => Promise<void>): Promise<ObjectEntry> {
    const path = this.#path(key)
    const temporary = join(dirname(path), `.tmp-${randomUUID()}`)
    await mkdir(dirname(path), { recursive: true })
    try {
      await writeFile(temporary, content)
      await place(temporary, path)
    } finally {
      await rm(temporary, { force: true })
    }
    return (await this.#entry(key)) as ObjectEntry
  }

  async #entry(key: string): Promise<ObjectEntry | undefined> {
    try {
      const found = await stat(this.#path(key))
      if (found.isDirectory()) return undefined
      const etag = createHash('md5')
        .update(await readFile(this.#path(key)))
        .digest('hex')
      return { key, size: BigInt(found.size), modifiedMs: Math.floor(found.mtimeMs), etag }
    } catch {
      return undefined
    }
  }

  #path(key: string): string {
    return join(this.#folder, key)
  }
}

async function filesUnder(folder: string, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) keys.push(...(await filesUnder(join(folder, entry.name), `${prefix}${entry.name}/`)))
    else if (!entry.name.startsWith('.tmp-')) keys.push(prefix + entry.name)
  }
  return keys
}
