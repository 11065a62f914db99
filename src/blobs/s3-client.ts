import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { S3Connection } from '../model/connection.ts'
import type { ObjectUrl } from '../model/object-url.ts'
import { identityOf } from './aws-identity.ts'
import { IDLE_MS } from './object-timeouts.ts'

const GOOGLE = 'https://storage.googleapis.com'
/** Requests of one process at the same time; the rest waits for a socket. */
const SOCKETS = 128
const CONNECT_MS = 10_000

/** A client of one bucket's server. It never repeats a request by itself: what is lost matters to conditional writes. */
export function s3Client({ scheme }: Pick<ObjectUrl, 'scheme'>, connection: S3Connection | null, idleMs = IDLE_MS): S3Client {
  const endpoint = connection?.endpoint ?? (scheme === 'gs' ? GOOGLE : undefined)
  const isAws = endpoint === undefined || /\.amazonaws\.com(?:\.cn)?(?:[:/]|$)/i.test(endpoint)
  const config: S3ClientConfig = {
    maxAttempts: 1,
    followRegionRedirects: true,
    // Parts have MD5 sums, which every server knows.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: idleMs,
      httpAgent: { maxSockets: SOCKETS, keepAlive: true },
      httpsAgent: { maxSockets: SOCKETS, keepAlive: true },
    },
    logger: { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
  }
  if (endpoint !== undefined) config.endpoint = endpoint
  // Servers of others take any region, or say which.
  if (connection?.region != null || !isAws) config.region = connection?.region ?? 'us-east-1'
  if (connection?.pathStyle === true || !isAws) config.forcePathStyle = true
  return new S3Client({ ...config, ...identityOf(connection) })
}

function quiet(): void {
  // What a library has to say is no part of the output.
}
