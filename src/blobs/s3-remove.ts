import { DeleteObjectCommand, DeleteObjectsCommand, type S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { isAbsent, isRefusedCondition, statusOf } from './s3-failures.ts'
import type { S3Target } from './s3-parts.ts'

type Asked = <T>(work: () => Promise<T>) => Promise<T>

const BATCH = 1000
const AT_ONCE = 16
/** What the XML of a batch cannot hold, or would change. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const UNSPEAKABLE = /[\u0000-\u001f\u007f\ufffe\uffff]/

/** Removes objects, in batches where the server takes them. */
export async function removeS3(client: S3Client, target: S3Target, keys: readonly string[], asked: Asked): Promise<void> {
  const limit = pLimit(AT_ONCE)
  const single = async (key: string): Promise<void> => {
    await asked(() =>
      client.send(new DeleteObjectCommand({ ...target, Key: key })).catch((error: unknown) => {
        if (!isAbsent(error)) throw error
      }),
    )
  }
  const plain = keys.filter((key) => !UNSPEAKABLE.test(key))
  const batches = Array.from({ length: Math.ceil(plain.length / BATCH) }, (_, index) => plain.slice(index * BATCH, (index + 1) * BATCH))
  const rest = keys.filter((key) => UNSPEAKABLE.test(key))
  for (const batch of batches) rest.push(...(batch.length === 1 ? batch : await leftOf(client, target, batch)))
  await Promise.all(rest.map((key) => limit(() => single(key))))
}

/** Removes one content of a key. A server that does not know the condition removes what is there. */
export async function removeS3Version(
  client: S3Client,
  { key, etag, ...target }: S3Target & { readonly key: string; readonly etag: string },
  asked: Asked,
): Promise<void> {
  const remove = (condition: { readonly IfMatch?: string }) => client.send(new DeleteObjectCommand({ ...target, Key: key, ...condition }))
  await asked(() =>
    remove({ IfMatch: `"${etag}"` }).catch((error: unknown) => {
      if (statusOf(error) === 501) return remove({})
      if (!isAbsent(error) && !isRefusedCondition(error)) throw error
      return undefined
    }),
  )
}

/** Removes a batch; what it did not take is asked for one by one, so that each failure is told as itself. */
async function leftOf(client: S3Client, target: S3Target, keys: readonly string[]): Promise<readonly string[]> {
  try {
    const Objects = keys.map((key) => ({ Key: key }))
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ ...target, Delete: { Objects, Quiet: true } }))
    return Errors.flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
  } catch {
    return keys
  }
}
