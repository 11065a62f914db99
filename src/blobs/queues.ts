/** A message that tells of objects. */
export interface QueueMessage {
  readonly body: string
  /** It comes again, after a while, until it is removed. */
  remove(): Promise<void>
}

/** A queue that a store tells of new objects. */
export interface ObjectQueue {
  /** The next messages; waits some seconds for the first. Rejects when the signal is aborted. */
  receive(signal: AbortSignal): Promise<readonly QueueMessage[]>
}
