import type { AdlsConnection, S3Connection, StorageConnection, TableStorage } from '../model/connection.ts'
import { complain, type Desk, type TableDraft } from './checks/draft.ts'
import type { Path } from './input/places.ts'
import { nearest } from './nearest.ts'
import type { Location } from './paths.ts'
import type { ConnectionInput } from './schema/connections.ts'

type S3Input = Extract<ConnectionInput, { type: 's3' }>
type AdlsInput = Extract<ConnectionInput, { type: 'adls' }>
type StorageInput = S3Input | AdlsInput

interface Around {
  readonly source: Location | undefined
  readonly target: Location | undefined
  readonly connections: ReadonlyMap<string, ConnectionInput>
  readonly cacheFolder: string
}

/** Each name of a connection is defined. */
export function checkConnections(draft: TableDraft, connections: ReadonlyMap<string, ConnectionInput>, desk: Desk): void {
  const { connection, source, store } = draft.input
  const named: readonly (readonly [Path, string | null])[] = [
    [['connection'], connection],
    [['source', 'connection'], source?.connection ?? null],
    [['store', 'connection'], store?.connection ?? null],
  ]
  for (const [key, name] of named) {
    if (name === null || connections.has(name)) continue
    const proposal = nearest(name, [...connections.keys()])
    const fix = proposal === undefined ? 'define it under connections' : `did you mean ${proposal}?`
    complain(desk, draft, key, { problem: `connections has no ${JSON.stringify(name)}`, fix, code: 'ING-CONFIG-COMBINATION' })
  }
}

/** How both ends of a table are reached: by the connection that it names, by the only one of the type, or as the vendor's SDK finds out. */
export function storageOf(draft: TableDraft, around: Around, desk: Desk): TableStorage {
  checkNamed(draft, around, desk)
  const source = endOf(draft, around, { location: around.source, key: 'source_path_pattern' }, desk)
  const target = endOf(draft, around, { location: around.target, key: 'target_path' }, desk)
  const sizes = [target, source].flatMap((end) => (end?.input === undefined ? [] : [end.input.cache_size]))
  return {
    source: source?.connection ?? null,
    target: target?.connection ?? null,
    cacheFolder: around.cacheFolder,
    cacheBytes: sizes[0] ?? 10_000_000_000n,
    prefetchBytes: source === undefined ? 0n : (source.input?.prefetch_size ?? 1_000_000_000n),
  }
}

/** A connection that nothing of the table needs is a mistake, unless it comes from `defaults`. */
function checkNamed(draft: TableDraft, { source, target, connections }: Around, desk: Desk): void {
  const { connection: name } = draft.input
  const named = name === null ? undefined : connections.get(name)
  if (name === null || named === undefined || draft.input.source !== null || desk.places.isMerged([...draft.at, 'connection'])) return
  const ends = [source, target].flatMap((end) => (end?.kind === 'remote' && end.object !== undefined ? [end] : []))
  if ([source, target].includes(undefined) || ends.some((end) => typeOf(end) === named.type)) return
  const [first] = ends
  complain(desk, draft, ['connection'], {
    problem:
      first === undefined
        ? `nothing of this table is reached through ${JSON.stringify(name)}: source and target are local`
        : `${JSON.stringify(name)} is of type ${named.type}, but ${first.scheme}:// needs one of type ${typeOf(first)}`,
    fix: first === undefined ? 'remove it' : `name a connection of type ${typeOf(first)}`,
    code: 'ING-CONFIG-COMBINATION',
  })
}

interface Problem {
  readonly problem: string
  readonly fix: string
}

interface End {
  readonly connection: StorageConnection
  readonly input: StorageInput | undefined
}

/** Undefined for what is local, or wrong. */
function endOf(
  draft: TableDraft,
  { connections }: Around,
  { location, key }: { readonly location: Location | undefined; readonly key: 'source_path_pattern' | 'target_path' },
  desk: Desk,
): End | undefined {
  if (location?.kind !== 'remote' || location.object === undefined) return undefined
  const type = typeOf(location)
  const input = connectionOf(draft, connections, type, desk)
  const connection = type === 's3' ? s3Of(input?.type === 's3' ? input : undefined) : adlsOf(input?.type === 'adls' ? input : undefined)
  const problem =
    connection.type === 'adls'
      ? (accountProblem(connection, location.object) ?? containerProblem(connection, location.object) ?? principalProblem(connection))
      : keyProblem(connection)
  if (problem !== undefined) complain(desk, draft, [key], { ...problem, code: 'ING-CONFIG-COMBINATION' })
  return { connection, input }
}

