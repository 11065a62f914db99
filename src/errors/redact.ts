const HIDDEN = '***'

/** Parameters of a URL that grant access: SAS signatures, signed requests, tokens. */
const SECRET_PARAMETERS =
  /([?&;](?:sig|sas|token|access_token|api[_-]?key|password|pwd|secret|x-amz-signature|x-amz-security-token|x-amz-credential|x-goog-signature|awsaccesskeyid|signature|code|key)=)[^&\s"'#;]*/gi
const USERINFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'@]*(?:@[^\s/?#"'@]*)*@/gi
/** A password with a slash or a question mark in it; `host:port/` is none. */
const ODD_USERINFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#:@"']+:(?!\d+(?:[/?#]|$))[^\s"']*@/gi
const ABFS_USERINFO = /^(?:abfss?|wasbs?):\/\//i
const PAIRS = /\b((?:account ?key|shared ?access ?(?:key|signature)|password|pwd|secret|sas_?token|access_?token)\s*=\s*)[^;&\s"']+/gi
const SLACK_HOOK = /(https:\/\/hooks\.slack\.com\/)[^\s"']*/gi
const SECRET_KEY =
  /(^|_|-|\.)(password|passwd|passphrase|pwd|secret|secrets|token|tokens|sas|sig|signature|apikey|authorization|bearer)($|_|-|\.)|(^|_|-|\.)(access|api|account|private|secret|shared|encryption|master|storage|mask)_?keys?($|_|-|\.)|access_key|connection_string|connectionstring/i
const PLAIN_KEYS = ['token_endpoint', 'secret_name']

/** A text without what grants access: user and password of URLs, SAS and other signatures, keys of connection strings. */
export function redactUrl(text: string): string {
  return text
    .replace(USERINFO, (found: string, scheme: string) => (isContainer(found, scheme) ? found : `${scheme}${HIDDEN}@`))
    .replace(ODD_USERINFO, `$1${HIDDEN}@`)
    .replace(SECRET_PARAMETERS, `$1${HIDDEN}`)
    .replace(PAIRS, `$1${HIDDEN}`)
    .replace(SLACK_HOOK, `$1${HIDDEN}`)
}

// In abfss://container@account the part before the @ is a container, unless it holds a password.
function isContainer(found: string, scheme: string): boolean {
  return ABFS_USERINFO.test(scheme) && !found.slice(scheme.length).includes(':')
}

/** True when the value of a key of this name is a secret. */
export function isSecretKey(name: string): boolean {
  const snake = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
  return !PLAIN_KEYS.includes(snake) && (snake === 'key' || SECRET_KEY.test(snake))
}

/** A copy of a config, or of any value, that may be shown. */
export function redactConfig(value: unknown): unknown {
  if (typeof value === 'string') return redactUrl(redactWebhook(value))
  if (Array.isArray(value)) return value.map(redactConfig)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      isSecretKey(key) && item !== null && item !== undefined && item !== '' ? HIDDEN : redactConfig(item),
    ]),
  )
}

// Whoever knows the path of a webhook may post to it.
function redactWebhook(text: string): string {
  return text.replace(/^(webhook:[a-z]+:\/\/[^/?#\s]*)[/?#].*$/is, `$1/${HIDDEN}`)
}
