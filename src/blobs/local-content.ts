import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

interface LocalFile {
  readonly path: string
  /** In base64, where `path` cannot say it. */
  readonly rawPath: string | null
}

/** A hash of what files hold, whatever their names; undefined where one cannot be read. */
export async function contentHash(files: readonly LocalFile[], algorithm: 'sha256' | 'md5'): Promise<string | undefined> {
  const hashes: string[] = []
  try {
    for (const file of files) hashes.push(await hashOf(file, algorithm))
  } catch {
    // The load finds out, and says why.
    return undefined
  }
  return createHash(algorithm).update(hashes.toSorted().join('\n')).digest('hex')
}

async function hashOf({ path, rawPath }: LocalFile, algorithm: string): Promise<string> {
  const hash = createHash(algorithm)
  const chunks: AsyncIterable<Buffer> = createReadStream(rawPath === null ? path : Buffer.from(rawPath, 'base64'))
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
