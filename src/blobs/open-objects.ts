import { BugError } from '../errors/errors.ts'
import type { StorageConnection } from '../model/connection.ts'
import { parseObjectUrl } from '../model/object-url.ts'
import type { ObjectStore } from './objects.ts'

/**
 * The store of a URL as the config holds it, and the path behind its root. Without a connection the vendor's SDK finds credentials
 * by itself. Nothing is asked of the store yet. The SDKs are loaded here, so that a local run never does.
 */
export async function openObjects(
  url: string,
  connection: StorageConnection | null,
): Promise<{ readonly store: ObjectStore; readonly prefix: string }> {
  const parsed = parseObjectUrl(url)
  if (parsed === undefined || 'problem' in parsed) throw new BugError(`${url} is no URL of an object store`)
  const { path: prefix } = parsed
  if (parsed.scheme === 's3' || parsed.scheme === 'gs') {
    if (connection !== null && connection.type !== 's3') throw new BugError(`${parsed.root} needs a connection of type s3`)
    const { openS3 } = await import('./s3.ts')
    return { store: openS3(parsed, connection), prefix }
  }
  if (connection !== null && connection.type !== 'adls') throw new BugError(`${parsed.root} needs a connection of type adls`)
  const { openAzure } = await import('./azure.ts')
  return { store: await openAzure(parsed, connection), prefix }
}
