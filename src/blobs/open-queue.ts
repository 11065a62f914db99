import type { StorageConnection } from '../model/connection.ts'
import type { NotificationQueue } from '../model/table.ts'
import type { ObjectQueue } from './queues.ts'

/** With the credentials of the bucket or container. The SDKs are loaded here, so that nobody else does. */
export async function openQueue(queue: NotificationQueue, connection: StorageConnection | null): Promise<ObjectQueue> {
  if (queue.kind === 'sqs') {
    const { openSqs } = await import('./s3-queue.ts')
    return openSqs(queue.url, connection?.type === 's3' ? connection : null)
  }
  const { openStorageQueue } = await import('./azure-queue.ts')
  return openStorageQueue(queue.url, connection?.type === 'adls' ? connection : null)
}
