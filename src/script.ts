import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'

/**
 * Loads the scripts of the bundle with the code that V8 made of them when the bundle was built. Node 20 compiles an ES module
 * anew in each process, which was a third of the start of a short run. Code of another version of V8 is not used, and
 * where there is none, a start takes longer and does the same.
 */
const folder = dirname(import.meta.filename)
const ofNode = createRequire(import.meta.filename)
/** What a script has for `import.meta`, which it has not, and for `import()`, which fails in a script that came with its code. */
const place = {
  url: pathToFileURL(import.meta.filename).href,
  resolve: (name: string) => pathToFileURL(ofNode.resolve(name)).href,
  import: (name: string): Promise<unknown> => import(name),
}
const loaded = new Map<string, { exports: unknown }>()
let code: ReadonlyMap<string, Buffer> | undefined

type Wrapped = (exports: unknown, require: (name: string) => unknown, module: { exports: unknown }, importMeta: typeof place) => void

/** What the script `<entry>.cjs` exports; each script is loaded once. */
export function load(entry: string): unknown {
  code ??= codeOf(entry === 'worker' ? 'worker' : 'main')
  return scriptAt(join(folder, 'chunks', `${entry}.cjs`))
}

function scriptAt(path: string): unknown {
  const known = loaded.get(path)
  if (known !== undefined) return known.exports
  const module = { exports: {} as unknown }
  loaded.set(path, module)
  const text = `(function (exports, require, module, importMeta) { ${readFileSync(path, 'utf8')}\n})`
  const script = new Script(text, { filename: path, cachedData: code?.get(path.slice(folder.length + 1)) })
  const wrapped = script.runInThisContext() as Wrapped
  const here = dirname(path)
  const require = (name: string) => (name.startsWith('.') ? scriptAt(join(here, name)) : ofNode(name))
  try {
    wrapped(module.exports, require, module, place)
  } catch (error) {
    loaded.delete(path)
    throw error
  }
  return module.exports
}

/** The code of what a process loads, by the path of the script: a line of JSON with the places, and then the bytes. */
function codeOf(name: string): ReadonlyMap<string, Buffer> {
  try {
    const bytes = readFileSync(join(folder, 'chunks', `${name}.code`))
    const end = bytes.indexOf('\n')
    const places = JSON.parse(bytes.toString('utf8', 0, end)) as readonly (readonly [string, number, number])[]
    return new Map(places.map(([path, from, to]) => [path, bytes.subarray(end + 1 + from, end + 1 + to)]))
  } catch {
    return new Map()
  }
}
