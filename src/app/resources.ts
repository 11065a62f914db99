import { readdir, stat, statfs } from 'node:fs/promises'
import { availableParallelism, freemem, hostname } from 'node:os'
import { dirname, join } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import type { OptimizeReport } from '../model/report.ts'
import type { ResourcesReport } from '../model/resources-report.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { childMemory, residentMemory } from './child-memory.ts'
import { childLimits, machineMemory } from './limits.ts'

/** Small files of one table that are worth a word. */
const MANY_SMALL = 20
/** What a load needs of the disk before it is short of it. */
const LEAST_FREE = 1024 ** 3

export interface ResourceParts {
  readonly config: ResolvedConfig
  readonly tracker: Tracker
  /** What an optimize of all tables would do. */
  readonly optimize: () => Promise<OptimizeReport>
}

/** Memory, spill, cores and small files, and what to change about them. Changes nothing. */
export async function resourcesOf({ config, tracker, optimize }: ResourceParts): Promise<ResourcesReport> {
  const loads = Math.max(1, Math.min(config.maxParallelJobs, config.tables.length))
  const { memoryBytes, threads, temporaryFolder } = childLimits(config, loads)
  const facts = {
    cores: { machine: availableParallelism(), per_load: threads, loads },
    memory: { machine: machineMemory(), free: freemem(), per_load: memoryBytes, processes: await processesOf(tracker) },
    spill: { folder: temporaryFolder, used: await sizeOf(temporaryFolder), free: await freeAt(temporaryFolder) },
    tables: (await optimize()).tables.map(({ table, error, files_removed, bytes_removed }) => ({
      table,
      small_files: files_removed,
      small_bytes: bytes_removed,
      error: error === null ? null : error.message,
    })),
  }
  return { ...facts, advice: adviceOf(facts) }
}

/** Of this machine: owners of leases bear their host and pid. */
async function processesOf(tracker: Tracker): Promise<ResourcesReport['memory']['processes']> {
  const owners = [...(await tracker.activity()), ...(await tracker.daemons())].map(({ owner }) => owner.split(':'))
  const pids = new Set(owners.filter((parts) => parts.slice(0, -2).join(':') === hostname()).map((parts) => Number(parts.at(-2))))
  return Promise.all(
    [...pids].map(async (pid) => {
      const own = await residentMemory(pid)
      const children = await childMemory(pid)
      return { pid, resident: own === undefined ? null : [own, ...(children ?? [])].reduce((sum, bytes) => sum + bytes, 0) }
    }),
  )
}

/** Null where the folder is not there. */
async function sizeOf(folder: string): Promise<number | null> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const sizes = entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      )
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  } catch {
    return null
  }
}

/** Of the nearest folder that is there. */
async function freeAt(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return dirname(folder) === folder ? null : freeAt(dirname(folder))
  }
}

function adviceOf({ cores, memory, spill, tables }: Omit<ResourcesReport, 'advice'>): readonly string[] {
  const crowded = tables.filter(({ small_files: files }) => files >= MANY_SMALL).map(({ table }) => table)
  return [
    ...(cores.loads > cores.machine
      ? [`${cores.loads} tables are loaded at the same time on ${cores.machine} cores: set max_parallel_jobs: ${cores.machine}`]
      : []),
    ...(memory.per_load < 512 * 1024 ** 2
      ? ['each load has less than 512 MiB: raise engine.memory_limit, or lower max_parallel_jobs, so that less is spilled to the disk']
      : []),
    ...(spill.free !== null && spill.free < LEAST_FREE
      ? [`the disk of ${spill.folder} has less than 1 GiB left: set engine.temp_directory to another, or make room`]
      : []),
    ...(crowded.length > 0 ? [`many small files: ingest optimize --tables ${crowded.join(',')}`] : []),
  ]
}
