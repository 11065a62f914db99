import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, reportOf } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { DamageFound, TableVerification, VerifiedTable, VerifyReport } from '../model/verification.ts'
import { FULL_DROP } from '../pipeline/recover.ts'
import type { VerifyOptions } from './ingest.ts'
import { selectTables } from './select-tables.ts'
import { leased, type TableWork, withHeartbeat } from './table-work.ts'
import { HINTS } from './verify-hints.ts'
import { verifyTracker } from './verify-tracker.ts'

const WAIT_MS = 30_000
const LOOK_MS = 250

/** Findings of one kind that are told one by one. */
const TOLD = 1000

/**
 * Tables one after the other, each under the lease that loads hold: what is looked at does not move meanwhile. Nothing is
 * changed, and nothing of what is found ends the command.
 */
export async function verifyTables(options: VerifyOptions, work: TableWork): Promise<VerifyReport> {
  const tables: VerifiedTable[] = []
  await withHeartbeat(work, async () => {
    for (const table of selectTables(work.config.tables, options.tables)) tables.push(await verifyOne(table, options, work))
  })
  return { ok: tables.every(({ status }) => status === 'pass'), tables }
}

async function verifyOne(table: TableConfig, { waitMs = WAIT_MS, signal }: VerifyOptions, work: TableWork): Promise<VerifiedTable> {
  const startedMs = work.clock.now()
  const end = startedMs + waitMs
  const report = (result: Partial<VerifiedTable>) => ({
    ...EMPTY,
    ...result,
    table: table.name,
    seconds: (work.clock.now() - startedMs) / 1000,
  })
  for (;;) {
    if (signal?.aborted) return report({ status: 'skip', reason: 'interrupted' })
    const look = await leased(
      table,
      work,
      () => lookAt(table, work),
      () => null,
    )
    if (look !== null) return report(look)
    if (work.clock.now() >= end) return report({ status: 'skip', reason: 'another process is working on it' })
    await sleep(LOOK_MS)
  }
}

const EMPTY: Omit<VerifiedTable, 'table' | 'seconds'> = {
  status: 'pass',
  reason: null,
  version: null,
  commits: 0,
  checkpoints: 0,
  batches: 0,
  files: 0,
  data_files: 0,
  rows: 0,
  damages: {},
  findings: [],
}

async function lookAt(table: TableConfig, work: TableWork): Promise<Partial<VerifiedTable>> {
  const { tracker, worker, owner } = work
  const [unsupported] = table.unsupported
  if (unsupported !== undefined) return { status: 'skip', reason: unsupported.message }
  try {
    const verified = await worker.verify(table, tracker.id)
    const begun = (await tracker.recall(table.name, FULL_DROP)) === 'begun'
    const found = begun ? [FULL_DROP_BEGUN] : await verifyTracker(table, verified, tracker, owner)
    return reportOfTable(verified, [...verified.found, ...found])
  } catch (error) {
    // What stops one table does not stop the others; a wrong config stops them all.
    if (error instanceof ConfigError) throw error
    return { status: 'error', reason: reportOf(error).message }
  }
}

const FULL_DROP_BEGUN: DamageFound = {
  damage: 'full_drop',
  file: null,
  version: null,
  detail: 'a full drop has begun, and did not reach its commit',
}

function reportOfTable({ version, counts, loads }: TableVerification, found: readonly DamageFound[]): Partial<VerifiedTable> {
  const damages: Record<string, number> = {}
  const findings = found.flatMap(({ damage, ...rest }) => {
    damages[damage] = (damages[damage] ?? 0) + 1
    if ((damages[damage] ?? 0) > TOLD) return []
    return [{ damage, ...rest, version: rest.version === null ? null : Number(rest.version), hint: HINTS[damage] }]
  })
  return {
    status: found.length === 0 ? 'pass' : 'error',
    version: version === null ? null : Number(version),
    commits: counts.commits,
    checkpoints: counts.checkpoints,
    batches: counts.batches,
    files: loads?.length ?? 0,
    data_files: counts.dataFiles,
    rows: Number(counts.rows),
    damages,
    findings,
  }
}
