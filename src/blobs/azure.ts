import { createHash } from 'node:crypto'
import type { BlobClient, BlobGetPropertiesResponse, BlockBlobClient, ContainerClient } from '@azure/storage-blob'
import pLimit from 'p-limit'
import { BugError, UnavailableError } from '../errors/errors.ts'
import type { AdlsConnection } from '../model/connection.ts'
import type { ObjectUrl } from '../model/object-url.ts'
import { containerClient } from './azure-client.ts'
import { azureError, azureFailureOf, isAbsent, isRefusedCondition, statusOf } from './azure-failures.ts'
import { listAzure } from './azure-list.ts'
import { PART_BYTES, putBlocks } from './azure-parts.ts'
import { keepsConditions } from './object-conditions.ts'
import { createdOnce, MARK } from './object-create.ts'
import { CutBody } from './object-failures.ts'
import { type ChunkWriter, fileOfRanges, partOf, sizeOf } from './object-files.ts'
import { checkedPages } from './object-pages.ts'
import { repeated } from './object-retry.ts'
import { IDLE_MS, patient, SENDING_MS, steady } from './object-timeouts.ts'
import type { ListOptions, ObjectEntry, ObjectPage, ObjectStore, ReadOptions, ReadResult } from './objects.ts'

const REMOVED_AT_ONCE = 32
const NEW = { ifNoneMatch: '*' } as const

/** A container of Azure Blob Storage, Data Lake Storage Gen2 or OneLake. */
export async function openAzure(url: ObjectUrl, connection: AdlsConnection | null, idleMs = IDLE_MS): Promise<ObjectStore> {
  return new AzureStore(url.root, await containerClient(url, connection), idleMs)
}

class AzureStore implements ObjectStore {
  readonly root: string
  readonly #container: ContainerClient
  readonly #idleMs: number

  constructor(root: string, container: ContainerClient, idleMs: number) {
    this.root = root
    this.#idleMs = idleMs
    this.#container = container
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectPage> {
    const pageAt = (next: string | undefined) =>
      this.#asked(
        () => patient(this.#idleMs, options.signal, (signal) => listAzure(this.#container, { prefix, ...options, signal, next })),
        options.signal,
      )
    yield* checkedPages(this.root, pageAt, options)
  }

  async head(key: string): Promise<ObjectEntry | undefined> {
    const found = await this.#headOf(key)
    return found === undefined ? undefined : entryOf(key, found)
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult> {
    const { bytes, etag, signal } = options
    if (bytes === 0) return { kind: 'read', content: new Uint8Array() }
    const from = await this.#startOf(key, options.from ?? 0)
    if (from === undefined) return { kind: 'absent' }
    return this.#asked(async () => {
      const found = await this.#get(key, { from, bytes, etag, signal })
      if (typeof found === 'string') return found === 'empty' ? { kind: 'read', content: new Uint8Array() } : { kind: found }
      const chunks: Uint8Array[] = []
      for await (const chunk of steady(found.body, this.#idleMs)) chunks.push(chunk)
      const content = Buffer.concat(chunks)
      if (found.length !== undefined && content.byteLength !== found.length) throw new CutBody('the body ended early')
      return { kind: 'read', content }
    }, signal)
  }

  /** The Blob endpoint has no ranges from the end. */
  async #startOf(key: string, from: number): Promise<number | undefined> {
    if (from >= 0) return from
    const found = await this.head(key)
    return found === undefined ? undefined : Math.max(0, Number(found.size) + from)
  }

  async download(
    { key, size, etag }: Pick<ObjectEntry, 'key' | 'size' | 'etag'>,
    path: string,
    signal?: AbortSignal,
  ): Promise<'read' | 'absent' | 'changed'> {
    return fileOfRanges(path, Number(size), (_, __, writer) => this.#range(key, etag, writer, signal))
  }

  /** What a cut body left is asked for again from where it was cut. */
  async #range(key: string, etag: string, writer: ChunkWriter, signal: AbortSignal | undefined): Promise<'read' | 'absent' | 'changed'> {
    return this.#asked(async () => {
      const found = await this.#get(key, { from: writer.at, bytes: Math.max(writer.missing, 1), etag, signal })
      // Nothing of an object without bytes is in its range.
      if (found === 'empty') return writer.missing === 0 ? 'read' : 'changed'
      if (typeof found === 'string') return found
      await writer.take(steady(found.body, this.#idleMs))
      if (writer.missing > 0) throw new CutBody('the body ended early')
      return 'read'
    }, signal)
  }

  async put(key: string, content: Uint8Array): Promise<ObjectEntry> {
    await this.#asked(() => this.#write(key, content, {}))
    const entry = await this.head(key)
    if (entry === undefined) throw new UnavailableError('ING-STORAGE', `${this.root}/${key} was written and is not there`)
    return entry
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<'created' | 'exists'> {
    return this.#createdBy(key, content, (mark) => this.#write(key, content, { conditions: NEW, metadata: { [MARK]: mark } }))
  }

  async #createdBy(key: string, content: Uint8Array | undefined, write: (mark: string) => Promise<unknown>): Promise<'created' | 'exists'> {
    try {
      return await createdOnce({
        write,
        markNow: async () => {
          const found = await this.#headOf(key)
          return found === undefined ? undefined : (found.metadata?.[MARK] ?? null)
        },
        hasContent: content === undefined ? undefined : () => this.#hasContent(key, content),
        failureOf: azureFailureOf,
        isRefused: isRefusedCondition,
        isRace: () => false,
      })
    } catch (error) {
      throw azureError(error, this.root)
    }
  }

  async #hasContent(key: string, content: Uint8Array): Promise<boolean> {
    const read = await this.read(key)
    return read.kind === 'read' && Buffer.compare(read.content, content) === 0
  }