function typeOf({ object }: Location & { kind: 'remote' }): 's3' | 'adls' {
  return object?.scheme === 's3' || object?.scheme === 'gs' ? 's3' : 'adls'
}

function connectionOf(
  draft: TableDraft,
  connections: ReadonlyMap<string, ConnectionInput>,
  type: 's3' | 'adls',
  desk: Desk,
): StorageInput | undefined {
  const named = draft.input.connection === null ? undefined : connections.get(draft.input.connection)
  if (named?.type === type) return named
  const fitting = [...connections].filter((entry): entry is [string, StorageInput] => entry[1].type === type)
  if (fitting.length > 1) {
    const names = fitting.map(([name]) => name).join(', ')
    complain(desk, draft, ['connection'], {
      problem: `there are several connections of type ${type}: ${names}`,
      fix: 'name one of them: connection: NAME',
      code: 'ING-CONFIG-COMBINATION',
    })
  }
  return fitting[0]?.[1]
}

/** An account is told by the URL, by the connection, or by both alike. */
function accountProblem(
  { accountUrl, connectionString }: AdlsConnection,
  { accountHost, root }: { readonly accountHost: string | null; readonly root: string },
): Problem | undefined {
  const told = accountName(accountUrl, connectionString)
  if (accountHost === null)
    return accountUrl === null && connectionString === null
      ? { problem: `${root} does not tell the account`, fix: 'add account_url or connection_string to a connection of type adls' }
      : undefined
  const [account] = accountHost.split('.')
  if (told === undefined || told === account) return undefined
  return {
    problem: `the URL is in the account ${account ?? ''}, and its connection in another one`,
    fix: 'name the connection of this account',
  }
}

function containerProblem({ container: told }: AdlsConnection, { container }: { readonly container: string }): Problem | undefined {
  if (told === null || told === container) return undefined
  return {
    problem: `the connection is for the container ${told}, and the URL is in ${container}`,
    fix: 'name another connection, or remove container',
  }
}

function principalProblem({ credential, tenantId, clientId, clientSecret }: AdlsConnection): Problem | undefined {
  if (credential !== 'service_principal' || (tenantId !== null && clientId !== null && clientSecret !== null)) return undefined
  return { problem: 'a service principal needs tenant_id, client_id and client_secret', fix: 'add them to the connection' }
}

function keyProblem({ accessKeyId, secretAccessKey }: S3Connection): Problem | undefined {
  if ((accessKeyId === null) === (secretAccessKey === null)) return undefined
  return {
    problem: 'access_key_id and secret_access_key are set together, or neither',
    fix: 'add the other one to the connection, or remove both to let the SDK find credentials',
  }
}

/** Undefined where it is not told. */
function accountName(accountUrl: string | null, connectionString: string | null): string | undefined {
  const inString = /(?:^|;)\s*AccountName=([^;]+)/i.exec(connectionString ?? '')?.[1]
  const [, host = '', path = ''] = /^https?:\/\/([^/?#:]+)[^/?#]*\/?([^/?#]*)/i.exec(accountUrl ?? '') ?? []
  // A host that is a number, or a name without a domain, is that of an emulator, which has the account in the path.
  const isEmulator = /^[\d.]+$/.test(host) || !host.includes('.')
  return inString ?? (accountUrl === null ? undefined : isEmulator ? path || undefined : host.split('.')[0])
}

function s3Of(input: S3Input | undefined): S3Connection {
  return {
    type: 's3',
    endpoint: input?.endpoint ?? null,
    region: input?.region ?? null,
    pathStyle: input?.path_style ?? false,
    accessKeyId: input?.access_key_id ?? null,
    secretAccessKey: input?.secret_access_key ?? null,
    sessionToken: input?.session_token ?? null,
    profile: input?.profile ?? null,
    encryption: input?.sse === undefined ? null : { type: input.sse.type, kmsKeyId: input.sse.kms_key_id ?? null },
    requesterPays: input?.requester_pays ?? false,
  }
}

function adlsOf(input: AdlsInput | undefined): AdlsConnection {
  return {
    type: 'adls',
    accountUrl: input?.account_url ?? null,
    container: input?.container ?? null,
    connectionString: input?.connection_string ?? null,
    sasToken: input?.sas_token ?? null,
    accountKey: input?.account_key ?? null,
    credential: input?.credential ?? 'default',
    tenantId: input?.tenant_id ?? null,
    clientId: input?.client_id ?? null,
    clientSecret: input?.client_secret ?? null,
  }
}
