import { createHash } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CopyObjectCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { partOf } from './object-files.ts'

/** The bucket, and who pays. */
export interface S3Target {
  readonly Bucket: string
  readonly RequestPayer?: 'requester'
}

type Asked = <T>(work: () => Promise<T>) => Promise<T>
type Creating = S3Target & Omit<CreateMultipartUploadCommandInput, 'Bucket' | 'Key'> & { readonly Key: string }

/** What is larger goes in parts of this size. */
export const PART_BYTES = 16 * 1024 * 1024
const COPIED_BYTES = 512 * 1024 * 1024
const MAX_PARTS = 10_000
/** Parts of all uploads of the process that are in the memory at the same time. */
const memory = pLimit(4)

/** A file as an object that is not there yet. What was sent of it is thrown away when it fails. */
export async function putParts(
  client: S3Client,
  creating: Creating,
  { path, size }: { readonly path: string; readonly size: number },
  asked: Asked,
): Promise<void> {
  const bytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS))
  await inParts({ client, creating, asked, size, bytes }, (upload, { number: PartNumber, from, length }) =>
    memory(async () => {
      const content = await partOf(path, from, length)
      const sum = createHash('md5').update(content).digest('base64')
      const sent = await asked(() => client.send(new UploadPartCommand({ ...upload, PartNumber, Body: content, ContentMD5: sum })))
      return sent.ETag
    }),
  )
}

/** The same of an object of the server's. */
export async function copyParts(
  client: S3Client,
  { CopySource, CopySourceIfMatch, ...creating }: Creating & Pick<CopyObjectCommandInput, 'CopySource' | 'CopySourceIfMatch'>,
  size: number,
  asked: Asked,
): Promise<void> {
  const bytes = Math.max(COPIED_BYTES, Math.ceil(size / MAX_PARTS))
  await inParts({ client, creating, asked, size, bytes }, (upload, { number: PartNumber, from, length }) =>
    memory(async () => {
      const range = `bytes=${from}-${from + length - 1}`
      const copied = await asked(() =>
        client.send(new UploadPartCopyCommand({ ...upload, PartNumber, CopySource, CopySourceIfMatch, CopySourceRange: range })),
      )
      return copied.CopyPartResult?.ETag
    }),
  )
}

type Upload = S3Target & { readonly Key: string; readonly UploadId: string | undefined }

interface Parting {
  readonly client: S3Client
  readonly creating: Creating
  readonly asked: Asked
  /** Of the whole, and of each part but the last. */
  readonly size: number
  readonly bytes: number
}

interface Part {
  readonly number: number
  readonly from: number
  readonly length: number
}

async function inParts(
  { client, creating, asked, size, bytes }: Parting,
  send: (upload: Upload, part: Part) => Promise<string | undefined>,
): Promise<void> {
  const { UploadId } = await asked(() => client.send(new CreateMultipartUploadCommand(creating)))
  const { Bucket, Key, RequestPayer } = creating
  const upload = { Bucket, Key, UploadId, ...(RequestPayer === undefined ? {} : { RequestPayer }) }
  const starts = Array.from({ length: Math.ceil(size / bytes) }, (_, index) => index * bytes)
  try {
    const ended = await Promise.allSettled(
      starts.map(async (from, index): Promise<CompletedPart> => {
        return { PartNumber: index + 1, ETag: await send(upload, { number: index + 1, from, length: Math.min(bytes, size - from) }) }
      }),
    )
    const failed = ended.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    const Parts = ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, IfNoneMatch: '*' }))
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined)
    throw error
  }
}