  async upload(path: string, key: string): Promise<ObjectEntry> {
    const size = await sizeOf(path)
    const content = size <= PART_BYTES ? await partOf(path, 0, size) : undefined
    const outcome = await this.#createdBy(key, content, (mark) => {
      const creating = { conditions: NEW, metadata: { [MARK]: mark } }
      return content === undefined
        ? putBlocks(this.#blob(key), creating, { path, size }, (work) => this.#asked(work))
        : this.#write(key, content, creating)
    })
    const entry = await this.head(key)
    if (outcome === 'exists') throw new UnavailableError('ING-STORAGE', `${this.root}/${key} is there already`)
    if (entry?.size !== BigInt(size)) throw new UnavailableError('ING-STORAGE', `${this.root}/${key} was written and has another size`)
    return entry
  }

  async copy(
    { key, size, etag }: Pick<ObjectEntry, 'key' | 'size' | 'etag'>,
    to: string,
  ): Promise<'copied' | 'absent' | 'changed' | 'exists'> {
    if (key === to) throw new BugError('an object is copied to itself')
    if ((await this.head(to)) !== undefined) return 'exists'
    const from = await this.head(key)
    if (from === undefined) return 'absent'
    if (from.etag !== etag) return 'changed'
    const outcome = await this.#createdBy(to, undefined, async (mark) => {
      const copying = { conditions: NEW, sourceConditions: { ifMatch: quoted(etag) }, metadata: { [MARK]: mark }, intervalInMs: 500 }
      const poller = await this.#blob(to).beginCopyFromURL(this.#blob(key).url, copying)
      return poller.pollUntilDone()
    })
    const now = await this.head(key)
    if (outcome === 'exists') return now === undefined ? 'absent' : now.etag === etag ? 'exists' : 'changed'
    const made = await this.head(to)
    if (made?.size !== size) throw new UnavailableError('ING-STORAGE', `${this.root}/${to} was copied and has another size`)
    return 'copied'
  }

  async remove(keys: readonly string[], etag?: string): Promise<void> {
    const limit = pLimit(REMOVED_AT_ONCE)
    const conditions = etag === undefined ? {} : { conditions: { ifMatch: `"${etag}"` } }
    const removed = (key: string, abortSignal: AbortSignal) =>
      this.#blob(key)
        .delete({ deleteSnapshots: 'include', ...conditions, abortSignal })
        .catch((error: unknown) => {
          if (!isAbsent(error) && !(etag !== undefined && isRefusedCondition(error))) throw error
        })
    await Promise.all(keys.map((key) => limit(() => this.#asked(() => patient(this.#idleMs, undefined, (signal) => removed(key, signal))))))
  }

  async keepsConditions(prefix: string): Promise<boolean> {
    return keepsConditions(this, prefix, (key, content) =>
      this.#asked(async () => {
        try {
          await this.#write(key, content, { conditions: NEW })
          return 'created'
        } catch (error) {
          if (isRefusedCondition(error)) return 'refused'
          if (statusOf(error) === 501) return 'unknown'
          throw error
        }
      }),
    )
  }

  async #write(
    key: string,
    content: Uint8Array,
    options: { readonly conditions?: { ifNoneMatch: string }; readonly metadata?: Record<string, string> },
  ): Promise<unknown> {
    // The server compares it with what it got.
    const blobHTTPHeaders = { blobContentMD5: createHash('md5').update(content).digest() }
    return patient(Math.max(SENDING_MS, this.#idleMs), undefined, (abortSignal) =>
      this.#blob(key).upload(content, content.byteLength, { ...options, blobHTTPHeaders, abortSignal }),
    )
  }

  async #headOf(key: string): Promise<BlobGetPropertiesResponse | undefined> {
    const blob = this.#blob(key)
    return this.#asked(async () => {
      try {
        return await patient(this.#idleMs, undefined, (abortSignal) => blob.getProperties({ abortSignal }))
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    })
  }

  async #get(
    key: string,
    { from, bytes, etag, signal }: { readonly from: number } & Pick<ReadOptions, 'bytes' | 'etag' | 'signal'>,
  ): Promise<{ readonly body: AsyncIterable<Uint8Array>; readonly length: number | undefined } | 'absent' | 'changed' | 'empty'> {
    const blob: BlobClient = this.#blob(key)
    try {
      const conditions = etag === undefined ? {} : { conditions: { ifMatch: quoted(etag) } }
      // The time is that until the answer begins: its body has one of its own.
      const found = await patient(this.#idleMs, signal, (abortSignal) =>
        blob.download(from, bytes, { maxRetryRequests: 0, ...conditions, abortSignal }),
      )
      const body = found.readableStreamBody
      if (body === undefined) throw new CutBody('no body')
      return { body: body as unknown as AsyncIterable<Uint8Array>, length: found.contentLength }
    } catch (error) {
      if (isAbsent(error)) return 'absent'
      // The condition is looked at first: of what is not there it does not hold either.
      if (isRefusedCondition(error)) return (await this.#headOf(key)) === undefined ? 'absent' : 'changed'
      if (statusOf(error) === 416) return 'empty'
      throw error
    }
  }

  #blob(key: string): BlockBlobClient {
    // The SDK, and URLs themselves, would lead to another blob.
    if (key.includes('\\') || key.split('/').some((name) => name === '.' || name === '..'))
      throw new UnavailableError('ING-STORAGE-KEY', `${this.root}: a blob of this name cannot be asked for: ${JSON.stringify(key)}`, {
        hint: 'rename it: a name may hold no \\, and no folder called . or ..',
      })
    return this.#container.getBlockBlobClient(key)
  }

  async #asked<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await repeated(work, azureFailureOf, signal)
    } catch (error) {
      throw azureError(error, this.root)
    }
  }
}

function entryOf(key: string, { contentLength, lastModified, etag }: BlobGetPropertiesResponse): ObjectEntry {
  return { key, size: BigInt(contentLength ?? 0), modifiedMs: lastModified?.getTime() ?? 0, etag: (etag ?? '').replaceAll('"', '') }
}

function quoted(etag: string): string {
  return `"${etag}"`
}
