import { createRequire } from 'node:module'

/** The version in package.json. */
export function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('#package')
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest && typeof manifest.version === 'string')
    return manifest.version
  return 'unknown'
}
