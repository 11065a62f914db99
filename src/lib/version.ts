import { createRequire } from 'node:module'

/** The version in package.json, which stands two folders above both `src/lib` and `dist/lib`. */
export function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('../../package.json')
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest && typeof manifest.version === 'string')
    return manifest.version
  return 'unknown'
}
