import type { S3Connection } from '../model/connection.ts'

/** Who asks, as every client of the AWS SDK takes it; what is left out is found by the SDK's own chain. */
interface AwsIdentity {
  profile?: string
  credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
}

/** The identity of a connection, for S3 and SQS alike. */
export function identityOf(connection: S3Connection | null): AwsIdentity {
  // Which Node a user has is not told by the way.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const identity: AwsIdentity = {}
  if (connection?.profile != null) identity.profile = connection.profile
  if (connection?.accessKeyId != null && connection.secretAccessKey !== null) {
    const { accessKeyId, secretAccessKey, sessionToken } = connection
    identity.credentials = { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) }
  }
  return identity
}
