import * as z from 'zod'
import { doc, flag, oneOf, size, text, wholeNumber } from './types.ts'

const poolSize = () =>
  wholeNumber(1, 1000)
    .optional()
    .meta(doc('Connections held at most.', { example: 8 }))

const cacheSize = () =>
  size().prefault('10GB').meta(doc('Bytes that local copies of the files of a table take at most between batches, below checkpoint_path.'))

const prefetchSize = () =>
  size()
    .prefault('1GB')
    .meta(doc('Bytes of the objects of the next batch that are fetched while a batch loads, at most, below checkpoint_path.'))

const s3 = z.strictObject({
  type: z.literal('s3', { error: '"s3"' }).meta(doc('S3, an S3-compatible server, or GCS through its S3 interface.')),
  endpoint: text()
    .optional()
    .meta(doc('Server of an S3-compatible store.', { example: 'https://storage.googleapis.com' })),
  region: text()
    .optional()
    .meta(doc('Region of the bucket.', { example: 'eu-central-1' })),
  path_style: flag().optional().meta(doc('Puts the bucket in the path instead of the host name.')),
  access_key_id: text()
    .optional()
    .meta(doc('Access key; the SDK finds its own when left out.', { example: '${AWS_ACCESS_KEY_ID}' })),
  secret_access_key: text()
    .optional()
    .meta(doc('Secret of the access key.', { example: '${AWS_SECRET_ACCESS_KEY}' })),
  session_token: text()
    .optional()
    .meta(doc('Token of temporary credentials.', { example: '${AWS_SESSION_TOKEN}' })),
  profile: text()
    .optional()
    .meta(doc('Profile of the shared credentials file.', { example: 'default' })),
  sse: z
    .strictObject({
      type: oneOf(['AES256', 'aws:kms']).meta(doc('Keys of S3, or of AWS KMS.', { example: 'aws:kms' })),
      kms_key_id: text()
        .optional()
        .meta(doc("Key of KMS; the account's own one when left out.", { example: 'alias/lake' })),
    })
    .optional()
    .meta(doc('How the server encrypts what is written; the setting of the bucket when left out.', { example: { type: 'aws:kms' } })),
  requester_pays: flag()
    .optional()
    .meta(doc('Pays for requests to a bucket of others.', { example: true })),
  cache_size: cacheSize(),
  prefetch_size: prefetchSize(),
})

const adls = z.strictObject({
  type: z.literal('adls', { error: '"adls"' }).meta(doc('Azure Data Lake Storage Gen2, Blob Storage or OneLake.')),
  account_url: text()
    .optional()
    .meta(doc('URL of the account.', { example: 'https://account.dfs.core.windows.net' })),
  container: text()
    .optional()
    .meta(doc('Container, also called file system.', { example: 'landing' })),
  connection_string: text()
    .optional()
    .meta(doc('Connection string of the account.', { example: '${AZURE_STORAGE_CONNECTION_STRING}' })),
  sas_token: text()
    .optional()
    .meta(doc('Shared access signature.', { example: '${AZURE_SAS_TOKEN}' })),
  account_key: text()
    .optional()
    .meta(doc('Key of the account.', { example: '${AZURE_ACCOUNT_KEY}' })),
  credential: oneOf(['default', 'managed_identity', 'cli', 'service_principal'])
    .optional()
    .meta(doc('Which Azure credential is used.', { example: 'default' })),
  tenant_id: text()
    .optional()
    .meta(doc('Tenant of a service principal.', { example: '${AZURE_TENANT_ID}' })),
  client_id: text()
    .optional()
    .meta(doc('Client of a service principal or a managed identity.', { example: '${AZURE_CLIENT_ID}' })),
  client_secret: text()
    .optional()
    .meta(doc('Secret of a service principal.', { example: '${AZURE_CLIENT_SECRET}' })),
  cache_size: cacheSize(),
  prefetch_size: prefetchSize(),
})

const postgres = z.strictObject({
  type: z.literal('postgres', { error: '"postgres"' }).meta(doc('A Postgres server.')),
  url: text().meta(doc('postgres://user:password@host:port/database.', { example: '${POSTGRES_URL}' })),
  pool_size: poolSize(),
})

const mssql = z.strictObject({
  type: z.literal('mssql', { error: '"mssql"' }).meta(doc('SQL Server, Azure SQL or a Fabric warehouse.')),
  server: text().meta(doc('Host name.', { example: 'myserver.database.windows.net' })),
  database: text().meta(doc('Database.', { example: 'sales' })),
  port: wholeNumber(1, 65_535)
    .optional()
    .meta(doc('Port.', { example: 1433 })),
  user: text()
    .optional()
    .meta(doc('Login.', { example: 'loader' })),
  password: text()
    .optional()
    .meta(doc('Password of the login.', { example: '${MSSQL_PASSWORD}' })),
  authentication: text()
    .optional()
    .meta(doc('sql, or the kind of Azure AD authentication.', { example: 'managed_identity' })),
  integrated_security: flag().optional().meta(doc('Uses the identity of the process.')),
  encrypt: flag().optional().meta(doc('Encrypts the connection.')),
  trust_server_certificate: flag().optional().meta(doc("Takes the server's certificate unchecked.")),
  connection_timeout: wholeNumber(1)
    .optional()
    .meta(doc('Seconds to wait for a connection.', { example: 30 })),
  command_timeout: wholeNumber(1)
    .optional()
    .meta(doc('Seconds to wait for a statement.', { example: 600 })),
  batch_size: wholeNumber(1)
    .optional()
    .meta(doc('Rows fetched at a time.', { example: 50_000 })),
  pool_size: poolSize(),
})

const databricks = z.strictObject({
  type: z.literal('databricks', { error: '"databricks"' }).meta(doc('A Databricks SQL warehouse.')),
  host: text().meta(doc('Host of the workspace.', { example: 'adb-1234.5.azuredatabricks.net' })),
  http_path: text().meta(doc('HTTP path of the warehouse.', { example: '/sql/1.0/warehouses/abc' })),
  token: text()
    .optional()
    .meta(doc('Access token.', { example: '${DATABRICKS_TOKEN}' })),
})

const spark = z.strictObject({
  type: z.literal('spark', { error: '"spark"' }).meta(doc('A Spark Thrift server.')),
  url: text().meta(doc('Address of the Thrift server.', { example: 'thrift://spark:10000' })),
})

/** A named connection; tables and the engine pick one by name. */
export const connectionSchema = z.discriminatedUnion('type', [s3, adls, postgres, mssql, databricks, spark], {
  error: 'a map whose type is s3, adls, postgres, mssql, databricks or spark',
})

export type ConnectionInput = z.infer<typeof connectionSchema>
