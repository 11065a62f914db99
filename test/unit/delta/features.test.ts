import { expect, test } from 'vitest'
import { decodeMetadata, type Protocol, protocolLine } from '../../../src/delta/actions.ts'
import { checkFeatures, FEATURES, type Gate, protocolFor, raisedProtocol, supports } from '../../../src/delta/features.ts'
import { type DeltaField, parseSchema } from '../../../src/delta/schema.ts'
import { schemaString } from './support.ts'

function gate(
  protocol: Partial<Protocol>,
  configuration: Readonly<Record<string, string>> = {},
  fieldMetadata: Readonly<Record<string, unknown>> = {},
  what: Gate = 'write',
): void {
  const text = schemaString({ id: 'long' }, { id: { metadata: fieldMetadata } })
  const metadata = decodeMetadata({
    id: 'x',
    schemaString: text,
    format: { provider: 'parquet', options: {} },
    configuration,
    partitionColumns: [],
  })
  if (metadata === undefined) throw new Error('metadata')
  const base = { minReaderVersion: 1, minWriterVersion: 2, readerFeatures: null, writerFeatures: null }
  checkFeatures('db.t', { protocol: { ...base, ...protocol }, metadata, fields: parseSchema(text) }, what)
}

function listed(...features: readonly string[]): Partial<Protocol> {
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: [], writerFeatures: features }
}

test.each([
  'deletionVectors',
  'columnMapping',
  'checkConstraints',
  'generatedColumns',
  'identityColumns',
  'invariants',
  'allowColumnDefaults',
  'changeDataFeed',
  'appendOnly',
  'timestampNtz',
  'domainMetadata',
  'inCommitTimestamp',
  'vacuumProtocolCheck',
  'v2Checkpoint',
  'typeWidening',
  'typeWidening-preview',
  'icebergCompatV1',
  'icebergCompatV2',
])('the feature %s passes where it is listed and not used', (feature) => {
  expect(() => gate(listed(feature))).not.toThrow()
})

test.each(['catalogManaged', 'catalogOwned-preview', 'variantType', 'variantShredding', 'tomorrow'])(
  'the feature %s is refused by name, by readers too where it is one of theirs',
  (feature) => {
    const problem = `db.t needs the Delta feature '${feature}', which ingestd does not support`
    expect(() => gate(listed(feature))).toThrow(problem)
    expect(() => gate({ ...listed(feature), readerFeatures: [feature] }, {}, {}, 'read')).toThrow(problem)
  },
)

test.each(['rowTracking', 'clustering'])('the feature %s keeps writers away, not readers', (feature) => {
  expect(() => gate(listed(feature))).toThrow(`db.t needs the Delta feature '${feature}', which ingestd does not write`)
  expect(() => gate(listed(feature), {}, {}, 'read')).not.toThrow()
})

test('a reader needs the features of readers alone', () => {
  expect(() => gate(listed('tomorrow'), {}, {}, 'read')).not.toThrow()
  expect(() => gate({ minReaderVersion: 1, minWriterVersion: 9 }, {}, {}, 'read')).not.toThrow()
  expect(() => gate({ minReaderVersion: 4 }, {}, {}, 'read')).toThrow("'reader version 4'")
})

/** A table that uses the feature: its properties, and metadata of its column. */
const IN_USE = {
  deletionVectors: [{ 'delta.enableDeletionVectors': 'true' }, {}],
  columnMapping: [{ 'delta.columnMapping.mode': 'name' }, {}],
  checkConstraints: [{ 'delta.constraints.positive': 'id > 0' }, {}],
  inCommitTimestamp: [{ 'delta.enableInCommitTimestamps': 'true' }, {}],
  invariants: [{}, { 'delta.invariants': '{"expression":{"expression":"id > 0"}}' }],
  generatedColumns: [{}, { 'delta.generationExpression': 'a + 1' }],
  identityColumns: [{}, { 'delta.identity.start': 1 }],
  allowColumnDefaults: [{}, { CURRENT_DEFAULT: '1' }],
  icebergCompatV2: [{ 'delta.enableIcebergCompatV2': 'true' }, {}],
  appendOnly: [{ 'delta.appendOnly': 'true' }, {}],
  changeDataFeed: [{ 'delta.enableChangeDataFeed': 'true' }, {}],
  typeWidening: [{}, { 'delta.typeChanges': [{ fromType: 'integer', toType: 'long' }] }],
} as const

