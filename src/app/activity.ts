import type { ActivityNote, ActivityStage } from '../model/activity.ts'
import type { RunEvent } from '../model/report.ts'
import type { Tracker } from '../tracker/tracker.ts'

const TOLD_EVERY_MS = 1000

interface Work {
  readonly stage: ActivityStage
  readonly startedMs: number
  readonly files: number
  readonly filesDone: number
  readonly bytes: number
  readonly bytesDone: number
  readonly rows: number
  readonly batchId: string | null
  readonly batchFiles: number
  readonly batchBytes: number
  /** Of the running batch; null between batches and where nothing tells it. */
  readonly fraction: number | null
}

/**
 * Tells the tracker once a second what its process does with its tables, for whoever looks. What takes less than a second is not told at all, so
 * that a short run has nothing to write.
 */
export class ActivityNotes implements AsyncDisposable {
  readonly #work = new Map<string, Work>()
  readonly #tracker: Tracker
  readonly #owner: string
  readonly #timer: NodeJS.Timeout
  #told = false
  #telling: Promise<void> | undefined

  constructor(tracker: Tracker, owner: string) {
    this.#tracker = tracker
    this.#owner = owner
    this.#timer = setInterval(() => this.#tell(), TOLD_EVERY_MS)
    this.#timer.unref()
  }

  event(event: RunEvent): void {
    if (event.kind === 'tableEnded') this.ended(event.table)
    else this.#work.set(event.table, workAfter(this.#work.get(event.table) ?? newWork(this.#tracker.now()), event))
  }

  /** The work on a table is over. */
  ended(table: string): void {
    this.#work.delete(table)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#telling
    if (this.#told) await this.#write([])
  }

  /** While the last note waits for a lock of the tracker there is no other: it would wait behind it. */
  #tell(): void {
    const notes = [...this.#work].map(([table, work]) => noteOf(table, work))
    if (this.#telling !== undefined || (notes.length === 0 && !this.#told)) return
    this.#telling = this.#write(notes).finally(() => {
      this.#telling = undefined
    })
  }

  /** A tracker that cannot be reached stops the work itself; that nobody can watch it does not. */
  async #write(notes: readonly ActivityNote[]): Promise<void> {
    try {
      await this.#tracker.noteActivity(this.#owner, notes)
      this.#told = notes.length > 0
    } catch {
      // What the tracker has of this process ends with its lease.
    }
  }
}

function newWork(startedMs: number): Work {
  return {
    stage: 'listing',
    startedMs,
    files: 0,
    filesDone: 0,
    bytes: 0,
    bytesDone: 0,
    rows: 0,
    batchId: null,
    batchFiles: 0,
    batchBytes: 0,
    fraction: null,
  }
}

function workAfter(work: Work, event: Exclude<RunEvent, { kind: 'tableEnded' }>): Work {
  switch (event.kind) {
    case 'listed':
      return { ...work, files: event.files }
    case 'waiting':
      return { ...work, stage: 'waiting' }
    case 'maintaining':
      return { ...work, stage: 'maintaining' }
    case 'pending':
      return { ...work, files: event.files }
    case 'batchStarted':
      return {
        ...work,
        stage: 'loading',
        batchId: event.batchId,
        batchFiles: event.files,
        batchBytes: event.bytes,
        bytes: work.bytes + event.bytes,
        fraction: 0,
      }
    case 'progress':
      return { ...work, fraction: event.fraction < 0 ? work.fraction : Math.max(work.fraction ?? 0, event.fraction) }
    case 'batchEnded':
      return {
        ...work,
        filesDone: work.filesDone + event.files,
        bytesDone: work.bytes,
        rows: work.rows + event.rows,
        batchId: null,
        batchFiles: 0,
        batchBytes: 0,
        fraction: null,
      }
    default:
      return work
  }
}

function noteOf(table: string, work: Work): ActivityNote {
  const part = work.fraction ?? 0
  const files = work.stage === 'loading' ? Math.max(work.files, work.filesDone + work.batchFiles) : work.files
  return {
    table_name: table,
    stage: work.stage,
    batch_id: work.batchId,
    files,
    files_done: work.filesDone,
    bytes: work.bytes,
    bytes_done: Math.trunc(work.bytesDone + part * work.batchBytes),
    rows: work.rows,
    fraction: work.stage === 'loading' && files > 0 ? Math.min(1, (work.filesDone + part * work.batchFiles) / files) : null,
    started_at: new Date(work.startedMs).toISOString(),
  }
}
