import type { TokenCredential } from '@azure/identity'
import { AnonymousCredential, ContainerClient, type StoragePipelineOptions, StorageSharedKeyCredential } from '@azure/storage-blob'
import { ConfigError } from '../errors/errors.ts'
import type { AdlsConnection } from '../model/connection.ts'
import type { ObjectUrl } from '../model/object-url.ts'

/** What is lost matters to conditional writes, so nothing is repeated behind our back. */
const OPTIONS: StoragePipelineOptions = { retryOptions: { maxTries: 1 } }

/** A client of one container, through the Blob endpoint of its account. */
export async function containerClient({ container, accountHost }: ObjectUrl, connection: AdlsConnection | null): Promise<ContainerClient> {
  if (connection?.connectionString != null) return new ContainerClient(blobEndpoints(connection.connectionString), container, OPTIONS)
  const [address, parameters] = endpointOf(accountHost, connection?.accountUrl ?? null)
  const url = `${address}/${encodeURIComponent(container)}`
  if (connection?.accountKey != null)
    return new ContainerClient(url, new StorageSharedKeyCredential(accountOf(address), connection.accountKey), OPTIONS)
  const sas = connection?.sasToken ?? parameters
  if (sas !== null) return new ContainerClient(`${url}?${sas.replace(/^\?/, '')}`, new AnonymousCredential(), OPTIONS)
  return new ContainerClient(url, await tokenCredential(connection), OPTIONS)
}

/** The Blob endpoint without a trailing slash, and what stands behind `?`. */
function endpointOf(accountHost: string | null, accountUrl: string | null): readonly [string, string | null] {
  const written = accountUrl ?? (accountHost === null ? null : `https://${accountHost}`)
  if (written === null) throw new ConfigError('ING-CONFIG-COMBINATION', 'az:// needs account_url or connection_string in its connection')
  const [address = '', parameters] = written.split('?', 2)
  return [asBlob(address).replace(/\/+$/, ''), parameters === undefined || parameters === '' ? null : parameters]
}

function asBlob(address: string): string {
  return address.replace(/^(https?:\/\/[^./]+)\.dfs\./i, '$1.blob.')
}

/** Those of Data Lake tools name the other endpoint alone. */
function blobEndpoints(connectionString: string): string {
  return connectionString.replace(/(BlobEndpoint=)([^;]*)/i, (_, key: string, address: string) => `${key}${asBlob(address)}`)
}

/** The first part of the host; emulators have it in the path. */
function accountOf(address: string): string {
  const { hostname, pathname } = new URL(address)
  const inPath = pathname.split('/')[1] ?? ''
  return inPath === '' ? (hostname.split('.')[0] ?? '') : inPath
}

export async function tokenCredential(connection: AdlsConnection | null): Promise<TokenCredential> {
  const identity = await import('@azure/identity')
  const { credential = 'default', tenantId = null, clientId = null, clientSecret = null } = connection ?? {}
  const tenant = tenantId === null ? {} : { tenantId }
  switch (credential) {
    case 'cli':
      return new identity.AzureCliCredential(tenant)
    case 'managed_identity':
      return clientId === null ? new identity.ManagedIdentityCredential() : new identity.ManagedIdentityCredential({ clientId })
    case 'service_principal':
      return new identity.ClientSecretCredential(tenantId ?? '', clientId ?? '', clientSecret ?? '')
    case 'default':
      return new identity.DefaultAzureCredential({ ...tenant, ...(clientId === null ? {} : { managedIdentityClientId: clientId }) })
  }
}
