import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Files of the web page as they lie in the package: nothing is built, and nothing comes from elsewhere. */
const FILES = {
  '/': { name: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.js': { name: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/tables.js': { name: 'tables.js', type: 'text/javascript; charset=utf-8' },
  '/draw.js': { name: 'draw.js', type: 'text/javascript; charset=utf-8' },
  '/page.css': { name: 'page.css', type: 'text/css; charset=utf-8' },
  '/icon.svg': { name: 'icon.svg', type: 'image/svg+xml' },
} as const

/** Nothing but what this server gives, no inline script or style, and no text that becomes markup. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

export interface PageFile {
  readonly type: string
  readonly body: Buffer
}

/** Undefined for a path that is no file of the page. They hold no data, so that they need no token. */
export function pageFile(path: string): PageFile | undefined {
  if (!Object.hasOwn(FILES, path)) return undefined
  const { name, type } = FILES[path as keyof typeof FILES]
  return { type, body: readFileSync(fileURLToPath(import.meta.resolve(`#web/${name}`))) }
}
