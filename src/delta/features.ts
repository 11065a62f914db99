import { TableError } from '../errors/errors.ts'
import type { Metadata, Protocol } from './actions.ts'
import { allFields, type DeltaField, someType } from './schema.ts'
import { TYPE_CHANGES, WIDENING_PROPERTY } from './type-changes.ts'

/** What we do with a feature, and how to tell whether a table uses it. */
interface Feature {
  /** Whether the table uses it; a feature that is listed and not used asks nothing of a writer. */
  readonly isActive: (table: GatedTable) => boolean
  /** Whether we read tables that list it. Features of writers alone ask nothing of a reader. */
  readonly read: boolean
  readonly write: 'yes' | 'when inactive' | 'no'
}

interface GatedTable {
  readonly metadata: Metadata
  readonly fields: readonly DeltaField[]
}

/** What is to be done with the table; who writes it reads it too. */
export type Gate = 'read' | 'write'

/**
 * The features that a table may list; all others are refused by name. `catalogManaged` and its like are left out on purpose: the files of such a
 * table are not the whole of its log.
 */
export const FEATURES: Readonly<Record<string, Feature>> = {
  appendOnly: { isActive: hasFlag('delta.appendOnly'), read: true, write: 'yes' },
  invariants: { isActive: hasFieldKey('delta.invariants'), read: true, write: 'yes' },
  checkConstraints: { isActive: hasSetting('delta.constraints.'), read: true, write: 'yes' },
  changeDataFeed: { isActive: hasFlag('delta.enableChangeDataFeed'), read: true, write: 'yes' },
  generatedColumns: { isActive: hasFieldKey('delta.generationExpression'), read: true, write: 'when inactive' },
  columnMapping: {
    isActive: ({ metadata }) => modeOf(metadata.configuration) !== 'none',
    read: true,
    write: 'yes',
  },
  identityColumns: { isActive: hasFieldKey('delta.identity.'), read: true, write: 'when inactive' },
  allowColumnDefaults: { isActive: hasFieldKey('CURRENT_DEFAULT'), read: true, write: 'when inactive' },
  deletionVectors: { isActive: hasFlag('delta.enableDeletionVectors'), read: true, write: 'yes' },
  inCommitTimestamp: { isActive: hasFlag('delta.enableInCommitTimestamps'), read: true, write: 'yes' },
  timestampNtz: { isActive: () => true, read: true, write: 'yes' },
  domainMetadata: { isActive: () => true, read: true, write: 'yes' },
  vacuumProtocolCheck: { isActive: () => true, read: true, write: 'yes' },
  // Classic checkpoints are allowed beside the new kind, and ours are classic.
  v2Checkpoint: { isActive: () => true, read: true, write: 'yes' },
  // Older files are narrower than the schema; what we write has its types.
  typeWidening: { isActive: hasTypeChanges, read: true, write: 'yes' },
  'typeWidening-preview': { isActive: hasTypeChanges, read: true, write: 'yes' },
  rowTracking: { isActive: hasFlag('delta.enableRowTracking'), read: true, write: 'no' },
  // It has no switch: a table that lists it is clustered.
  clustering: { isActive: () => false, read: true, write: 'no' },
  icebergCompatV1: { isActive: hasFlag('delta.enableIcebergCompatV1'), read: true, write: 'when inactive' },
  icebergCompatV2: { isActive: hasFlag('delta.enableIcebergCompatV2'), read: true, write: 'when inactive' },
}

/** Features that a legacy version stands for, from this version on. */
const LEGACY_WRITER: readonly (readonly [number, readonly string[]])[] = [
  [2, ['appendOnly', 'invariants']],
  [3, ['checkConstraints']],
  [4, ['changeDataFeed', 'generatedColumns']],
  [5, ['columnMapping']],
  [6, ['identityColumns']],
]

/** Refuses, by name, a table that asks more of its readers, or of its writers, than we do. */
export function checkFeatures(
  name: string,
  { protocol, metadata, fields }: GatedTable & { readonly protocol: Protocol },
  gate: Gate = 'write',
): void {
  if (metadata.format.provider !== 'parquet') throw refused(name, `format ${metadata.format.provider}`)
  if (protocol.minReaderVersion > 3) throw refused(name, `reader version ${protocol.minReaderVersion}`)
  for (const listed of readerFeatures(protocol)) if (FEATURES[listed]?.read !== true) throw refused(name, listed)
  if (gate === 'read') return
  if (protocol.minWriterVersion > 7) throw refused(name, `writer version ${protocol.minWriterVersion}`)
  const table = { metadata, fields }
  for (const listed of featuresOf(protocol)) {
    const feature = FEATURES[listed]
    if (feature === undefined || feature.write === 'no') throw refused(name, listed, 'write')
  }
  // A flag asks for its feature even where the protocol was not raised with it.
  for (const [known, feature] of Object.entries(FEATURES))
    if (feature.write !== 'yes' && feature.isActive(table)) throw refused(name, known, 'write')
}

function readerFeatures({ minReaderVersion, readerFeatures: listed }: Protocol): readonly string[] {
  if (minReaderVersion >= 3) return listed ?? []
  return minReaderVersion === 2 ? ['columnMapping'] : []
}

/** Names of all features that the protocol lists or stands for. */
function featuresOf(protocol: Protocol): readonly string[] {
  const legacy =
    protocol.minWriterVersion >= 7 ? [] : LEGACY_WRITER.flatMap(([version, names]) => (protocol.minWriterVersion >= version ? names : []))
  return [...new Set([...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? []), ...legacy])]
}

