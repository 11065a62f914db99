import { createHash, randomUUID } from 'node:crypto'
import type { BlockBlobClient, BlockBlobCommitBlockListOptions } from '@azure/storage-blob'
import pLimit from 'p-limit'
import { partOf } from './object-files.ts'
import { patient, SENDING_MS } from './object-timeouts.ts'

/** What is larger goes in blocks of this size. */
export const PART_BYTES = 16 * 1024 * 1024
const MAX_BLOCKS = 50_000
/** Blocks of all uploads of the process that are in the memory at the same time. */
const memory = pLimit(4)

/** A file as blocks, which are one blob when their list is committed. Names of blocks are this call's own. */
export async function putBlocks(
  blob: BlockBlobClient,
  creating: BlockBlobCommitBlockListOptions,
  { path, size }: { readonly path: string; readonly size: number },
  asked: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const bytes = Math.max(PART_BYTES, Math.ceil(size / MAX_BLOCKS))
  const call = randomUUID()
  const blocks = Array.from({ length: Math.ceil(size / bytes) }, (_, index) => ({
    id: Buffer.from(`${call}-${String(index).padStart(6, '0')}`).toString('base64'),
    from: index * bytes,
  }))
  const ended = await Promise.allSettled(
    blocks.map(({ id, from }) =>
      memory(async () => {
        const content = await partOf(path, from, Math.min(bytes, size - from))
        const transactionalContentMD5 = createHash('md5').update(content).digest()
        const sending = (abortSignal: AbortSignal) =>
          blob.stageBlock(id, content, content.byteLength, { transactionalContentMD5, abortSignal })
        await asked(() => patient(SENDING_MS, undefined, sending))
      }),
    ),
  )
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  await blob.commitBlockList(
    blocks.map(({ id }) => id),
    creating,
  )
}
