import type { ErrorCode } from '../errors/codes.ts'
import { type ErrorDetails, IngestError, UnavailableError } from '../errors/errors.ts'
import { isDown, isNetworkFault, messageOf, unreachable } from './object-failures.ts'
import type { Failure } from './object-retry.ts'

const BUSY = ['SlowDown', 'Throttling', 'ThrottlingException', 'TooManyRequests', 'RequestLimitExceeded', 'ServiceUnavailable']
const CREDENTIALS = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'TokenRefreshRequired',
  'CredentialsProviderError',
  'XAdminUserNotFound',
  'InvalidSecurity',
  'UnrecognizedClientException',
]

/** The number of the answer; undefined where none came. */
export function statusOf(error: unknown): number | undefined {
  const metadata = isObject(error) ? error['$metadata'] : undefined
  const status = isObject(metadata) ? metadata['httpStatusCode'] : undefined
  return typeof status === 'number' ? status : undefined
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

/** What the server knows nothing of: the key, not the bucket. */
export function isAbsent(error: unknown): boolean {
  return nameOf(error) !== 'NoSuchBucket' && statusOf(error) === 404 && !CREDENTIALS.includes(nameOf(error))
}

export function isRefusedCondition(error: unknown): boolean {
  return statusOf(error) === 412
}

/** Another writer is at work on the same key: what becomes of it shows a little later. */
export function isRace(error: unknown): boolean {
  return statusOf(error) === 409 && nameOf(error) !== 'BucketAlreadyExists'
}

export function s3FailureOf(error: unknown): Failure {
  if (error instanceof IngestError) return { passes: false, ambiguous: false }
  if (isDown(error)) return { passes: true, ambiguous: false, isDown: true }
  const status = statusOf(error)
  // A response with a 200 that cannot be understood was cut.
  if (isNetworkFault(error) || status === 200 || status === 206) return { passes: true, ambiguous: true }
  if (status === undefined) return { passes: false, ambiguous: false }
  const passes = status === 408 || status === 429 || status >= 500 || BUSY.includes(nameOf(error)) || isClock(error)
  return { passes: passes && status !== 501, ambiguous: status >= 500 || status === 408 }
}

/** The SDK sets its clock by the answer, so that a second attempt may do. */
function isClock(error: unknown): boolean {
  return ['RequestTimeTooSkewed', 'RequestTimeout', 'RequestExpired'].includes(nameOf(error))
}

/** What a request to a bucket failed for, and what to do. The SDK's own error is no cause, since it holds the request. */
export function s3Error(error: unknown, root: string): Error {
  if (error instanceof IngestError || (error instanceof Error && error.name === 'AbortError')) return error
  const [code, problem, hint] = explained(error)
  const details: ErrorDetails = { hint }
  return new UnavailableError(code, `${root}: ${problem}`, details)
}

type Explained = readonly [ErrorCode, string, string]

function explained(error: unknown): Explained {
  const name = nameOf(error)
  const status = statusOf(error)
  const message = messageOf(error)
  if (CREDENTIALS.includes(name) || /could not load credentials/i.test(message))
    return ['ING-STORAGE-CREDENTIALS', credentialsProblem(name, message), credentialsHint(name)]
  if (name === 'RequestTimeTooSkewed' || name === 'RequestExpired')
    return ['ING-STORAGE-CLOCK', "the clock of this machine differs too much from the store's", 'set the clock, for example by NTP']
  if (name === 'NoSuchBucket') return ['ING-STORAGE-BUCKET', 'there is no such bucket', 'create it, or mend the name or the endpoint']
  if (name === 'AuthorizationHeaderMalformed' || name === 'PermanentRedirect' || status === 301 || /region is missing/i.test(message))
    return ['ING-STORAGE-REGION', message, 'set region in the connection to that of the bucket']
  if (status === 403 || name === 'AccessDenied')
    return [
      'ING-STORAGE-DENIED',
      `access is denied (${message})`,
      'grant what docs/object-stores.md lists; where s3:ListBucket is missing, absent objects are refused as well',
    ]
  if (status === 429 || status === 503 || BUSY.includes(name))
    return ['ING-STORAGE-BUSY', `the store turns requests away (${name})`, 'it is tried again']
  if (status === undefined) return unreachable(error)
  return ['ING-STORAGE', `${name} (${status}): ${message}`, 'it is tried again; look at the store']
}

function credentialsProblem(name: string, message: string): string {
  if (name === 'CredentialsProviderError' || name === '') return `no credentials were found (${message})`
  if (name.startsWith('ExpiredToken') || name === 'TokenRefreshRequired') return 'the credentials have expired'
  if (name === 'SignatureDoesNotMatch') return 'the secret access key is wrong'
  return `the access key is not known (${name})`
}

function credentialsHint(name: string): string {
  return name === 'CredentialsProviderError'
    ? 'set access_key_id and secret_access_key in the connection, or AWS_ACCESS_KEY_ID, AWS_PROFILE or a role for the SDK to find'
    : 'mend the credentials of the connection, or those that the SDK finds'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