/** Whether the protocol allows the table to use a feature. */
export function supports(protocol: Protocol, feature: string): boolean {
  return featuresOf(protocol).includes(feature) || readerFeatures(protocol).includes(feature)
}

export function isAppendOnly(metadata: Metadata): boolean {
  return isTrue(metadata.configuration['delta.appendOnly'])
}

/** The lowest protocol for a new table of these columns and properties. */
export function protocolFor(fields: readonly DeltaField[], configuration: Readonly<Record<string, string>>): Protocol {
  return raisedProtocol({ minReaderVersion: 1, minWriterVersion: 2, readerFeatures: null, writerFeatures: null }, fields, configuration)
}

/** The protocol that columns and properties need on top of the table's; the very same one when it has all. Nothing that it lists is dropped. */
export function raisedProtocol(
  protocol: Protocol,
  fields: readonly DeltaField[],
  configuration: Readonly<Record<string, string>> = {},
): Protocol {
  const features = featuresOf(protocol)
  const missing = neededFeatures(fields, configuration).filter(
    (feature) => !features.includes(feature) && !features.includes(`${feature}-preview`),
  )
  if (missing.length === 0) return protocol
  const legacy = legacyProtocol(protocol, missing)
  if (legacy) return legacy
  const writerFeatures = [...features, ...missing]
  const ofReaders = missing.filter((feature) => !OF_WRITERS.has(feature))
  if (ofReaders.length === 0) return { ...protocol, minWriterVersion: 7, writerFeatures }
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: [...readerFeatures(protocol), ...ofReaders], writerFeatures }
}

/** Features that ask nothing of readers. */
const OF_WRITERS: ReadonlySet<string> = new Set(['changeDataFeed', 'checkConstraints', 'inCommitTimestamp'])

/** The versions that stand for the features, where there are such and the table has no list of features yet. */
function legacyProtocol(protocol: Protocol, missing: readonly string[]): Protocol | undefined {
  const versions = missing.map((feature) => LEGACY_WRITER.find(([, names]) => names.includes(feature))?.[0])
  if (protocol.minWriterVersion >= 7 || versions.includes(undefined)) return undefined
  const minWriterVersion = versions.reduce<number>((highest, version) => Math.max(highest, version ?? 0), protocol.minWriterVersion)
  const minReaderVersion = missing.includes('columnMapping') ? Math.max(protocol.minReaderVersion, 2) : protocol.minReaderVersion
  return { ...protocol, minReaderVersion, minWriterVersion }
}

function neededFeatures(fields: readonly DeltaField[], configuration: Readonly<Record<string, string>>): readonly string[] {
  return [
    ...(changeFeedIsOn(configuration) ? ['changeDataFeed'] : []),
    ...(isTrue(configuration[WIDENING_PROPERTY]) ? ['typeWidening'] : []),
    ...(deletionVectorsAreOn(configuration) ? ['deletionVectors'] : []),
    ...(needsNtz(fields) ? ['timestampNtz'] : []),
    ...(Object.keys(configuration).some((name) => name.toLowerCase().startsWith('delta.constraints.')) ? ['checkConstraints'] : []),
    ...(isTrue(configuration['delta.enableInCommitTimestamps']) ? ['inCommitTimestamp'] : []),
    ...(['name', 'id'].includes(modeOf(configuration)) ? ['columnMapping'] : []),
  ]
}

function hasTypeChanges({ fields }: GatedTable): boolean {
  return [...allFields(fields)].some((field) => TYPE_CHANGES in field.metadata)
}

function modeOf(configuration: Readonly<Record<string, string>>): string {
  return configuration['delta.columnMapping.mode']?.trim().toLowerCase() ?? 'none'
}

/** Whether rows that are removed are marked, and their file is left as it is. */
export function deletionVectorsAreOn(configuration: Readonly<Record<string, string>>): boolean {
  return isTrue(configuration['delta.enableDeletionVectors'])
}

/** Whether each version keeps the rows that it changed. */
export function changeFeedIsOn(configuration: Readonly<Record<string, string>>): boolean {
  return isTrue(configuration['delta.enableChangeDataFeed'])
}

/** A protocol with all that either asks for; the very first one when that has it already. Nothing that it lists is dropped. */
export function mergedProtocol(protocol: Protocol, other: Protocol): Protocol {
  const minReaderVersion = Math.max(protocol.minReaderVersion, other.minReaderVersion)
  const minWriterVersion = Math.max(protocol.minWriterVersion, other.minWriterVersion)
  const hasAll = featuresOf(other).every((feature) => supports(protocol, feature))
  if (hasAll && minReaderVersion === protocol.minReaderVersion && minWriterVersion === protocol.minWriterVersion) return protocol
  const union = (of: (one: Protocol) => readonly string[]) => [...new Set([...of(protocol), ...of(other)])]
  return {
    minReaderVersion,
    minWriterVersion,
    readerFeatures: minReaderVersion >= 3 ? union(readerFeatures) : null,
    writerFeatures: minWriterVersion >= 7 ? union(featuresOf) : null,
  }
}

function refused(name: string, feature: string, gate: Gate = 'read'): TableError {
  const gap = gate === 'write' && FEATURES[feature]?.read === true ? 'write' : 'support'
  return new TableError('ING-TABLE-FEATURE', `${name} needs the Delta feature '${feature}', which ingestd does not ${gap}`, {
    hint: `remove the feature from the table, or ${gate} ${name} with the tool that added it`,
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
