import type { BlobItem, ContainerClient } from '@azure/storage-blob'
import type { RawPage } from './object-pages.ts'
import type { ListOptions, ObjectEntry } from './objects.ts'

/** One page of a listing. It has no begin but the prefix: what lies before `after` is left out by the caller. */
export async function listAzure(
  container: ContainerClient,
  { prefix, delimiter, pageSize, signal, next }: ListOptions & { readonly prefix: string; readonly next: string | undefined },
): Promise<RawPage> {
  // With the metadata, by which folders of a hierarchical namespace are told.
  const options = { prefix, includeMetadata: true, ...(signal === undefined ? {} : { abortSignal: signal }) }
  const paging = {
    ...(next === undefined ? {} : { continuationToken: next }),
    ...(pageSize === undefined ? {} : { maxPageSize: pageSize }),
  }
  if (delimiter === undefined) {
    for await (const { segment, continuationToken } of container.listBlobsFlat(options).byPage(paging))
      return pageOf(segment.blobItems, [], continuationToken)
    return NOTHING
  }
  for await (const { segment, continuationToken } of container.listBlobsByHierarchy(delimiter, options).byPage(paging))
    return pageOf(segment.blobItems, segment.blobPrefixes ?? [], continuationToken)
  return NOTHING
}

const NOTHING: RawPage = { objects: [], prefixes: [], next: undefined }

function pageOf(items: readonly BlobItem[], prefixes: readonly { readonly name: string }[], token: string | undefined): RawPage {
  return {
    objects: items.filter((item) => !isFolder(item)).map(entryOf),
    prefixes: prefixes.map(({ name }) => name),
    next: token === '' ? undefined : token,
  }
}

function isFolder({ metadata }: BlobItem): boolean {
  return metadata?.['hdi_isfolder'] === 'true'
}

function entryOf({ name, properties: { contentLength, lastModified, etag } }: BlobItem): ObjectEntry {
  return { key: name, size: BigInt(contentLength ?? 0), modifiedMs: lastModified.getTime(), etag: etag.replaceAll('"', '') }
}