test.each(Object.entries(IN_USE))(
  'the feature %s, where it is used, keeps writers away unless we keep its rules',
  (feature, [settings, metadata]) => {
    const listing = () => gate(listed(feature), settings, metadata)
    const legacy = () => gate({ minReaderVersion: 2, minWriterVersion: 6 }, settings, metadata)
    if (FEATURES[feature]?.write === 'yes') expect(listing).not.toThrow()
    else for (const opened of [listing, legacy]) expect(opened).toThrow(`'${feature}', which ingestd does not write`)
    expect(() => gate(listed(feature), settings, metadata, 'read')).not.toThrow()
  },
)

test('a legacy version allows what it stands for', () => {
  const legacy = { minReaderVersion: 2, minWriterVersion: 5, readerFeatures: null, writerFeatures: null }
  expect(['columnMapping', 'changeDataFeed', 'identityColumns', 'deletionVectors'].map((feature) => supports(legacy, feature))).toEqual([
    true,
    true,
    false,
    false,
  ])
})

test('a change data feed and append-only tables are kept', () => {
  expect(() => gate({ minWriterVersion: 4 }, { 'delta.enableChangeDataFeed': 'true', 'delta.appendOnly': 'true' })).not.toThrow()
})

test('versions beyond those that we know are refused', () => {
  expect(() => gate({ minReaderVersion: 4 })).toThrow("'reader version 4'")
  expect(() => gate({ minWriterVersion: 8 })).toThrow("'writer version 8'")
})

test('a reader feature that is not known is refused too', () => {
  expect(() => gate({ minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['later'], writerFeatures: [] })).toThrow("'later'")
})

const NTZ: readonly DeltaField[] = parseSchema(schemaString({ at: { type: 'array', elementType: 'timestamp_ntz', containsNull: true } }))
const PLAIN: readonly DeltaField[] = parseSchema(schemaString({ id: 'long' }))

test('a new table gets the lowest protocol that its columns and properties need', () => {
  expect(protocolLine(protocolFor(PLAIN, {}))).toBe('{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}')
  // Properties are read whatever their letters, and so is the feature that they need.
  expect(supports(protocolFor(PLAIN, { 'delta.columnMapping.mode': ' Name' }), 'columnMapping')).toBe(true)
  expect(protocolLine(protocolFor(PLAIN, { 'delta.enableChangeDataFeed': 'true' }))).toBe(
    '{"protocol":{"minReaderVersion":1,"minWriterVersion":4}}',
  )
  expect(protocolLine(protocolFor(NTZ, {}))).toBe(
    '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["timestampNtz"],"writerFeatures":["appendOnly","invariants","timestampNtz"]}}',
  )
})

test('raising a protocol drops nothing that it listed or stood for', () => {
  const old = { minReaderVersion: 2, minWriterVersion: 5, readerFeatures: null, writerFeatures: null }
  expect(raisedProtocol(old, PLAIN)).toBe(old)
  expect(raisedProtocol(old, NTZ)).toEqual({
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['columnMapping', 'timestampNtz'],
    writerFeatures: ['appendOnly', 'invariants', 'checkConstraints', 'changeDataFeed', 'generatedColumns', 'columnMapping', 'timestampNtz'],
  })
  const listing = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['timestampNtz'], writerFeatures: ['timestampNtz'] }
  expect(raisedProtocol(listing, NTZ)).toBe(listing)
})
