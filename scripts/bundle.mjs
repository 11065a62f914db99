import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { rolldown } from 'rolldown'
import { recordCode } from './code.mjs'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/**
 * The bundle that ships: `node` finds and parses some twenty files instead of seven hundred, and of scripts it needs not
 * parse what it has the code of. The library and both processes are bundled in one go, so that they share each class. Left out: packages with
 * native code, and the loggers. Ink lies in a chunk of its own, with React as it is built for production: as a package it is found and parsed in
 * half a second, before which nobody sees or types anything, and by its default React keeps timings of every frame without end.
 */
const compiled = (path) => join(root, 'build', path)
const ENTRIES = { main: compiled('main.js'), index: compiled('index.js'), worker: compiled('app/worker.js') }
/** What needs Ink, which awaits at its top level, as no script can: these stay modules, and share no class with the rest. */
const DRAWINGS = ['dashboard-ink', 'run-display']
const external = ['@duckdb/node-bindings', 'better-sqlite3', 'nodejs-polars', 'pino', 'pino-pretty']
const NODE_ENV = { 'process.env.NODE_ENV': '"production"' }

// Nothing of an earlier build stays: neither chunks nor code that this one does not have.
rmSync(join(dist, 'chunks'), { recursive: true, force: true })
const scripts = await written(
  { input: ENTRIES, external, plugins: [drawing(), imports()], transform: { define: { 'import.meta': 'importMeta', ...NODE_ENV } } },
  { dir: join(dist, 'chunks'), format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name].cjs' },
)
const drawings = await written(
  {
    input: Object.fromEntries(DRAWINGS.map((name) => [name, compiled(`tui/${name}.js`)])),
    external,
    plugins: [{ name: 'no-developer-tools', resolveId: developerTools }],
    transform: { define: NODE_ENV },
  },
  {
    dir: join(dist, 'chunks'),
    format: 'esm',
    chunkFileNames: '[name].js',
    codeSplitting: { groups: [{ name: 'ink', test: /\/node_modules\/(ink|react)\// }] },
  },
)
const loader = await written(
  { input: { script: compiled('script.js') }, transform: { define: { 'import.meta.filename': '__filename' } } },
  { dir: dist, format: 'cjs', entryFileNames: '[name].cjs' },
)
const exported = scripts.find(({ name }) => name === 'index').exports
writeFileSync(join(dist, 'index.js'), module('index', ['const all = ', exported.map((name) => `export const ${name} = all.${name}`)]))
writeFileSync(join(dist, 'main.js'), `#!/usr/bin/env node\n${module('main')}`)
// Not a module: those take Node some milliseconds more.
writeFileSync(join(dist, 'worker.cjs'), `require('./script.cjs').load('worker')\n`)
chmodSync(join(dist, 'main.js'), 0o755)
writeFileSync(join(dist, 'licences.txt'), licences([...scripts, ...drawings, ...loader].flatMap((chunk) => chunk.moduleIds ?? [])))
await recordCode(dist)

async function written(input, options) {
  const bundle = await rolldown({ platform: 'node', ...input })
  const { output } = await bundle.write({ entryFileNames: '[name].js', sourcemap: true, ...options })
  return output
}

/** What is imported to draw stays an import, of a module. */
function drawing() {
  return {
    name: 'drawing',
    resolveId(path) {
      const name = basename(path, '.js')
      return DRAWINGS.includes(name) ? { id: `#drawing/${name}`, external: true } : null
    },
  }
}

/** Of Ink's tools for developers nothing is shipped; it asks for them by an environment variable alone. */
function developerTools(name, from) {
  return name === './devtools.js' && from.includes('/node_modules/ink/') ? { id: 'react-devtools-core', external: true } : null
}

/** What is not bundled is imported by the loader, since a script that comes with its code cannot. */
function imports() {
  return { name: 'imports', renderChunk: (code) => ({ code: code.replaceAll(/(?<![.\w])import\(/g, 'importMeta.import('), map: null }) }
}

/** A module that node and users know, of a script of the bundle. */
function module(entry, [result, more] = ['', []]) {
  const lines = [`import { createRequire } from 'node:module'`, `${result}createRequire(import.meta.url)('./script.cjs').load('${entry}')`]
  return `${[...lines, ...more].join('\n')}\n`
}

/** What is bundled comes with the text of its licence. */
function licences(modules) {
  const folders = modules.flatMap((module) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? [])
  return [...new Set(folders)].sort().map(licenceOf).join('\n')
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const text = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'license.md'].map((file) => read(join(folder, file))).find(Boolean)
  return `${name} ${version} (${license})\n\n${text ?? ''}\n`
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
