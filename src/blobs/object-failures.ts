import type { ErrorCode } from '../errors/codes.ts'
import { redactUrl } from '../errors/redact.ts'

const NETWORK = [
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_INVALID_CONSTANT',
  'UND_ERR_SOCKET',
  'REQUEST_SEND_ERROR',
  'PARSE_ERROR',
]
const NETWORK_NAMES = ['TimeoutError', 'CutBody']

/** A body that ended before its length. */
export class CutBody extends Error {
  override readonly name = 'CutBody'
}

/** No answer came, or it did not come to its end. */
export function isNetworkFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  return NETWORK.includes(code) || NETWORK_NAMES.includes(error.name) || /^(?:aborted|socket hang up|premature close)$/i.test(error.message)
}

/** No connection was made, so that nothing was done either. */
export function isDown(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code)
}

/** Without what grants access. */
export function messageOf(error: unknown): string {
  return redactUrl(error instanceof Error ? error.message : String(error))
}

/** Why no server answered. */
export function unreachable(error: unknown): readonly [ErrorCode, string, string] {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return [
      'ING-STORAGE-UNREACHABLE',
      `the host is not known (${messageOf(error)})`,
      'mend the endpoint, the region or the name resolution',
    ]
  if (/certificate|self.signed|SSL|TLS/i.test(`${code} ${messageOf(error)}`))
    return [
      'ING-STORAGE-UNREACHABLE',
      `no trusted connection (${messageOf(error)})`,
      'mend the certificate, or name its authority in NODE_EXTRA_CA_CERTS',
    ]
  return [
    'ING-STORAGE-UNREACHABLE',
    `no answer (${code === '' ? messageOf(error) : code})`,
    'it is tried again; look at the endpoint and the network',
  ]
}
