import { activity, daemons, noteActivity, noteDaemon, noteTable, peers, schedules, throughput } from './activity.ts'
import { admit, unknownCount } from './admit.ts'
import { adoptManifest } from './adopt.ts'
import { claim, claimEmpty, pendingCount, pendingFiles, requeueDue } from './claim.ts'
import { cleanUpCounts, dueCleanUps, markCleanUp, planCleanUp, settleCleanUp } from './clean-up.ts'
import { counts } from './counts.ts'
import { dueWork } from './due.ts'
import { expectationsOfBatches, expectationsOfFile } from './expectations.ts'
import { history } from './history.ts'
import { abandoned, lockTable, renew, takeOver, unlockTable } from './leases.ts'
import type { Ledger } from './ledger.ts'
import { knownListing, rememberListing } from './listing.ts'
import { failures, recent, search } from './look.ts'
import { approve, reopenFolders, replay, retry, skip, skipPending } from './manual.ts'
import { recall, remember } from './notes.ts'
import { pause, pausedTables, resume } from './pause.ts'
import { prune } from './prune.ts'
import { batches, file, files, lastCommittedBatch, newestLoaded } from './read.ts'
import { adoptRestore } from './restore.ts'
import { noteFiles } from './resubmitted.ts'
import { settle } from './settle.ts'
import type { Tracker } from './tracker.ts'

/** The tracker over any SQL database that Kysely speaks; `close` ends the connection. */
export function sqlTracker(ledger: Ledger, id: string, close: () => Promise<void>): Tracker {
  return {
    id,
    admit: (table, page, policy, announce) => admit(ledger, table, page, { policy, announce }),
    unknownCount: (table, seen) => unknownCount(ledger, table, seen),
    requeueDue: (table) => requeueDue(ledger, table),
    dueWork: () => dueWork(ledger),
    pendingCount: (table) => pendingCount(ledger, table),
    pendingFiles: (table, limits) => pendingFiles(ledger, table, limits),
    claim: (table, owner, limits, paths) => claim(ledger, table, owner, { ...limits, paths }),
    skipPending: (table, paths, reason) => skipPending(ledger, table, paths, reason),
    renew: (owner) => renew(ledger, owner),
    settle: (table, owner, outcome) => settle(ledger, table, owner, outcome),
    abandoned: (table, isAlive) => abandoned(ledger, table, isAlive),
    takeOver: (batchId, owner) => takeOver(ledger, batchId, owner),
    adoptManifest: (manifest, version) => adoptManifest(ledger, manifest, version),
    claimEmpty: (table, owner, above) => claimEmpty(ledger, table, owner, above),
    adoptRestore: (restore, policy) => adoptRestore(ledger, restore, policy),
    noteFiles: (table, files) => noteFiles(ledger, table, files),
    lastCommittedBatch: (table) => lastCommittedBatch(ledger, table),
    newestLoaded: (table) => newestLoaded(ledger, table),
    replay: (table, paths, reason) => replay(ledger, table, paths, reason),
    reopenFolders: (table, folders, reason) => reopenFolders(ledger, table, folders, reason),
    lockTable: (table, owner, isAlive) => lockTable(ledger, table, owner, isAlive),
    unlockTable: (table, owner) => unlockTable(ledger, table, owner),
    pause: (tables) => pause(ledger, tables),
    resume: (tables) => resume(ledger, tables),
    paused: () => pausedTables(ledger),
    prune: (beforeMs, dryRun) => prune(ledger, beforeMs, dryRun),
    knownListing: (table) => knownListing(ledger, table),
    rememberListing: (table, listing) => rememberListing(ledger, table, listing),
    remember: (table, key, value) => remember(ledger, table, key, value),
    recall: (table, key) => recall(ledger, table, key),
    retry: (filter) => retry(ledger, filter),
    skip: (filter, reason) => skip(ledger, filter, reason),
    approve: (filter) => approve(ledger, filter),
    markCleanUp: (table, above, sinceMs) => markCleanUp(ledger, table, above, sinceMs),
    dueCleanUps: (table, limit) => dueCleanUps(ledger, table, limit),
    planCleanUp: (table, planned) => planCleanUp(ledger, table, planned),
    settleCleanUp: (table, outcomes) => settleCleanUp(ledger, table, outcomes),
    cleanUpCounts: (table) => cleanUpCounts(ledger, table),
    files: (filter) => files(ledger, filter),
    file: (table, path) => file(ledger, table, path),
    history: (table, path) => history(ledger, table, path),
    counts: (tables) => counts(ledger, tables),
    batches: (table, limit, below) => batches(ledger, table, limit, below),
    expectationsOfBatches: (table, batchIds) => expectationsOfBatches(ledger, table, batchIds),
    expectationsOfFile: (table, path) => expectationsOfFile(ledger, table, path),
    noteActivity: (owner, notes) => noteActivity(ledger, owner, notes),
    activity: () => activity(ledger),
    noteTable: (table, note) => noteTable(ledger, table, note),
    schedules: () => schedules(ledger),
    noteDaemon: (owner, note) => noteDaemon(ledger, owner, note),
    now: () => ledger.clock.now(),
    peers: (withinMs) => peers(ledger, withinMs),
    daemons: () => daemons(ledger),
    recent: (limit, tables) => recent(ledger, limit, tables),
    search: (text, limit, tables) => search(ledger, text, limit, tables),
    failures: (limit, tables) => failures(ledger, limit, tables),
    throughput: (minutes, tables) => throughput(ledger, minutes, tables),
    [Symbol.asyncDispose]: close,
  }
}
