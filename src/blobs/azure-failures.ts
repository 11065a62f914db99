import type { ErrorCode } from '../errors/codes.ts'
import { IngestError, UnavailableError } from '../errors/errors.ts'
import { isDown, isNetworkFault, messageOf, unreachable } from './object-failures.ts'
import type { Failure } from './object-retry.ts'

const EXISTS = ['BlobAlreadyExists', 'ConditionNotMet', 'TargetConditionNotMet']

/** The number of the answer; undefined where none came. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined
}

/** As `x-ms-error-code` says. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const details: unknown = 'details' in error ? error.details : undefined
  const told = typeof details === 'object' && details !== null && 'errorCode' in details ? String(details.errorCode) : ''
  return told === '' && 'code' in error ? String(error.code) : told
}

export function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404 && codeOf(error) !== 'ContainerNotFound'
}

/** 409 for a blob that is there, 412 for one that is another. */
export function isRefusedCondition(error: unknown): boolean {
  return statusOf(error) === 412 || EXISTS.includes(codeOf(error))
}

export function azureFailureOf(error: unknown): Failure {
  if (error instanceof IngestError) return { passes: false, ambiguous: false }
  if (isDown(error)) return { passes: true, ambiguous: false, isDown: true }
  const status = statusOf(error)
  if (isNetworkFault(error) || status === 200 || status === 206) return { passes: true, ambiguous: true }
  if (status === undefined) return { passes: false, ambiguous: false }
  const passes = status === 408 || status === 429 || (status >= 500 && status !== 501)
  return { passes, ambiguous: status >= 500 || status === 408 }
}

/** What a request to a container failed for, and what to do. The SDK's own error is no cause, since it holds the request. */
export function azureError(error: unknown, root: string): Error {
  if (error instanceof IngestError || (error instanceof Error && error.name === 'AbortError')) return error
  const [code, problem, hint] = explained(error)
  return new UnavailableError(code, `${root}: ${problem}`, { hint })
}

function explained(error: unknown): readonly [ErrorCode, string, string] {
  const code = codeOf(error)
  const status = statusOf(error)
  const message = firstLine(messageOf(error))
  if (isCredential(error, code))
    return [
      'ING-STORAGE-CREDENTIALS',
      `the credentials are missing, wrong or expired (${code === '' ? message : code})`,
      'mend connection_string, account_key, sas_token or credential of the connection, or what DefaultAzureCredential finds',
    ]
  if (code === 'ContainerNotFound')
    return ['ING-STORAGE-BUCKET', 'there is no such container', 'create it, or mend its name or the account']
  if (code === 'ContainerBeingDeleted') return ['ING-STORAGE-BUCKET', 'the container is being deleted', 'create it again in a minute']
  if (status === 403 || status === 401)
    return [
      'ING-STORAGE-DENIED',
      `access is denied (${code === '' ? message : code})`,
      'grant the role that docs/object-stores.md names; it takes some minutes until a role holds',
    ]
  if (status === 429 || status === 503) return ['ING-STORAGE-BUSY', `the store turns requests away (${code})`, 'it is tried again']
  if (status === undefined) return unreachable(error)
  return ['ING-STORAGE', `${code} (${status}): ${message}`, 'it is tried again; look at the account']
}

function isCredential(error: unknown, code: string): boolean {
  const name = error instanceof Error ? error.name : ''
  return (
    ['AuthenticationFailed', 'InvalidAuthenticationInfo', 'NoAuthenticationInformation', 'AuthorizationHeaderMalformed'].includes(code) ||
    ['CredentialUnavailableError', 'AuthenticationError', 'AggregateAuthenticationError', 'AuthenticationRequiredError'].includes(name)
  )
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
