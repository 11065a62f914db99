import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** Whether a request bears the token, told in a time that does not depend on how much of it is right. */
export function bears(request: IncomingMessage, token: string): boolean {
  const [, given] = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

/** Digests have one length, which hides that of the token. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Whether an address is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === 'localhost' || bare === '::1' || /^127\.\d+\.\d+\.\d+$/.test(bare)
}

/**
 * Whether the name that the browser went to may be this server. A page of the internet whose name was made to lead here
 * (DNS rebinding) could read what is served without a token; it must come by a name, which is then not that of this machine.
 */
export function isOwnName(request: IncomingMessage): boolean {
  const host = (request.headers.host ?? '').replace(/:\d*$/, '').replace(/^\[|\]$/g, '')
  return host === '' || isIP(host) !== 0 || isLoopback(host) || host.toLowerCase().endsWith('.localhost')
}
