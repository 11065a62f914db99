import { setTimeout } from 'node:timers/promises'
import { openQueue } from '../../blobs/open-queue.ts'
import type { ObjectQueue, QueueMessage } from '../../blobs/queues.ts'
import { reportOf } from '../../errors/errors.ts'
import type { StorageConnection } from '../../model/connection.ts'
import { parseObjectUrl } from '../../model/object-url.ts'
import type { NotificationQueue, TableConfig } from '../../model/table.ts'
import { objectEvents } from '../../watcher/object-events.ts'
import { meantBy } from '../../watcher/object-glance.ts'
import { type SourceRules, sourceRules } from '../../watcher/rules.ts'

/** How long a queue that cannot be read is left alone. */
const PAUSE_MS = 10_000

/** A table that is told of new objects. */
interface Hearer {
  readonly rules: SourceRules
  readonly container: string
  /** Fulfilled when what lies at the paths is admitted. */
  readonly told: (paths: readonly string[]) => Promise<void>
  readonly listAll: () => void
}

/** Reads the queues of the tables; several tables may have one. A message goes when all of its tables have admitted what it tells of. */
export class Notices {
  readonly #queues = new Map<string, QueueReader>()
  readonly #onWarning: (message: string) => void

  constructor(onWarning: (message: string) => void) {
    this.#onWarning = onWarning
  }

  /** Until it is disposed of, the table is told of what comes to its queue. */
  join(table: TableConfig, source: Pick<Hearer, 'told' | 'listAll'>): Disposable {
    const { notifications } = table.watch
    const rules = sourceRules(table)
    const url = parseObjectUrl(rules.pattern.root)
    if (notifications === null || url === undefined || 'problem' in url) return { [Symbol.dispose]: () => undefined }
    const hearer: Hearer = { rules, container: url.container, told: (paths) => source.told(paths), listAll: () => source.listAll() }
    const key = JSON.stringify([notifications, table.storage.source])
    const reader = this.#queues.get(key) ?? new QueueReader(notifications, table.storage.source, this.#onWarning)
    this.#queues.set(key, reader)
    reader.hearers.add(hearer)
    return {
      [Symbol.dispose]: () => {
        reader.hearers.delete(hearer)
        if (reader.hearers.size > 0) return
        this.#queues.delete(key)
        reader.stop()
      },
    }
  }
}

class QueueReader {
  readonly hearers = new Set<Hearer>()
  readonly #stopping = new AbortController()
  readonly #onWarning: (message: string) => void

  constructor(queue: NotificationQueue, connection: StorageConnection | null, onWarning: (message: string) => void) {
    this.#onWarning = onWarning
    void this.#read(queue, connection)
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #read(queue: NotificationQueue, connection: StorageConnection | null): Promise<void> {
    const { signal } = this.#stopping
    let opened: ObjectQueue | undefined
    let isReadable = true
    while (!signal.aborted) {
      try {
        opened ??= await openQueue(queue, connection)
        for (const message of await opened.receive(signal)) void this.#take(message)
        isReadable = true
      } catch (error) {
        if (signal.aborted) return
        // Said once, not each time.
        if (isReadable) this.#onWarning(`${reportOf(error).message}; the source is listed meanwhile`)
        isReadable = false
        await setTimeout(PAUSE_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** A message whose files were not admitted comes again. */
  async #take(message: QueueMessage): Promise<void> {
    try {
      const events = objectEvents(message.body)
      if (events.kind === 'unknown') {
        this.#onWarning(`a message of the queue is not understood, so all is listed: ${message.body.slice(0, 200)}`)
        for (const { listAll } of this.hearers) listAll()
      }
      if (events.kind === 'created') {
        await Promise.all(
          [...this.hearers].map(async ({ rules, container, told }) => {
            const paths = events.objects
              .filter((one) => one.container === container)
              .map(({ key }) => `${rules.pattern.root}/${key}`)
              .filter((path) => meantBy(rules, path) !== undefined)
            if (paths.length > 0) await told(paths)
          }),
        )
      }
      if (!this.#stopping.signal.aborted) await message.remove()
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#onWarning(`a message of the queue stays there: ${reportOf(error).message}`)
    }
  }
}
