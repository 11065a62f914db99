import { type _Object, type CommonPrefix, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import type { RawPage } from './object-pages.ts'
import type { ListOptions, ObjectEntry } from './objects.ts'
import type { S3Target } from './s3-parts.ts'

/** One page of a listing. */
export async function listS3(
  client: S3Client,
  target: S3Target,
  { prefix, after, delimiter, pageSize, signal, next }: ListOptions & { readonly prefix: string; readonly next: string | undefined },
): Promise<RawPage> {
  const command = new ListObjectsV2Command({
    ...target,
    Prefix: prefix,
    // Keys may hold what XML cannot.
    EncodingType: 'url',
    ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
    ...(pageSize === undefined ? {} : { MaxKeys: pageSize }),
    ...(next === undefined ? (after === undefined ? {} : { StartAfter: after }) : { ContinuationToken: next }),
  })
  const found = await client.send(command, signal === undefined ? {} : { abortSignal: signal })
  const text = found.EncodingType === 'url' ? decoded : (written: string) => written
  return {
    objects: (found.Contents ?? []).map((object) => entryOf(object, text)),
    prefixes: (found.CommonPrefixes ?? []).map(({ Prefix = '' }: CommonPrefix) => text(Prefix)),
    next: found.IsTruncated === true ? found.NextContinuationToken : undefined,
  }
}

function entryOf({ Key = '', Size = 0, LastModified, ETag = '' }: _Object, text: (written: string) => string): ObjectEntry {
  return {
    key: text(Key),
    size: BigInt(Size),
    modifiedMs: LastModified?.getTime() ?? 0,
    etag: ETag.replace(/^(?:W\/)?"(.*)"$/s, '$1'),
  }
}

function decoded(written: string): string {
  return decodeURIComponent(written.replaceAll('+', ' '))
}
