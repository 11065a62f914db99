import { QueueClient, StorageSharedKeyCredential } from '@azure/storage-queue'
import { UnavailableError } from '../errors/errors.ts'
import { redactUrl } from '../errors/redact.ts'
import type { AdlsConnection } from '../model/connection.ts'
import type { ObjectQueue } from './queues.ts'

/** As many as the service gives at once. */
const MESSAGES = 32
/** Seconds that a message is left alone: until its files are admitted, or it comes again. */
const VISIBILITY_SECONDS = 300
/** The service does not wait for a message. */
const PAUSE_MS = 2000

/** A storage queue, by its URL; with the credentials of the container's connection. */
export async function openStorageQueue(url: string, connection: AdlsConnection | null): Promise<ObjectQueue> {
  const client = await clientOf(url, connection)
  return {
    async receive(signal) {
      try {
        const asked = { numberOfMessages: MESSAGES, visibilityTimeout: VISIBILITY_SECONDS, abortSignal: signal }
        const { receivedMessageItems: items } = await client.receiveMessages(asked)
        if (items.length === 0) await pause(PAUSE_MS, signal)
        return items.map(({ messageId, messageText, popReceipt }) => ({
          body: messageText,
          remove: async () => {
            await client.deleteMessage(messageId, popReceipt)
          },
        }))
      } catch (error) {
        signal.throwIfAborted()
        throw queueError(error, url)
      }
    },
  }
}

async function clientOf(url: string, connection: AdlsConnection | null): Promise<QueueClient> {
  const { pathname } = new URL(url)
  if (connection?.connectionString != null) return new QueueClient(connection.connectionString, pathname.split('/').at(-1) ?? '')
  if (connection?.sasToken != null) return new QueueClient(`${url}?${connection.sasToken.replace(/^\?/, '')}`)
  if (connection?.accountKey != null) {
    return new QueueClient(url, new StorageSharedKeyCredential(accountOf(url), connection.accountKey))
  }
  const { tokenCredential } = await import('./azure-client.ts')
  return new QueueClient(url, await tokenCredential(connection))
}

/** `https://account.queue.core.windows.net/queue`; an emulator has the account in the path. */
function accountOf(url: string): string {
  const { hostname, pathname } = new URL(url)
  const inPath = pathname.split('/').filter((name) => name !== '')
  return inPath.length > 1 ? (inPath[0] ?? '') : (hostname.split('.')[0] ?? '')
}

/** The SDK's own error is no cause, since it holds the request. */
function queueError(error: unknown, url: string): UnavailableError {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return new UnavailableError('ING-SOURCE-QUEUE', `the queue ${redactUrl(url)} cannot be read: ${redactUrl(reason)}`, {
    hint: 'grant the role Storage Queue Data Message Processor; until then the source is listed',
  })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
