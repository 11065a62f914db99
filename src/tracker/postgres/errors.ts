import { BugError, IngestError, UnavailableError } from '../../errors/errors.ts'

/** Nothing of these says that anything is wrong but the moment: the server starts, stops, is taken over by another, or has no room. */
const FOR_A_WHILE = /^(08|57P0|53[34]|25006|25P03|57014|55P03|40001|40P01)/
const GONE_FOR_A_WHILE = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ENOENT']
/** What the driver says of a connection that broke or did not come; it has no codes for it. */
const BROKEN = /connection terminated|connection ended|timeout|not queryable|client was closed|socket (disconnected|hang up)/i
const TLS = /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|CERT_|ERR_TLS_|ERR_SSL)|^EPROTO$/

/** The one place where an error of Postgres, or of the way to it, becomes one of ours. `server` names it without a password. */
export function postgresError(error: unknown, server: string): unknown {
  if (error instanceof IngestError || !(error instanceof Error)) return error
  const code = codeOf(error)
  const told: Told = {
    server,
    code,
    message: messageOf(error),
    because: { context: { tracker: server, postgres: code ?? error.message }, cause: error },
  }
  return ofTheWay(told) ?? ofTheServer(told) ?? error
}

interface Told {
  readonly server: string
  readonly code: string | undefined
  readonly message: string
  readonly because: Because
}

/** TLS, the login and the network. */
function ofTheWay({ server, code, message, because }: Told): IngestError | undefined {
  if (code === undefined) {
    if (/server does not support SSL/i.test(message)) return denied(server, message, HINTS.noTls, because)
    if (/SASL|password must be a string/i.test(message)) return denied(server, 'it asks for a password', HINTS.login, because)
    return BROKEN.test(message) ? unreachable(server, message, hintOf(code), because) : undefined
  }
  if (TLS.test(code)) return denied(server, message, HINTS.certificate, because)
  if (code === 'ENOTFOUND') return unreachable(server, message, 'check the host in tracker_url', because)
  return GONE_FOR_A_WHILE.includes(code) ? unreachable(server, message, hintOf(code), because) : undefined
}

/** What the server says by a code of five characters. */
function ofTheServer({ server, code, message, because }: Told): IngestError | undefined {
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return undefined
  const hint = DENIED[code]
  if (hint !== undefined) return denied(server, message, hint, because)
  if (code === '53100' || code === '53200')
    return new UnavailableError('ING-STORAGE-FULL', `the tracker ${server} has no room: ${message}`, {
      hint: 'free room on its server',
      ...because,
    })
  if (code === '42P01' || code === '3F000')
    return new UnavailableError('ING-TRACKER-UNAVAILABLE', `the tables of the tracker ${server} are gone: ${message}`, {
      hint: 'put a backup in their place, or make them again with `ingest tracker rebuild`',
      ...because,
    })
  if (FOR_A_WHILE.test(code)) return unreachable(server, message, hintOf(code), because)
  return new BugError(`a statement of the tracker ${server} failed: ${message}`, because)
}

/** Of a statement in a transaction that the connection broke before. */
export function connectionLost(server: string): UnavailableError {
  return new UnavailableError('ING-TRACKER-UNREACHABLE', `the connection to the tracker ${server} was lost`, { hint: hintOf(undefined) })
}

/** Whether another try may do what this one did not. */
export function isForAWhile(error: unknown): boolean {
  return error instanceof UnavailableError && error.code === 'ING-TRACKER-UNREACHABLE' && codeOf(error.cause) !== 'ENOTFOUND'
}

const HINTS = {
  login: 'check user and password in tracker_url',
  certificate: 'name the authority with sslrootcert=FILE in tracker_url, or do without checking it with sslmode=require',
  noTls: 'leave sslmode out of tracker_url, or turn TLS on at the server',
} as const

const DENIED: Readonly<Record<string, string>> = {
  '28P01': HINTS.login,
  '28000': 'check user, password and sslmode in tracker_url, and pg_hba.conf of the server',
  '3D000': 'create the database, or name another in tracker_url',
  '42501': 'grant the user CREATE on the database, or make the schema (file_tracker_database) its own',
}

function hintOf(code: string | undefined): string {
  if (code === '53300') return 'raise max_connections of the server, or lower tracker_pool_size'
  if (code === '25006') return 'the server is a replica or read-only: name the primary in tracker_url'
  if (code === 'ENOENT') return 'check the folder of the socket in tracker_url'
  return 'start the server, or check host and port in tracker_url'
}

interface Because {
  readonly context: Readonly<Record<string, string>>
  readonly cause: Error
}

function denied(server: string, message: string, hint: string, because: Because): UnavailableError {
  return new UnavailableError('ING-TRACKER-DENIED', `the tracker ${server} cannot be used: ${message}`, { hint, ...because })
}

function unreachable(server: string, message: string, hint: string, because: Because): UnavailableError {
  return new UnavailableError('ING-TRACKER-UNREACHABLE', `the tracker ${server} cannot be reached: ${message}`, { hint, ...because })
}

/** Of several addresses of one host each has its own error. */
function messageOf(error: Error): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map((one) => messageOf(one)).join('; ')
  return error.message
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
