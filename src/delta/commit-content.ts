import {
  type AddFile,
  actionLine,
  addLine,
  type DomainMetadata,
  domainLine,
  type Metadata,
  metadataLine,
  type Protocol,
  protocolLine,
  type Txn,
  txnLine,
} from './actions.ts'
import { type Json, jsonText } from './json.ts'

/** Everything that one commit says, but for what each attempt has of its own. */
export interface CommitContent {
  readonly operation: Operation
  /** Of a batch: the mark by which exactly-once is kept. */
  readonly txn?: Txn | undefined
  readonly batch?: BatchMark | undefined
  /** Only where it is new or changed. */
  readonly protocol?: Protocol | undefined
  readonly metadata?: Metadata | undefined
  readonly domains?: readonly DomainMetadata[] | undefined
  readonly adds: readonly AddFile[]
  /** Further actions as they stand in the log: `remove`, `cdc`, and `add` lines that were made in the engine. */
  readonly lines: readonly string[]
}

/** What `DESCRIBE HISTORY` shows of a commit. */
export interface Operation {
  /** `WRITE`, `OPTIMIZE`, `RESTORE` …, as Spark names it. */
  readonly name: string
  /** The log holds texts: whatever is no text is written as its JSON. */
  readonly parameters: Readonly<Record<string, Json>>
  readonly metrics: Readonly<Record<string, bigint | number>>
  /** Whether it only adds rows, and rests on none. */
  readonly isBlindAppend: boolean
}

export interface BatchMark {
  readonly appId: string
  readonly batch: bigint
  readonly batchId: string
  /** How many landing files it loads. */
  readonly files: number
  /** Landing files that changed the columns, each with the columns and nested fields that it brought; left out where there are none. */
  readonly schema?: readonly { readonly file: string; readonly columns: readonly string[] }[] | undefined
}

export type IsolationLevel = 'Serializable' | 'WriteSerializable' | 'SnapshotIsolation'

/** What differs from attempt to attempt. */
export interface Attempt {
  readonly version: bigint
  /** Milliseconds since the epoch; later than the commit before, whatever the clock says. */
  readonly timestampMs: number
  /** Unique: tells our own commit from that of another. */
  readonly txnId: string
}

/** How a commit is stamped. */
export interface Stamp extends Attempt {
  readonly isolationLevel: IsolationLevel
  /** `ingestd/<version>` */
  readonly engine: string
  /** Whether the table keeps the time of a commit in the commit. */
  readonly hasInCommitTimestamp: boolean
}

/** The bytes of a commit: one action a line, `commitInfo` first. */
export function commitBytes(content: CommitContent, stamp: Stamp): Uint8Array {
  const lines = [
    infoLine(content, stamp),
    ...(content.protocol === undefined ? [] : [protocolLine(content.protocol)]),
    ...(content.metadata === undefined ? [] : [metadataLine(content.metadata)]),
    ...(content.domains ?? []).map(domainLine),
    ...(content.txn === undefined ? [] : [txnLine(content.txn)]),
    ...content.lines,
    ...content.adds.map(addLine),
  ]
  return new TextEncoder().encode(`${lines.join('\n')}\n`)
}

function infoLine({ operation, batch }: CommitContent, stamp: Stamp): string {
  const { version, timestampMs } = stamp
  return actionLine('commitInfo', {
    // Readers of such tables look for it without reading on.
    inCommitTimestamp: stamp.hasInCommitTimestamp ? timestampMs : undefined,
    timestamp: timestampMs,
    operation: operation.name,
    operationParameters: texts(operation.parameters),
    readVersion: version === 0n ? undefined : version - 1n,
    isolationLevel: stamp.isolationLevel,
    isBlindAppend: operation.isBlindAppend,
    operationMetrics: texts(operation.metrics),
    userMetadata: batch && `ingestd batch ${batch.batch} ${batch.batchId}`,
    tags: batch && { 'ingestd.batch': String(batch.batch), 'ingestd.batchId': batch.batchId },
    engineInfo: stamp.engine,
    txnId: stamp.txnId,
    ingestd: batch && { batch: batch.batch, batchId: batch.batchId, appId: batch.appId, files: batch.files, schema: batch.schema },
  })
}

function texts(values: Readonly<Record<string, Json>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : jsonText(value)]))
}
