import { removedFiles } from '../delta/removal.ts'
import { BugError, ConflictError } from '../errors/errors.ts'
import { partitionColumnsOf } from './current.ts'
import { commitExchange, exchanging } from './exchange.ts'
import type { StagedPositions } from './positions.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { mergeOperation, stagedActions } from './staged-actions.ts'
import type { StagedFiles } from './staging.ts'

/** A repair whose files are written. */
export interface StagedRepair {
  readonly id: string
  /** The rows that come. */
  readonly added: StagedFiles
  readonly removal: StagedPositions
}

/** Takes broken rows out and puts mended ones in their place, in one commit that no load of ours stands behind. */
export async function commitRepair(target: RewriteTarget, repair: StagedRepair): Promise<bigint> {
  const { log } = target
  const { snapshot } = log
  if (snapshot === undefined) throw new BugError(`${log.name} was to be repaired before it exists`)
  const staged = [repair.added, ...repair.removal.staged]
  const removes = { kind: 'files', files: repair.removal.touched } as const
  const partitionColumns = partitionColumnsOf(snapshot.state)
  const exchange = {
    id: repair.id,
    target,
    staged,
    superseded: repair.removal.touched,
    failpoints: { publish: 'repair-after-publish', commit: 'repair-after-commit' },
  } as const
  const planned = {
    intent: {
      reads: { kind: 'everything' },
      removes,
      changesRows: true,
      changesMetadata: false,
      changesProtocol: false,
      partitionColumns,
    },
    contentOn: async (_state: unknown, { timestampMs }: { readonly timestampMs: number }) => {
      const io = { session: log.session, nowMs: timestampMs }
      const removed = await removedFiles(await snapshot.files(), removes, partitionColumns, io)
      const actions = stagedActions(staged, removed, repair.removal, timestampMs)
      return { operation: mergeOperation(repair.removal, 'repair', actions), adds: actions.adds, lines: actions.lines }
    },
  } as const
  const result = await exchanging(exchange, () => commitExchange(exchange, planned))
  if (result.kind === 'committed') return result.version
  throw new ConflictError('ING-TABLE-CONFLICT', `${log.name}: ${result.reason}`, { hint: 'nothing was changed; validate it again' })
}
