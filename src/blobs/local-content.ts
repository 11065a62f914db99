import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import pLimit from 'p-limit'

interface LocalFile {
  readonly path: string
  /** In base64, where `path` cannot say it. */
  readonly rawPath: string | null
}

/** Files that are read at the same time. */
const AT_ONCE = 8

/** A hash of what files hold, whatever their names; undefined where one cannot be read. */
export async function contentHash<F extends LocalFile>(
  files: readonly F[],
  algorithm: 'sha256' | 'md5',
  bytesOf: (file: F) => AsyncIterable<Uint8Array> = bytesOfLocal,
): Promise<string | undefined> {
  const limit = pLimit(AT_ONCE)
  try {
    const hashes = await limit.map(files, (file) => hashOf(bytesOf(file), algorithm))
    return createHash(algorithm).update(hashes.toSorted().join('\n')).digest('hex')
  } catch {
    // The load finds out, and says why.
    return undefined
  }
}

function bytesOfLocal({ path, rawPath }: LocalFile): AsyncIterable<Buffer> {
  return createReadStream(rawPath === null ? path : Buffer.from(rawPath, 'base64'))
}

async function hashOf(chunks: AsyncIterable<Uint8Array>, algorithm: string): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
