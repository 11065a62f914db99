import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')

/**
 * The bundle that ships: `node` finds and parses some twenty files instead of seven hundred, which is half of a start.
 * The library and both processes are bundled in one go, so that they share each class. Left out: packages with native
 * code, and the loggers. Ink lies in a chunk of its own, with React as it is built for production: as a package it is found and parsed in
 * half a second, before which nobody sees or types anything, and by its default React keeps timings of every frame without end.
 */
const compiled = (path) => join(root, 'build', path)
const bundle = await rolldown({
  input: { main: compiled('main.js'), index: compiled('index.js'), worker: compiled('app/worker.js') },
  platform: 'node',
  external: ['@duckdb/node-bindings', 'better-sqlite3', 'nodejs-polars', 'pino', 'pino-pretty'],
  transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  plugins: [{ name: 'no-developer-tools', resolveId: developerTools }],
})
const { output } = await bundle.write({
  dir: join(root, 'dist'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name].js',
  codeSplitting: { groups: [{ name: 'ink', test: /\/node_modules\/(ink|react)\// }] },
  sourcemap: true,
})
// Chunks of an earlier build that this one does not have are not shipped.
const chunks = join(root, 'dist/chunks')
const written = new Set(output.map((file) => basename(file.fileName)))
for (const name of readdirSync(chunks)) if (!written.has(name)) rmSync(join(chunks, name))
chmodSync(join(root, 'dist/main.js'), 0o755)
writeFileSync(join(root, 'dist/licences.txt'), licences(output.flatMap((chunk) => chunk.moduleIds ?? [])))

/** Of Ink's tools for developers nothing is shipped; it asks for them by an environment variable alone. */
function developerTools(name, from) {
  return name === './devtools.js' && from.includes('/node_modules/ink/') ? { id: 'react-devtools-core', external: true } : null
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
