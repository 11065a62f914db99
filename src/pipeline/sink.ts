import { type Sql, sql } from '../engine/sql.ts'
import type { BatchFile } from '../model/file.ts'
import type { ObserveRequest, OpenTable, Staged, StagedRemoval } from '../stores/store.ts'
import type { LoadContext } from './context.ts'
import type { RowRemoval } from './row-removal.ts'
import type { Shape } from './shape.ts'

/** Where a plan's rows go: data files of the table, or, in a dry run, a count. */
export interface Sink {
  /** True where the rows are counted alone. */
  readonly isDry: boolean
  write(add: Sql, shape: Shape, batchId: string, tags: Readonly<Record<string, string>> | undefined): Promise<Staged>
  /** Takes rows of the table out; null where nothing is to be committed. */
  remove(removal: RowRemoval, shape: Shape, batchId: string): Promise<StagedRemoval | null>
  /** Keeps what the batch observed of keys; the side files that are then in force. */
  observe(request: ObserveRequest): Promise<readonly string[]>
  discard(staged: readonly Staged[]): Promise<void>
}

/** Data files go to the table's folder, unseen until the commit. */
export function tableSink(target: OpenTable): Sink {
  return {
    isDry: false,
    write: (add, shape, batchId, tags) => {
      const sourceBytes = filesOf(shape).reduce((sum, file) => sum + file.size, 0n)
      return target.stage({ add, columns: shape.columns, batchId, sourceBytes, ...(tags === undefined ? {} : { tags }) })
    },
    remove: (removal, { columns }, batchId) => target.stageRemoval({ ...removal, columns, batchId }),
    observe: (request) => target.stageObservations(request),
    discard: (staged) => target.discard(staged),
  }
}

/** A dry run counts the rows and writes nothing. */
export function countingSink({ session }: LoadContext): Sink {
  return {
    isDry: true,
    write: async (add) => {
      // Every value is read, as a load would, so that a value that does not fit is found.
      const [counted] = await session.rows(sql`select count(*) as rows, bit_xor(hash(record)) as checked from (${add}) as record`)
      return { files: [], rows: typeof counted?.['rows'] === 'bigint' ? counted['rows'] : 0n, localPaths: [], emptyPartitions: false }
    },
    remove: async ({ positions }) => {
      await session.rows(sql`select count(*) as rows from (${positions})`)
      return null
    },
    observe: async ({ previous }) => previous,
    discard: async () => {},
  }
}

/** Each file of the batch once, whatever groups have parts of it. */
export function filesOf(shape: Shape): readonly BatchFile[] {
  return [...new Map(shape.groups.flatMap(({ group }) => group.files.map((file) => [file.path, file] as const))).values()]
}
