import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs'
import { UnavailableError } from '../errors/errors.ts'
import type { S3Connection } from '../model/connection.ts'
import { identityOf } from './aws-identity.ts'
import type { ObjectQueue } from './queues.ts'

/** Seconds that a request waits for the first message. */
const WAIT_SECONDS = 20
/** As many as the service gives at once. */
const MESSAGES = 10
/** Seconds that a message is left alone: until its files are admitted, or it comes again. */
const VISIBILITY_SECONDS = 300

/** A queue of SQS, by its URL; with the credentials of the bucket's connection. */
export function openSqs(url: string, connection: S3Connection | null): ObjectQueue {
  const client = new SQSClient(clientConfig(new URL(url), connection))
  const QueueUrl = url
  return {
    async receive(signal) {
      const asked = { QueueUrl, MaxNumberOfMessages: MESSAGES, WaitTimeSeconds: WAIT_SECONDS, VisibilityTimeout: VISIBILITY_SECONDS }
      try {
        const { Messages = [] } = await client.send(new ReceiveMessageCommand(asked), { abortSignal: signal })
        return Messages.map(({ Body = '', ReceiptHandle }) => ({
          body: Body,
          remove: async () => {
            await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
          },
        }))
      } catch (error) {
        signal.throwIfAborted()
        throw queueError(error, url)
      }
    },
  }
}

function clientConfig({ hostname, origin }: URL, connection: S3Connection | null): SQSClientConfig {
  const region = connection?.region ?? /^sqs\.([a-z0-9-]+)\.amazonaws\.com/.exec(hostname)?.[1]
  const isAws = /\.amazonaws\.com(?:\.cn)?$/.test(hostname)
  const config: SQSClientConfig = isAws ? {} : { endpoint: origin, region: region ?? 'us-east-1' }
  if (region !== undefined) config.region = region
  return { ...config, ...identityOf(connection) }
}

/** The SDK's own error is no cause, since it holds the request. */
function queueError(error: unknown, url: string): UnavailableError {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return new UnavailableError('ING-SOURCE-QUEUE', `the queue ${url} cannot be read: ${reason}`, {
    hint: 'grant sqs:ReceiveMessage and sqs:DeleteMessage; until then the source is listed',
  })
}
