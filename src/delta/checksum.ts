import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { sql } from '../engine/sql.ts'
import { domainJson, metadataJson, protocolJson, txnJson } from './actions.ts'
import type { CommitContent } from './commit-content.ts'
import { integerOf, isRecord, parsedRecord } from './decode.ts'
import { hasInCommitTimestamps } from './in-commit-timestamp.ts'
import { type Json, jsonText } from './json.ts'
import { checksumPath } from './log-names.ts'
import type { LogState, Snapshot } from './snapshot.ts'

/** What all active files of a version add up to. */
interface Totals {
  readonly files: bigint
  /** Bytes. */
  readonly bytes: bigint
}

const NONE: Totals = { files: 0n, bytes: 0n }

/** More of them are left out, as Spark does: the file is read with every opening of the table. */
const MAX_TXNS = 100

/**
 * Notes beside a commit of ours what the table adds up to, from what the version before says of itself. Where that is
 * not known, nothing is written: readers take a checksum for true. One that is there already is of a version that was
 * taken back (a log restored from a backup), and would be taken for true with all its schema.
 */
export async function writeChecksum(blobs: Blobs, state: LogState, content: CommitContent, txnId: string): Promise<void> {
  const before = state.version === 0n ? NONE : await totalsAt(state.version - 1n, blobs)
  const totals = before && totalsAfter(before, content)
  if (totals !== undefined && (await put(blobs, state, totals, txnId)) === 'created') return
  await blobs.remove(checksumPath(state.version))
  if (totals !== undefined) await put(blobs, state, totals, txnId)
}

/** The same by counting the files, where the version has none yet; it makes a chain that was broken whole again. */
export async function writeCountedChecksum(snapshot: Snapshot, { blobs, session }: { blobs: Blobs; session: Session }): Promise<void> {
  const { state } = snapshot
  if ((await blobs.read(checksumPath(state.version))) !== undefined) return
  const [row] = await session.rows(
    sql`select count(*) as files, coalesce(sum("add".size), 0)::bigint as bytes from ${await snapshot.files()}`,
  )
  const [files, bytes] = [integerOf(row?.['files']), integerOf(row?.['bytes'])]
  if (files !== null && bytes !== null) await put(blobs, state, { files, bytes }, undefined)
}

async function put(blobs: Blobs, state: LogState, totals: Totals, txnId: string | undefined): Promise<'created' | 'exists'> {
  const text = jsonText(checksumOf(state, totals, txnId))
  return blobs.putIfAbsent(checksumPath(state.version), new TextEncoder().encode(`${text}\n`))
}

function checksumOf(state: LogState, { files, bytes }: Totals, txnId: string | undefined): Json {
  const { protocol, metadata, txns, domains } = state
  // Transactions that have expired are still in our state.
  const isComplete = txns.size <= MAX_TXNS && metadata.configuration['delta.setTransactionRetentionDuration'] === undefined
  return {
    txnId,
    tableSizeBytes: bytes,
    numFiles: files,
    numMetadata: 1,
    numProtocol: 1,
    inCommitTimestampOpt: hasInCommitTimestamps(metadata) ? state.committedAtMs : undefined,
    setTransactions: isComplete ? [...txns.values()].map(txnJson) : undefined,
    domainMetadata: [...domains.values()].map(domainJson),
    metadata: metadataJson(metadata),
    protocol: protocolJson(protocol),
  }
}

async function totalsAt(version: bigint, blobs: Blobs): Promise<Totals | undefined> {
  const content = await blobs.read(checksumPath(version))
  const known = content && parsedRecord(new TextDecoder().decode(content))
  const [files, bytes] = [integerOf(known?.['numFiles']), integerOf(known?.['tableSizeBytes'])]
  return files === null || bytes === null || files < 0n || bytes < 0n ? undefined : { files, bytes }
}

/** Undefined where the size of a file is not told. */
function totalsAfter(before: Totals, { adds, lines }: CommitContent): Totals | undefined {
  let files = before.files + BigInt(adds.length)
  let bytes = adds.reduce((sum, add) => sum + add.size, before.bytes)
  for (const line of lines) {
    const action = parsedRecord(line)
    const [file, sign] = isRecord(action?.['add']) ? [action['add'], 1n] : [action?.['remove'], -1n]
    if (!isRecord(file)) continue
    const size = integerOf(file['size'])
    if (size === null) return undefined
    files += sign
    bytes += sign * size
  }
  return files < 0n || bytes < 0n ? undefined : { files, bytes }
}
