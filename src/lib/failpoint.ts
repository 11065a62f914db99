/**
 * Named places where a crash test may end the process, as a power cut would.
 * INGEST_FAILPOINT=name[:hit] kills the whole process group at the given hit (the first by default);
 * INGEST_FAILPOINT=child:name[:hit] kills this process alone. Unset, which is the rule, a failpoint is one comparison.
 */
export const FAILPOINTS = [
  'after-admit',
  'after-reopen',
  'after-claim',
  'after-inspect',
  'after-plan',
  'after-stage',
  'after-manifest',
  'commit-before-link',
  'commit-after-link',
  'after-commit',
  'checkpoint-before-pointer',
  'after-checkpoint',
  'before-settle',
  'after-settle',
] as const

/** The same of work that no load does: putting files together, deleting files, shortening the log. */
export const MAINTENANCE_FAILPOINTS = [
  'optimize-after-stage',
  'optimize-after-note',
  'optimize-after-publish',
  'optimize-after-commit',
  'vacuum-after-start',
  'vacuum-half-way',
  'vacuum-before-end',
  'log-cleanup-half-way',
] as const

/** The same of batches that take single rows out of the table. */
export const REMOVAL_FAILPOINTS = ['after-removal', 'after-changes'] as const

/** The same of the clean-up of loaded files. */
export const CLEAN_UP_FAILPOINTS = [
  'before-clean-up-mark',
  'after-clean-up-plan',
  'archive-after-copy',
  'archive-after-place',
  'archive-after-remove',
  'before-clean-up-settle',
  'after-clean-up-settle',
] as const

/** The same of data files that are put together from row groups of others. */
export const SPLICE_FAILPOINTS = ['splice-half-way'] as const

/** The same of batches that keep what they observed of keys. */
export const KEYED_FAILPOINTS = ['after-side-file'] as const

/** The same of batches that reject rows. The log entry of the quarantine comes before that of the table. */
export const QUARANTINE_FAILPOINTS = ['after-stage-rejects', 'after-quarantine'] as const

/** The same of `validate --repair`, and of what takes rows out of a quarantine. */
export const REPAIR_FAILPOINTS = ['repair-after-stage', 'repair-after-publish', 'repair-after-commit'] as const

/** The same of trackers that are made anew, and tables that are taken over. */
export const TRACKER_FAILPOINTS = [
  'adopt-after-quarantine',
  'adopt-after-commit',
  'rebuild-after-table',
  'rebuild-before-place',
  'rebuild-half-way',
  'rebuild-after-place',
  'backup-before-name',
] as const

export type Failpoint =
  | (typeof FAILPOINTS)[number]
  | (typeof MAINTENANCE_FAILPOINTS)[number]
  | (typeof REMOVAL_FAILPOINTS)[number]
  | (typeof SPLICE_FAILPOINTS)[number]
  | (typeof KEYED_FAILPOINTS)[number]
  | (typeof QUARANTINE_FAILPOINTS)[number]
  | (typeof REPAIR_FAILPOINTS)[number]
  | (typeof CLEAN_UP_FAILPOINTS)[number]
  | (typeof TRACKER_FAILPOINTS)[number]

/**
 * Faults of a load process, for tests of what is done about them: INGEST_FAULT=kind:text strikes a process that is about to read a file
 * whose path holds the text. Kinds are abort, segfault, hang, memory, and kill-all, which ends the whole process group.
 */
export function fault(paths: readonly string[]): void {
  const planted = process.env['INGEST_FAULT']
  if (planted === undefined || planted === '') return
  const [kind, text = ''] = planted.split(':')
  if (!paths.some((path) => path.includes(text))) return
  if (kind === 'abort') process.abort()
  else if (kind === 'segfault') process.kill(process.pid, 'SIGSEGV')
  else if (kind === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  else if (kind === 'memory') eatMemory()
  else if (kind === 'kill-all') process.kill(0, 'SIGKILL')
}

/** Grows, and is ended as the kernel ends a process when there is no memory left. */
function eatMemory(): void {
  const eaten = Array.from({ length: 32 }, () => Buffer.alloc(16 * 1024 * 1024, 1))
  if (eaten.length > 0) process.kill(process.pid, 'SIGKILL')
}

const [scope, wanted, hit] = parse(process.env['INGEST_FAILPOINT'])
let hits = 0

export function failpoint(name: Failpoint): void {
  if (wanted !== name) return
  hits += 1
  if (hits !== hit) return
  // Pid 0 is the caller's process group: parent and children end together.
  process.kill(scope === 'child' ? process.pid : 0, 'SIGKILL')
}

function parse(text: string | undefined): ['child' | 'group', string | undefined, number] {
  if (text === undefined || text === '') return ['group', undefined, 0]
  const parts = text.split(':')
  const scope = parts[0] === 'child' ? 'child' : 'group'
  const [name, count] = scope === 'child' ? parts.slice(1) : parts
  return [scope, name, Number(count ?? '1')]
}
