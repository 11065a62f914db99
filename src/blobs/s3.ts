import { createHash } from 'node:crypto'
import {
  CopyObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { BugError, UnavailableError } from '../errors/errors.ts'
import type { S3Connection } from '../model/connection.ts'
import type { ObjectUrl } from '../model/object-url.ts'
import { keepsConditions } from './object-conditions.ts'
import { createdOnce, MARK } from './object-create.ts'
import { CutBody } from './object-failures.ts'
import { type ChunkWriter, fileOfRanges, partOf, sizeOf } from './object-files.ts'
import { checkedPages } from './object-pages.ts'
import { repeated } from './object-retry.ts'
import { IDLE_MS, steady } from './object-timeouts.ts'
import type { ListOptions, ObjectEntry, ObjectPage, ObjectStore, ReadOptions, ReadResult } from './objects.ts'
import { s3Client } from './s3-client.ts'
import { isAbsent, isRace, isRefusedCondition, s3Error, s3FailureOf, statusOf } from './s3-failures.ts'
import { listS3 } from './s3-list.ts'
import { copyParts, PART_BYTES, putParts, type S3Target } from './s3-parts.ts'
import { removeS3, removeS3Version } from './s3-remove.ts'

/** Larger ones are copied in parts. */
const MAX_COPY = 5n * 1024n ** 3n

/** A bucket of S3 or of what speaks like it. A request is given up when no byte of it comes for a while. */
export function openS3(url: ObjectUrl, connection: S3Connection | null, idleMs = IDLE_MS): ObjectStore {
  return new S3Store(url, connection, idleMs)
}

class S3Store implements ObjectStore {
  readonly root: string
  readonly #idleMs: number
  readonly #client: S3Client
  readonly #target: S3Target
  readonly #writing: Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId'>

  constructor(url: ObjectUrl, connection: S3Connection | null, idleMs: number) {
    this.root = url.root
    this.#idleMs = idleMs
    this.#client = s3Client(url, connection, idleMs)
    const { encryption = null } = connection ?? {}
    this.#writing = {
      ...(encryption === null ? {} : { ServerSideEncryption: encryption.type }),
      ...(encryption?.kmsKeyId == null ? {} : { SSEKMSKeyId: encryption.kmsKeyId }),
    }
    this.#target = { Bucket: url.container, ...(connection?.requesterPays === true ? { RequestPayer: 'requester' as const } : {}) }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectPage> {
    const { signal } = options
    const pageAt = (next: string | undefined) => this.#asked(() => listS3(this.#client, this.#target, { prefix, ...options, next }), signal)
    yield* checkedPages(this.root, pageAt, options)
  }

  async head(key: string): Promise<ObjectEntry | undefined> {
    const found = await this.#headOf(key)
    return found === undefined ? undefined : entryOf(key, found)
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult> {
    const { from = 0, bytes, etag, signal } = options
    if (bytes === 0) return { kind: 'read', content: new Uint8Array() }
    const range =
      from < 0
        ? `bytes=${from}`
        : from === 0 && bytes === undefined
          ? undefined
          : `bytes=${from}-${bytes === undefined ? '' : from + bytes - 1}`
    return this.#asked(async () => {
      const found = await this.#get(key, range, etag, signal)
      if (typeof found === 'string') return found === 'empty' ? { kind: 'read', content: new Uint8Array() } : { kind: found }
      const content = await contentOf(found, this.#idleMs)
      return { kind: 'read', content: from < 0 && bytes !== undefined ? content.subarray(0, bytes) : content }
    }, signal)
  }

  async download(
    { key, size, etag }: Pick<ObjectEntry, 'key' | 'size' | 'etag'>,
    path: string,
    signal?: AbortSignal,
  ): Promise<'read' | 'absent' | 'changed'> {
    return fileOfRanges(path, Number(size), (_, bytes, writer) =>
      this.#range({ key, etag, isWhole: BigInt(bytes) === size }, writer, signal),
    )
  }

  /** What a cut body left is asked for again from where it was cut. */
  async #range(
    { key, etag, isWhole }: { readonly key: string; readonly etag: string; readonly isWhole: boolean },
    writer: ChunkWriter,
    signal: AbortSignal | undefined,
  ): Promise<'read' | 'absent' | 'changed'> {
    let hasBegun = false
    return this.#asked(async () => {
      const range = isWhole && !hasBegun ? undefined : `bytes=${writer.at}-${writer.at + writer.missing - 1}`
      if (hasBegun && writer.missing === 0) return 'read'
      const found = await this.#get(key, range, etag, signal)
      if (typeof found === 'string') return found === 'empty' ? 'changed' : found
      hasBegun = true
      await writer.take(steady(bodyOf(found), this.#idleMs))
      if (writer.missing > 0) throw new CutBody('the body ended early')
      return 'read'
    }, signal)
  }

  async put(key: string, content: Uint8Array): Promise<ObjectEntry> {
    await this.#asked(() => this.#client.send(new PutObjectCommand({ ...this.#putting(key, content) })))
    const entry = await this.head(key)
    if (entry === undefined) throw new UnavailableError('ING-STORAGE', `${this.root}/${key} was written and is not there`)
    return entry
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<'created' | 'exists'> {
    return this.#createdBy(key, content, (mark) =>
      this.#client.send(new PutObjectCommand({ ...this.#putting(key, content), IfNoneMatch: '*', Metadata: { [MARK]: mark } })),
    )
  }

  async #createdBy(key: string, content: Uint8Array | undefined, write: (mark: string) => Promise<unknown>): Promise<'created' | 'exists'> {
    try {
      return await createdOnce({
        write,
        markNow: async () => {
          const found = await this.#headOf(key)
          return found === undefined ? undefined : (found.Metadata?.[MARK] ?? null)
        },
        hasContent: content === undefined ? undefined : () => this.#hasContent(key, content),
        failureOf: s3FailureOf,
        isRefused: isRefusedCondition,
        isRace,
      })
    } catch (error) {
      throw s3Error(error, this.root)
    }
  }

  async #hasContent(key: string, content: Uint8Array): Promise<boolean> {
    const read = await this.read(key)
    return read.kind === 'read' && Buffer.compare(read.content, content) === 0
  }

  async upload(path: string, key: string): Promise<ObjectEntry> {
    const size = await sizeOf(path)
    const isSmall = size <= PART_BYTES
    const content = isSmall ? await partOf(path, 0, size) : undefined
    const outcome = await this.#createdBy(key, content, async (mark) =>
      content === undefined
        ? putParts(this.#client, { ...this.#target, ...this.#writing, Key: key, Metadata: { [MARK]: mark } }, { path, size }, (work) =>
            this.#asked(work),
          )
        : this.#client.send(new PutObjectCommand({ ...this.#putting(key, content), IfNoneMatch: '*', Metadata: { [MARK]: mark } })),
    )
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
    // Servers that do not know the condition of a copy pass over it.
    if ((await this.head(to)) !== undefined) return 'exists'
    const from = await this.head(key)
    if (from === undefined) return 'absent'
    if (from.etag !== etag) return 'changed'
    const copying = {
      ...this.#target,
      ...this.#writing,
      Key: to,
      CopySource: copySource(this.#target.Bucket, key),
      CopySourceIfMatch: `"${etag}"`,
    }
    const outcome = await this.#createdBy(to, undefined, (mark) =>
      size > MAX_COPY
        ? copyParts(this.#client, { ...copying, Metadata: { [MARK]: mark } }, Number(size), (work) => this.#asked(work))
        : this.#client.send(
            new CopyObjectCommand({ ...copying, MetadataDirective: 'REPLACE', Metadata: { [MARK]: mark }, IfNoneMatch: '*' }),
          ),
    ).catch(async (error: unknown) => {
      const now = await this.head(key)
      if (now?.etag === etag) throw error
      return now === undefined ? ('absent' as const) : ('changed' as const)
    })
    if (outcome === 'exists') {
      const now = await this.head(key)
      return now === undefined ? 'absent' : now.etag === etag ? 'exists' : 'changed'
    }
    if (outcome !== 'created') return outcome
    const made = await this.head(to)
    if (made?.size !== size) throw new UnavailableError('ING-STORAGE', `${this.root}/${to} was copied and has another size`)
    return 'copied'
  }

  async remove(keys: readonly string[], etag?: string): Promise<void> {
    const asked = <T>(work: () => Promise<T>) => this.#asked(work)
    if (etag === undefined) await removeS3(this.#client, this.#target, keys, asked)
    else for (const key of keys) await removeS3Version(this.#client, { ...this.#target, key, etag }, asked)
  }

  async keepsConditions(prefix: string): Promise<boolean> {
    return keepsConditions(this, prefix, (key, content) =>
      this.#asked(async () => {
        try {
          await this.#client.send(new PutObjectCommand({ ...this.#putting(key, content), IfNoneMatch: '*' }))
          return 'created'
        } catch (error) {
          if (isRefusedCondition(error) || isRace(error)) return 'refused'
          if (statusOf(error) === 501) return 'unknown'
          throw error
        }
      }),
    )
  }

  #putting(key: string, content: Uint8Array): PutObjectCommandInput {
    const sum = createHash('md5').update(content).digest('base64')
    return { ...this.#target, ...this.#writing, Key: key, Body: content, ContentLength: content.byteLength, ContentMD5: sum }
  }

  async #headOf(key: string): Promise<HeadObjectCommandOutput | undefined> {
    return this.#asked(async () => {
      try {
        return await this.#client.send(new HeadObjectCommand({ ...this.#target, Key: key }))
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    })
  }

  async #get(
    key: string,
    range: string | undefined,
    etag: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<GetObjectCommandOutput | 'absent' | 'changed' | 'empty'> {
    const command = new GetObjectCommand({
      ...this.#target,
      Key: key,
      ...(range === undefined ? {} : { Range: range }),
      ...(etag === undefined ? {} : { IfMatch: `"${etag}"` }),
    })
    try {
      const found = await this.#client.send(command, signal === undefined ? {} : { abortSignal: signal })
      // Not every server looks at the condition.
      if (etag === undefined || plainEtag(found.ETag) === etag) return found
      if (found.Body !== undefined && 'destroy' in found.Body) found.Body.destroy()
      return 'changed'
    } catch (error) {
      if (isAbsent(error)) return 'absent'
      if (isRefusedCondition(error)) return 'changed'
      if (statusOf(error) === 416) return 'empty'
      throw error
    }
  }

  async #asked<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await repeated(work, s3FailureOf, signal)
    } catch (error) {
      throw s3Error(error, this.root)
    }
  }
}

function entryOf(key: string, { ContentLength, LastModified, ETag }: HeadObjectCommandOutput): ObjectEntry {
  return { key, size: BigInt(ContentLength ?? 0), modifiedMs: LastModified?.getTime() ?? 0, etag: plainEtag(ETag) }
}

function plainEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^(?:W\/)?"(.*)"$/s, '$1')
}

function bodyOf({ Body }: GetObjectCommandOutput): AsyncIterable<Uint8Array> {
  if (Body === undefined || !(Symbol.asyncIterator in Body)) throw new CutBody('no body')
  return Body
}

async function contentOf(found: GetObjectCommandOutput, idleMs: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of steady(bodyOf(found), idleMs)) chunks.push(chunk)
  const content = Buffer.concat(chunks)
  if (found.ContentLength !== undefined && content.byteLength !== found.ContentLength) throw new CutBody('the body ended early')
  return content
}

/** Slashes stay, all else of a key is encoded. */
function copySource(bucket: string, key: string): string {
  return `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
}
