import { commitEntry } from '../delta/commit.ts'
import type { TableLog } from '../delta/table-log.ts'
import { ConflictError } from '../errors/errors.ts'
import type { StoreDeps } from './deps.ts'
import type { Loader } from './store.ts'
import { TRACKER_PROPERTY } from './table-content.ts'

/**
 * Hands a table over to another tracker in one commit that loads nothing: its property names the new one, and the `txn` of the new
 * one stands at the last batch of the old one, so that the chain of manifests goes on. Null where there is nothing to do.
 */
export async function commitAdoption(log: TableLog, { trackerId, appId }: Loader, deps: StoreDeps): Promise<bigint | null> {
  await log.advance()
  const before = log.state?.metadata.configuration[TRACKER_PROPERTY]
  if (before === undefined || before === trackerId) return null
  const result = await commitEntry(
    log,
    {
      intent: {
        reads: { kind: 'nothing' },
        removes: { kind: 'nothing' },
        changesRows: false,
        changesMetadata: true,
        changesProtocol: false,
        partitionColumns: [],
      },
      contentOn: async (state, { timestampMs }) => {
        const metadata = state && { ...state.metadata, configuration: { ...state.metadata.configuration, [TRACKER_PROPERTY]: trackerId } }
        // Whatever the old one committed until now is taken over.
        const last = [appId, appIdOf(before, appId)]
          .flatMap((one) => state?.txns.get(one)?.version ?? [])
          .reduce<bigint | null>((highest, one) => (highest === null || one > highest ? one : highest), null)
        return {
          operation: {
            name: 'SET TBLPROPERTIES',
            parameters: { properties: JSON.stringify({ [TRACKER_PROPERTY]: trackerId }) },
            metrics: {},
            isBlindAppend: false,
          },
          metadata,
          txn: last === null ? undefined : { appId, version: last, lastUpdated: BigInt(timestampMs) },
          adds: [],
          lines: [],
        }
      },
    },
    deps,
  )
  if (result.kind === 'committed') return result.version
  throw new ConflictError('ING-TABLE-CONFLICT', `${log.name} was not taken over: ${result.reason}`, {
    hint: 'stop the other tracker, and take it over again',
  })
}

/** The application id of the same table under another tracker. */
export function appIdOf(trackerId: string, appId: string): string {
  return `ingestd/${trackerId}/${appId.split('/').slice(2).join('/')}`
}
