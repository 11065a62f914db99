import { redactUrl } from '../errors/redact.ts'

/** What a URL of an object store says. Nothing of a path is decoded, except in `https:` ones. */
export interface ObjectUrl {
  readonly scheme: 's3' | 'gs' | 'abfss' | 'az'
  /** `s3://bucket`, `abfss://container@account.dfs.core.windows.net`, `az://container`: one bucket or container, without a trailing slash. */
  readonly root: string
  /** Bucket or container. */
  readonly container: string
  /** Host of the account (`account.dfs.core.windows.net`) where the URL tells it. */
  readonly accountHost: string | null
  /** Behind the root, without a leading slash. */
  readonly path: string
}

export interface WrongUrl {
  readonly problem: string
  readonly fix: string
}

/** Ways to write one scheme. */
const SCHEMES = {
  s3: 's3',
  s3a: 's3',
  s3n: 's3',
  gs: 'gs',
  gcs: 'gs',
  abfss: 'abfss',
  abfs: 'abfss',
  wasbs: 'abfss',
  wasb: 'abfss',
  az: 'az',
  azure: 'az',
} as const

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/
const CONTAINER = /^(?:\$root|\$web|[A-Za-z0-9][A-Za-z0-9._ -]{0,254})$/
const AZURE_HOST = /^[a-z0-9-]+\.(?:blob|dfs)\.[a-z0-9.-]+$/i

/** Whether a path of the config is one of an object store. */
export function isRemote(path: string): boolean {
  return /^(?:s3|gs|abfss|az):\/\//.test(path)
}

/** Whether a scheme may lead to an object store that can be reached; of `https`, the host decides. */
export function isObjectScheme(scheme: string): boolean {
  return Object.hasOwn(SCHEMES, scheme) || scheme === 'https'
}

/** The one way in which a URL is kept: `s3a:` is `s3:`, and all ways to an Azure account are `abfss:`. */
export function objectUrlText({ root, path }: Pick<ObjectUrl, 'root' | 'path'>): string {
  return path === '' ? root : `${root}/${path}`
}

/** A URL as users write it. Undefined for one of no object store. */
export function parseObjectUrl(written: string): ObjectUrl | WrongUrl | undefined {
  const [, given = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(written) ?? []
  const name = given.toLowerCase()
  const slash = rest.indexOf('/')
  const host = slash < 0 ? rest : rest.slice(0, slash)
  const path = slash < 0 ? '' : rest.slice(slash + 1)
  if (name === 'https') return AZURE_HOST.test(host) ? ofHttps(host, path) : undefined
  const scheme = Object.entries(SCHEMES).find(([alias]) => alias === name)?.[1]
  if (scheme === undefined) return undefined
  if (scheme === 'abfss') return ofAccount(written, host, path)
  const isName = (scheme === 'az' ? CONTAINER : BUCKET).test(host)
  if (!isName) return host.includes('@') ? credentialsIn(written) : noContainer(written, scheme === 'az' ? 'container' : 'bucket')
  return { scheme, root: `${scheme}://${host}`, container: host, accountHost: null, path }
}

function ofAccount(written: string, authority: string, path: string): ObjectUrl | WrongUrl {
  const at = authority.lastIndexOf('@')
  const container = authority.slice(0, Math.max(at, 0))
  if (container.includes(':')) return credentialsIn(written)
  const host = authority.slice(at + 1).toLowerCase()
  if (at < 0 || !CONTAINER.test(container) || !AZURE_HOST.test(host)) {
    const example = 'abfss://container@account.dfs.core.windows.net/path'
    return { problem: `${redactUrl(written)} names no container of an account`, fix: `write ${example}, or az://container/path` }
  }
  return inAccount(container, host, path)
}

/** What browsers and the portal show. */
function ofHttps(host: string, rest: string): ObjectUrl | WrongUrl {
  if (/\?[a-z][a-z0-9_-]*=/i.test(rest)) {
    return { problem: 'the URL has parameters', fix: 'remove them; a SAS token goes into sas_token of a connection' }
  }
  const slash = rest.indexOf('/')
  const container = slash < 0 ? rest : rest.slice(0, slash)
  if (!CONTAINER.test(container)) return noContainer(`https://${host}/${rest}`, 'container')
  try {
    return inAccount(container, host.toLowerCase(), slash < 0 ? '' : decodeURIComponent(rest.slice(slash + 1)))
  } catch {
    return {
      problem: 'a % in the URL must be followed by two hexadecimal digits',
      fix: 'write %25 for the character itself',
    }
  }
}

function inAccount(container: string, host: string, path: string): ObjectUrl {
  const accountHost = host.replace(/^([^.]+)\.blob\./, '$1.dfs.')
  return { scheme: 'abfss', root: `abfss://${container}@${accountHost}`, container, accountHost, path }
}

function credentialsIn(written: string): WrongUrl {
  return {
    problem: `${redactUrl(written)} has credentials in it`,
    fix: 'remove them from the URL; they belong to a connection, as ${NAME} of the environment',
  }
}

function noContainer(written: string, what: 'bucket' | 'container'): WrongUrl {
  return {
    problem: `${redactUrl(written)} names no ${what}`,
    fix: what === 'bucket' ? 'write s3://bucket/path' : 'write az://container/path',
  }
}
