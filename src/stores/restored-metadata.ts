import type { Metadata, Protocol } from '../delta/actions.ts'
import { mappingMode, maxColumnId } from '../delta/column-mapping.ts'
import { checkFeatures, mergedProtocol } from '../delta/features.ts'
import { parseSchema } from '../delta/schema.ts'
import type { LogState } from '../delta/snapshot.ts'
import { TableError } from '../errors/errors.ts'
import { TRACKER_PROPERTY } from './table-content.ts'

const MAX_COLUMN_ID = 'delta.columnMapping.maxColumnId'

/** How the log tells the time of its commits is a matter of the whole log, not of one version. */
const OF_THE_LOG = [
  'delta.enableInCommitTimestamps',
  'delta.inCommitTimestampEnablementVersion',
  'delta.inCommitTimestampEnablementTimestamp',
] as const

/**
 * Protocol and metadata of a commit that goes back to an older version: schema and properties as they were, a protocol
 * that has lost nothing. TableError where we could not write the table afterwards.
 */
export function restoredMetadata(
  name: string,
  current: LogState,
  older: LogState,
  trackerId: string,
): { readonly protocol: Protocol | undefined; readonly metadata: Metadata | undefined } {
  checkMapping(name, current, older)
  const protocol = mergedProtocol(current.protocol, older.protocol)
  const metadata = { ...older.metadata, configuration: restoredProperties(current.metadata, older.metadata, trackerId) }
  checkFeatures(name, { protocol, metadata, fields: parseSchema(metadata.schemaString) })
  return {
    protocol: protocol === current.protocol ? undefined : protocol,
    metadata: isSame(metadata, current.metadata) ? undefined : metadata,
  }
}

function restoredProperties(current: Metadata, older: Metadata, trackerId: string): Readonly<Record<string, string>> {
  const log = new Set<string>(OF_THE_LOG)
  const kept = Object.entries(current.configuration).filter(([key]) => log.has(key))
  const back = Object.entries(older.configuration).filter(([key]) => !log.has(key))
  const mapped = older.configuration[MAX_COLUMN_ID] === undefined ? [] : [[MAX_COLUMN_ID, String(highestId(current, older))] as const]
  return Object.fromEntries([...back, ...kept, ...mapped, [TRACKER_PROPERTY, trackerId]])
}

/** An id that was given once is not given again to another column. */
function highestId(current: Metadata, older: Metadata): number {
  return Math.max(maxColumnId(current), maxColumnId(older))
}

/** Data files of one mode cannot be found by the names of another; other writers refuse such a step as well. */
function checkMapping(name: string, current: LogState, older: LogState): void {
  const [now, then] = [mappingMode(current), mappingMode(older)]
  if (now === then || now === 'none') return
  throw new TableError('ING-TABLE-RESTORE', `${name}: version ${older.version} has column mapping ${then}, the table has ${now} by now`, {
    hint: `restore a version since the mapping was changed, or query that one: ingest query --at ${name}=${older.version} …`,
  })
}

function isSame(one: Metadata, other: Metadata): boolean {
  return textOf(one) === textOf(other)
}

function textOf({ configuration, createdTime, ...rest }: Metadata): string {
  const properties = Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([rest, properties, String(createdTime)])
}
