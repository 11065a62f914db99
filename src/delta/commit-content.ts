import {
  type AddFile,
  actionLine,
  addLine,
  type Metadata,
  metadataLine,
  type Protocol,
  protocolLine,
  type Txn,
  txnLine,
} from './actions.ts'

/** Everything that one commit says. */
export interface CommitContent {
  readonly info: CommitInfo
  readonly txn: Txn
  /** Only where it is new or changed. */
  readonly protocol: Protocol | undefined
  readonly metadata: Metadata | undefined
  readonly adds: readonly AddFile[]
  /** Lines of `remove` actions. */
  readonly removes: readonly string[]
}

export interface CommitInfo {
  /** Milliseconds since the epoch. */
  readonly timestampMs: number
  readonly strategy: string
  readonly mode: 'Append' | 'Overwrite'
  readonly partitionColumns: readonly string[]
  /** Version that the commit rests on; null for the first. */
  readonly readVersion: bigint | null
  readonly isBlindAppend: boolean
  /** `ingestd/<version>` */
  readonly engine: string
  /** Unique for each attempt: tells our own commit from that of another. */
  readonly txnId: string
  readonly batch: bigint
  readonly batchId: string
  readonly removedFiles: number
  readonly removedBytes: bigint
  readonly addedRows: bigint
}

/** The bytes of a commit: one action a line, `commitInfo` first. */
export function commitBytes(content: CommitContent): Uint8Array {
  const lines = [
    infoLine(content),
    ...(content.protocol === undefined ? [] : [protocolLine(content.protocol)]),
    ...(content.metadata === undefined ? [] : [metadataLine(content.metadata)]),
    txnLine(content.txn),
    ...content.removes,
    ...content.adds.map(addLine),
  ]
  return new TextEncoder().encode(`${lines.join('\n')}\n`)
}

function infoLine({ info, adds, txn }: CommitContent): string {
  const addedBytes = adds.reduce((sum, add) => sum + add.size, 0n)
  return actionLine('commitInfo', {
    timestamp: info.timestampMs,
    operation: 'WRITE',
    operationParameters: { mode: info.mode, partitionBy: JSON.stringify(info.partitionColumns), strategy: info.strategy },
    readVersion: info.readVersion ?? undefined,
    isolationLevel: 'Serializable',
    isBlindAppend: info.isBlindAppend,
    operationMetrics: {
      numFiles: String(adds.length),
      numOutputRows: String(info.addedRows),
      numOutputBytes: String(addedBytes),
      numRemovedFiles: String(info.removedFiles),
      numRemovedBytes: String(info.removedBytes),
    },
    userMetadata: `ingestd batch ${info.batch} ${info.batchId}`,
    tags: { 'ingestd.batch': String(info.batch), 'ingestd.batchId': info.batchId },
    engineInfo: info.engine,
    txnId: info.txnId,
    ingestd: { batch: info.batch, batchId: info.batchId, appId: txn.appId },
  })
}
