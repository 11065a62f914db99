/** What a message of a queue says: the objects that came to a bucket or container, by their keys. */
export type ObjectEvents =
  | { readonly kind: 'created'; readonly objects: readonly CreatedObject[] }
  /** A test, a deletion, or what else is no new content. */
  | { readonly kind: 'nothing' }
  /** It may be of anything. */
  | { readonly kind: 'unknown' }

export interface CreatedObject {
  /** Bucket or container. */
  readonly container: string
  readonly key: string
}

/**
 * Reads a message of S3 (to SQS, by SNS, by EventBridge) or of Azure's Event Grid (to a storage queue, in base64). It only tells where to look:
 * what lies there decides.
 */
export function objectEvents(body: string): ObjectEvents {
  const message = parsed(body) ?? parsed(Buffer.from(body, 'base64').toString('utf8'))
  if (Array.isArray(message)) return together(message.map(eventsOf))
  return eventsOf(message)
}

function eventsOf(message: unknown): ObjectEvents {
  if (!isRecord(message)) return UNKNOWN
  if (message['Type'] === 'Notification' && typeof message['Message'] === 'string') return eventsOf(parsed(message['Message']))
  if (message['Event'] === 's3:TestEvent') return NOTHING
  if (Array.isArray(message['Records'])) return together(message['Records'].map(ofS3))
  if (message['source'] === 'aws.s3') return ofEventBridge(message)
  const type = message['eventType'] ?? message['type']
  return typeof type === 'string' && type.startsWith('Microsoft.') ? ofEventGrid(type, message) : UNKNOWN
}

const UNKNOWN: ObjectEvents = { kind: 'unknown' }
const NOTHING: ObjectEvents = { kind: 'nothing' }

function ofS3(record: unknown): ObjectEvents {
  const name = field(record, 'eventName')
  const container = field(record, 's3', 'bucket', 'name')
  const key = field(record, 's3', 'object', 'key')
  if (typeof name !== 'string') return UNKNOWN
  if (!/^(?:s3:)?(?:ObjectCreated:|ObjectRestore:Completed)/.test(name)) return NOTHING
  const decoded = typeof key === 'string' ? formDecoded(key) : undefined
  return typeof container === 'string' && decoded !== undefined ? created(container, decoded) : UNKNOWN
}

/** Keys stand in these as they are. */
function ofEventBridge(message: Readonly<Record<string, unknown>>): ObjectEvents {
  const type = message['detail-type']
  if (type !== 'Object Created' && type !== 'Object Restore Completed') return NOTHING
  const container = field(message, 'detail', 'bucket', 'name')
  const key = field(message, 'detail', 'object', 'key')
  return typeof container === 'string' && typeof key === 'string' ? created(container, key) : UNKNOWN
}

function ofEventGrid(type: string, message: Readonly<Record<string, unknown>>): ObjectEvents {
  if (type === 'Microsoft.Storage.BlobRenamed') {
    const url = field(message, 'data', 'destinationUrl')
    return typeof url === 'string' ? ofBlobUrl(url) : UNKNOWN
  }
  if (type !== 'Microsoft.Storage.BlobCreated') return NOTHING
  const subject = message['subject']
  const [, container, key] =
    (typeof subject === 'string' ? /^\/blobServices\/[^/]+\/containers\/([^/]+)\/blobs\/(.+)$/s.exec(subject) : null) ?? []
  return container === undefined || key === undefined ? UNKNOWN : created(container, key)
}

function ofBlobUrl(url: string): ObjectEvents {
  const [, container, path] = /^https?:\/\/[^/]+\/([^/]+)\/([^?]+)/.exec(url) ?? []
  try {
    return container === undefined || path === undefined ? UNKNOWN : created(container, decodeURIComponent(path))
  } catch {
    return UNKNOWN
  }
}

function created(container: string, key: string): ObjectEvents {
  return { kind: 'created', objects: [{ container, key }] }
}

/** One that is not known makes nothing of the others less true, but something may be missing. */
function together(events: readonly ObjectEvents[]): ObjectEvents {
  if (events.some(({ kind }) => kind === 'unknown')) return UNKNOWN
  const objects = events.flatMap((event) => (event.kind === 'created' ? event.objects : []))
  return objects.length === 0 ? NOTHING : { kind: 'created', objects }
}

/** Keys of S3 stand in its events as a form encodes them: a plus is a space. */
function formDecoded(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function field(value: unknown, ...names: readonly string[]): unknown {
  let at = value
  for (const name of names) at = isRecord(at) ? at[name] : undefined
  return at
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
