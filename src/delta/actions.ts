import { integerOf, isRecord, textMapOf, textOf, textsOf } from './decode.ts'
import { type Json, jsonText } from './json.ts'

/** What a reader and a writer must know to touch the table. */
export interface Protocol {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  /** Null below reader version 3. */
  readonly readerFeatures: readonly string[] | null
  /** Null below writer version 7. */
  readonly writerFeatures: readonly string[] | null
}

export interface Metadata {
  readonly id: string
  readonly name: string | null
  readonly description: string | null
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> }
  readonly schemaString: string
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  /** Milliseconds since the epoch. */
  readonly createdTime: bigint | null
}

/** The newest batch of one application. */
export interface Txn {
  readonly appId: string
  readonly version: bigint
  /** Milliseconds since the epoch. */
  readonly lastUpdated: bigint | null
}

/** Settings of a feature that we carry, but do not read. */
export interface DomainMetadata {
  readonly domain: string
  readonly configuration: string
  readonly removed: boolean
}

/** Values as the log writes them; null for a null value. */
export type PartitionValues = Readonly<Record<string, string | null>>

export interface AddFile {
  /** As the log holds it: a relative URI. */
  readonly path: string
  readonly partitionValues: PartitionValues
  readonly size: bigint
  /** Milliseconds since the epoch. */
  readonly modificationTime: number
  /** JSON text. */
  readonly stats: string
  readonly tags: Readonly<Record<string, string>> | undefined
  /** False where the commit only rearranges rows. */
  readonly dataChange?: boolean
  /** The `deletionVector` of the file as the log holds it. */
  readonly deletionVector?: Json | undefined
}

/** One line of a commit. */
export function actionLine(name: string, action: Json): string {
  return jsonText({ [name]: action })
}

export function protocolLine(protocol: Protocol): string {
  return actionLine('protocol', protocolJson(protocol))
}

export function protocolJson(protocol: Protocol): Json {
  const { minReaderVersion, minWriterVersion } = protocol
  // The lists must be there exactly at the versions that know them.
  return {
    minReaderVersion,
    minWriterVersion,
    readerFeatures: minReaderVersion >= 3 ? (protocol.readerFeatures ?? []) : undefined,
    writerFeatures: minWriterVersion >= 7 ? (protocol.writerFeatures ?? []) : undefined,
  }
}

export function metadataLine(metadata: Metadata): string {
  return actionLine('metaData', metadataJson(metadata))
}

export function metadataJson(metadata: Metadata): Json {
  return {
    id: metadata.id,
    name: metadata.name ?? undefined,
    description: metadata.description ?? undefined,
    format: { provider: metadata.format.provider, options: metadata.format.options },
    schemaString: metadata.schemaString,
    partitionColumns: metadata.partitionColumns,
    configuration: metadata.configuration,
    createdTime: metadata.createdTime ?? undefined,
  }
}

export function txnLine(txn: Txn): string {
  return actionLine('txn', txnJson(txn))
}

export function txnJson(txn: Txn): Json {
  return { appId: txn.appId, version: txn.version, lastUpdated: txn.lastUpdated ?? undefined }
}

export function addLine(add: AddFile): string {
  return actionLine('add', {
    path: add.path,
    partitionValues: add.partitionValues,
    size: add.size,
    modificationTime: add.modificationTime,
    dataChange: add.dataChange ?? true,
    stats: add.stats,
    tags: add.tags,
    deletionVector: add.deletionVector,
  })
}

export function domainLine(domain: DomainMetadata): string {
  return actionLine('domainMetadata', domainJson(domain))
}

export function domainJson({ domain, configuration, removed }: DomainMetadata): Json {
  return { domain, configuration, removed }
}

export function decodeProtocol(value: unknown): Protocol | undefined {
  if (!isRecord(value)) return undefined
  const reader = integerOf(value['minReaderVersion'])
  const writer = integerOf(value['minWriterVersion'])
  if (reader === null || writer === null) return undefined
  return {
    minReaderVersion: Number(reader),
    minWriterVersion: Number(writer),
    readerFeatures: textsOf(value['readerFeatures']),
    writerFeatures: textsOf(value['writerFeatures']),
  }
}

export function decodeMetadata(value: unknown): Metadata | undefined {
  if (!isRecord(value)) return undefined
  const id = textOf(value['id'])
  const schemaString = textOf(value['schemaString'])
  if (id === null || schemaString === null) return undefined
  const format = isRecord(value['format']) ? value['format'] : {}
  return {
    id,
    name: textOf(value['name']),
    description: textOf(value['description']),
    format: { provider: textOf(format['provider']) ?? 'parquet', options: textMapOf(format['options']) },
    schemaString,
    partitionColumns: textsOf(value['partitionColumns']) ?? [],
    configuration: textMapOf(value['configuration']),
    createdTime: integerOf(value['createdTime']),
  }
}

export function decodeTxn(value: unknown): Txn | undefined {
  if (!isRecord(value)) return undefined
  const appId = textOf(value['appId'])
  const version = integerOf(value['version'])
  return appId === null || version === null ? undefined : { appId, version, lastUpdated: integerOf(value['lastUpdated']) }
}

export function decodeDomain(value: unknown): DomainMetadata | undefined {
  if (!isRecord(value)) return undefined
  const domain = textOf(value['domain'])
  return domain === null ? undefined : { domain, configuration: textOf(value['configuration']) ?? '', removed: value['removed'] === true }
}
