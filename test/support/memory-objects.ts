import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { ListOptions, ObjectEntry, ObjectPage, ObjectStore, ReadOptions, ReadResult } from '../../src/blobs/objects.ts'

interface Kept {
  readonly content: Buffer
  readonly modifiedMs: number
  readonly etag: string
}

/** A bucket in the memory, for parts that take one; it counts what it is asked. */
export class MemoryObjects implements ObjectStore {
  readonly root: string
  readonly #objects = new Map<string, Kept>()
  readonly #pageSize: number
  /** Prefixes that were listed, with a `/` behind `|` where one level was asked for. */
  readonly listed: string[] = []
  readonly heads: string[] = []
  pages = 0

  constructor(root = 's3://bucket', pageSize = 3) {
    this.root = root
    this.#pageSize = pageSize
  }

  set(key: string, content = 'x', modifiedMs = 1_600_000_000_000): ObjectEntry {
    const kept = { content: Buffer.from(content), modifiedMs, etag: createHash('md5').update(content).digest('hex') }
    this.#objects.set(key, kept)
    return entryOf(key, kept)
  }

  delete(key: string): void {
    this.#objects.delete(key)
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  text(key: string): string | undefined {
    return this.#objects.get(key)?.content.toString()
  }

  async *list(prefix: string, { after, delimiter, signal }: ListOptions = {}): AsyncGenerator<ObjectPage> {
    this.listed.push(`${prefix}${delimiter === undefined ? '' : '|/'}`)
    const keys = this.keys().filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
    const names = [...new Set(keys.map((key) => levelOf(key, prefix, delimiter)))]
    for (let from = 0; from === 0 || from < names.length; from += this.#pageSize) {
      signal?.throwIfAborted()
      this.pages += 1
      const some = names.slice(from, from + this.#pageSize)
      const objects = some.flatMap((key) => (this.#objects.has(key) ? [entryOf(key, this.#objects.get(key) as Kept)] : []))
      yield { objects, prefixes: some.filter((name) => delimiter !== undefined && name.endsWith('/') && !this.#objects.has(name)) }
    }
  }

  async head(key: string): Promise<ObjectEntry | undefined> {
    this.heads.push(key)
    const kept = this.#objects.get(key)
    return kept === undefined ? undefined : entryOf(key, kept)
  }

  async read(key: string, { from = 0, bytes, etag }: ReadOptions = {}): Promise<ReadResult> {
    const kept = this.#objects.get(key)
    if (kept === undefined) return { kind: 'absent' }
    if (etag !== undefined && etag !== entryOf(key, kept).etag) return { kind: 'changed' }
    return { kind: 'read', content: kept.content.subarray(from, bytes === undefined ? undefined : from + bytes) }
  }

  async download({ key, etag }: Pick<ObjectEntry, 'key' | 'etag'>, path: string): Promise<'read' | 'absent' | 'changed'> {
    const read = await this.read(key, { etag })
    if (read.kind === 'read') await writeFile(path, read.content)
    return read.kind
  }

  async put(key: string, content: Uint8Array): Promise<ObjectEntry> {
    return this.set(key, Buffer.from(content).toString())
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<'created' | 'exists'> {
    if (this.#objects.has(key)) return 'exists'
    await this.put(key, content)
    return 'created'
  }

  async upload(): Promise<ObjectEntry> {
    throw new Error('nothing is uploaded to it')
  }

  async copy({ key, etag }: Pick<ObjectEntry, 'key' | 'etag'>, to: string): Promise<'copied' | 'absent' | 'changed' | 'exists'> {
    const kept = this.#objects.get(key)
    if (kept === undefined) return 'absent'
    if (entryOf(key, kept).etag !== etag) return 'changed'
    if (this.#objects.has(to)) return 'exists'
    this.#objects.set(to, kept)
    return 'copied'
  }

  async remove(keys: readonly string[], etag?: string): Promise<void> {
    for (const key of keys) if (etag === undefined || this.#objects.get(key)?.etag === etag) this.#objects.delete(key)
  }

  async keepsConditions(): Promise<boolean> {
    return true
  }
}

function levelOf(key: string, prefix: string, delimiter: '/' | undefined): string {
  const slash = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
  return slash < 0 ? key : key.slice(0, slash + 1)
}

function entryOf(key: string, { content, modifiedMs, etag }: Kept): ObjectEntry {
  return { key, size: BigInt(content.length), modifiedMs, etag }
}
