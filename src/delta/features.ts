import { TableError } from '../errors/errors.ts'
import type { Metadata, Protocol } from './actions.ts'
import { allFields, type DeltaField, someType } from './schema.ts'

/** What is asked of a feature before we touch the table. */
interface Feature {
  /** Whether the table uses it; a feature that is listed and not used asks nothing of a writer. */
  readonly isActive: (table: GatedTable) => boolean
  /** Whether we keep its rules when it is used. */
  readonly kept: boolean
}

interface GatedTable {
  readonly metadata: Metadata
  readonly fields: readonly DeltaField[]
}

/**
 * The features that a table may list. All others are refused by name, and so are these where they are used and not kept.
 * A change data feed is kept: commits that add and remove whole files need no change files.
 */
const FEATURES: Readonly<Record<string, Feature>> = {
  appendOnly: { isActive: hasFlag('delta.appendOnly'), kept: true },
  invariants: { isActive: hasFieldKey('delta.invariants'), kept: false },
  checkConstraints: { isActive: hasSetting('delta.constraints.'), kept: false },
  changeDataFeed: { isActive: hasFlag('delta.enableChangeDataFeed'), kept: true },
  generatedColumns: { isActive: hasFieldKey('delta.generationExpression'), kept: false },
  columnMapping: {
    isActive: ({ metadata }) => !['none', undefined].includes(metadata.configuration['delta.columnMapping.mode']),
    kept: false,
  },
  identityColumns: { isActive: hasFieldKey('delta.identity.'), kept: false },
  allowColumnDefaults: { isActive: hasFieldKey('CURRENT_DEFAULT'), kept: false },
  deletionVectors: { isActive: hasFlag('delta.enableDeletionVectors'), kept: false },
  inCommitTimestamp: { isActive: hasFlag('delta.enableInCommitTimestamps'), kept: false },
  timestampNtz: { isActive: () => true, kept: true },
  domainMetadata: { isActive: () => true, kept: true },
  vacuumProtocolCheck: { isActive: () => true, kept: true },
}

/** Features that a legacy version stands for, from this version on. */
const LEGACY_WRITER: readonly (readonly [number, readonly string[]])[] = [
  [2, ['appendOnly', 'invariants']],
  [3, ['checkConstraints']],
  [4, ['changeDataFeed', 'generatedColumns']],
  [5, ['columnMapping']],
  [6, ['identityColumns']],
]

/** Refuses, by name, a table that asks more of its readers and writers than we do. */
export function checkFeatures(name: string, protocol: Protocol, metadata: Metadata, fields: readonly DeltaField[]): void {
  if (metadata.format.provider !== 'parquet') throw refused(name, `format ${metadata.format.provider}`)
  if (protocol.minReaderVersion > 3) throw refused(name, `reader version ${protocol.minReaderVersion}`)
  if (protocol.minWriterVersion > 7) throw refused(name, `writer version ${protocol.minWriterVersion}`)
  const table = { metadata, fields }
  for (const listed of featuresOf(protocol)) {
    const feature = FEATURES[listed]
    if (feature === undefined || (!feature.kept && feature.isActive(table))) throw refused(name, listed)
  }
  // A flag asks for its feature even where the protocol was not raised with it.
  for (const [listed, feature] of Object.entries(FEATURES)) if (!feature.kept && feature.isActive(table)) throw refused(name, listed)
}

/** Names of all features that the protocol lists or stands for. */
function featuresOf(protocol: Protocol): readonly string[] {
  const legacy =
    protocol.minWriterVersion >= 7 ? [] : LEGACY_WRITER.flatMap(([version, names]) => (protocol.minWriterVersion >= version ? names : []))
  return [...new Set([...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? []), ...legacy])]
}

/** Whether the table may hold deletion vectors, though it makes none any more. */
export function mayHoldDeletionVectors(protocol: Protocol): boolean {
  return featuresOf(protocol).includes('deletionVectors')
}

export function isAppendOnly(metadata: Metadata): boolean {
  return isTrue(metadata.configuration['delta.appendOnly'])
}

/** The lowest protocol for a new table of these columns and properties. */
export function protocolFor(fields: readonly DeltaField[], configuration: Readonly<Record<string, string>>): Protocol {
  const hasFeed = isTrue(configuration['delta.enableChangeDataFeed'])
  if (!needsNtz(fields)) return { minReaderVersion: 1, minWriterVersion: hasFeed ? 4 : 2, readerFeatures: null, writerFeatures: null }
  const writerFeatures = ['appendOnly', 'invariants', ...(hasFeed ? ['changeDataFeed'] : []), 'timestampNtz']
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['timestampNtz'], writerFeatures }
}

/** The protocol that a schema needs on top of the table's; the very same one when it has all. Nothing that it lists is dropped. */
export function raisedProtocol(protocol: Protocol, fields: readonly DeltaField[]): Protocol {
  const features = featuresOf(protocol)
  if (!needsNtz(fields) || features.includes('timestampNtz')) return protocol
  const readers =
    protocol.minReaderVersion >= 3 ? (protocol.readerFeatures ?? []) : protocol.minReaderVersion === 2 ? ['columnMapping'] : []
  return {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: [...readers, 'timestampNtz'],
    writerFeatures: [...features, 'timestampNtz'],
  }
}

export function refused(name: string, feature: string): TableError {
  return new TableError('ING-TABLE-FEATURE', `${name} needs the Delta feature '${feature}', which ingestd does not support`, {
    hint: `remove the feature from the table, or write ${name} with the tool that added it`,
  })
}

function needsNtz(fields: readonly DeltaField[]): boolean {
  return fields.some((field) => someType(field.type, (plain) => plain === 'timestamp_ntz'))
}

function hasFlag(property: string): (table: GatedTable) => boolean {
  return ({ metadata }) => isTrue(metadata.configuration[property])
}

function hasSetting(prefix: string): (table: GatedTable) => boolean {
  return ({ metadata }) => Object.keys(metadata.configuration).some((key) => key.startsWith(prefix))
}

function hasFieldKey(prefix: string): (table: GatedTable) => boolean {
  return ({ fields }) => [...allFields(fields)].some((field) => Object.keys(field.metadata).some((key) => key.startsWith(prefix)))
}

function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true'
}
