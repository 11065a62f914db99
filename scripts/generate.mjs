import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Writes the files that are made from the code, or with --check says which of them are stale. It reads what
 * `npm run build` compiled, so that what is documented is what is shipped.
 */
const root = join(import.meta.dirname, '..')
const compiled = (path) => new URL(`../build/${path}`, import.meta.url).href

const HEAD = `<!-- Generated from src/errors/codes.ts by \`npm run generate\`. -->

# Error codes

Every error that ingestd raises on purpose has a code. A code, once released, keeps its meaning; scripts and alerts may
rest on it. \`--json\` output, the tracker (\`error_code\`) and log records carry it.
`

const GENERATED = [
  { path: 'docs/errors.md', text: errorsPage },
  { path: 'config.example.yaml', text: exampleConfig },
]

const stale = []
for (const { path, text } of GENERATED) {
  const wanted = await text()
  if (wanted === current(path)) continue
  if (process.argv.includes('--check')) stale.push(path)
  else writeFileSync(join(root, path), wanted)
}
if (stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}; run \`npm run generate\` and commit the result`)
  process.exitCode = 1
}

function current(path) {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    // A file that is not there yet is stale like any other.
    return undefined
  }
}

async function errorsPage() {
  const { ERROR_CODES } = await import(compiled('errors/codes.js'))
  const areas = groups(Object.keys(ERROR_CODES))
  const sections = [...areas].map(([area, codes]) => `## ${area}\n\n${table(codes.map((code) => [code, ERROR_CODES[code]]))}`)
  return `${HEAD}\n${sections.join('\n')}`
}

function table(rows) {
  const lines = rows.map(([code, { cause, remedy }]) => `| \`${code}\` | ${cell(cause)} | ${cell(remedy)} |`)
  return `| code | cause | remedy |\n| --- | --- | --- |\n${lines.join('\n')}\n`
}

function cell(text) {
  return text.replaceAll('|', '\\|')
}

function areaOf(code) {
  return code.split('-')[1] ?? code
}

function groups(codes) {
  const areas = new Map()
  for (const code of codes) areas.set(areaOf(code), [...(areas.get(areaOf(code)) ?? []), code])
  return areas
}

function exampleConfig() {
  const folder = mkdtempSync(join(tmpdir(), 'ingest-example-'))
  try {
    const file = join(folder, 'config.example.yaml')
    execFileSync(process.execPath, [join(root, 'dist/main.js'), 'create-example-config', '--output', file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return readFileSync(file, 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
