import { pathToFileURL } from 'node:url'

let generation = 0

/** Modules that are imported from now on are read again: a process that serves another run finds them as they are by then. */
export function forgetModules(): void {
  generation += 1
}

/** What `import` takes for a module of the user's. */
export function moduleUrl(path: string): string {
  const url = pathToFileURL(path)
  if (generation > 0) url.search = `generation=${generation}`
  return url.href
}
