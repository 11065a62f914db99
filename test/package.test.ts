import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ERROR_CODES } from '../src/errors/codes.ts'

const root = join(import.meta.dirname, '..')
const text = (path: string): string => readFileSync(join(root, path), 'utf8')

describe('the package', () => {
  test('depends at run time on these packages and no other', () => {
    const { dependencies } = JSON.parse(text('package.json')) as { dependencies: Record<string, string> }
    expect(Object.keys(dependencies).sort()).toEqual([
      '@aws-sdk/client-s3',
      '@aws-sdk/client-sqs',
      '@azure/identity',
      '@azure/storage-blob',
      '@azure/storage-queue',
      '@bomb.sh/tab',
      '@duckdb/node-api',
      'better-sqlite3',
      'commander',
      'fastest-levenshtein',
      'fzstd',
      'ink',
      'kysely',
      'lossless-json',
      'node-cron',
      'p-limit',
      'pg',
      'picocolors',
      'pino',
      'pino-pretty',
      'prom-client',
      'react',
      'saxes',
      'unbzip2-stream',
      'yaml',
      'yauzl',
      'zod',
    ])
  })

  test('pins each dependency to one version, so that what was tested is what is installed', () => {
    const { dependencies, devDependencies } = JSON.parse(text('package.json')) as Record<string, Record<string, string>>
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(([, version]) => !/^\d/.test(version))
    expect(loose).toEqual([])
  })

  test('loads no React, no command line and no engine when it is imported as a library', () => {
    const loaded = loadedBy("await import('ingestd')")
    expect(loaded.filter((path) => /\/chunks\/(ink|program)\.c?js$|\/node_modules\/@duckdb\//.test(path))).toEqual([])
  })

  test('loads no React for a command that draws nothing', () => {
    const help = "process.argv = [process.argv[0], 'ingest', '--help']; process.exit = () => {}; await import('./dist/main.js')"
    const loaded = loadedBy(help).map((path) => basename(path))
    expect(loaded).toContain('program.cjs')
    expect(loaded).not.toContain('ink.js')
    expect(readdirSync(join(root, 'dist/chunks'))).toContain('ink.js')
  })

  test('comes with the compiled code of its scripts, which each process takes', () => {
    const rejected = (entry: string) =>
      JSON.parse(
        runModule(`
        import { createRequire, syncBuiltinESMExports } from 'node:module'
        import vm from 'node:vm'
        const scripts = []
        vm.Script = class extends vm.Script {
          constructor(text, options) {
            super(text, options)
            scripts.push([options.filename, this.cachedDataRejected])
          }
        }
        syncBuiltinESMExports()
        process.argv = [process.argv[0], 'ingest', 'run', '--help']
        process.on('exit', () => console.log('\\n' + JSON.stringify(scripts)))
        createRequire(import.meta.url)('./dist/script.cjs').load('${entry}')
        setTimeout(() => process.exit(), 1000)`)
          .split('\n')
          .findLast((line) => line.startsWith('[')) ?? '[]',
      ) as readonly [string, boolean?][]
    for (const entry of ['main', 'worker']) {
      const scripts = rejected(entry)
      expect(scripts.length).toBeGreaterThan(3)
      expect(scripts.filter(([, isRejected]) => isRejected !== false)).toEqual([])
    }
  })

  test('runs without the compiled code, and with what is none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ingestd-code-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    for (const path of ['package.json', 'dist/main.js', 'dist/script.cjs', 'dist/chunks'])
      cpSync(join(root, path), join(folder, path), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const version = () => execFileSync(process.execPath, [join(folder, 'dist/main.js'), '--version'], { encoding: 'utf8' })
    const whole = version()
    const file = join(folder, 'dist/chunks/main.code')
    for (const content of ['', 'no code', readFileSync(file).subarray(0, 5000)]) {
      writeFileSync(file, content)
      expect(version()).toBe(whole)
    }
    rmSync(file)
    expect(version()).toBe(whole)
  })

  test('exports the names that the README shows', () => {
    const names = runModule("console.log(JSON.stringify(Object.keys(await import('ingestd'))))")
    expect(JSON.parse(names)).toEqual(expect.arrayContaining(['createIngest', 'defineStrategy']))
  })
})

describe('error codes', () => {
  const codes = Object.keys(ERROR_CODES)

  test('each is raised somewhere in src', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path) && path !== join('errors', 'codes.ts'))
      .map((path) => text(join('src', path)))
      .join('\n')
    expect(codes.filter((code) => !sources.includes(`'${code}'`))).toEqual([])
  })

  test('each is written once', () => {
    const written = [...text('src/errors/codes.ts').matchAll(/^ {2}'(ING-[A-Z-]+)':/gm)].map(([, code]) => code)
    expect(written.filter((code, index) => written.indexOf(code) !== index)).toEqual([])
  })

  test('each has a cause and a remedy that docs/errors.md shows', () => {
    const page = text('docs/errors.md')
    expect(codes.filter((code) => !page.includes(`| \`${code}\` | `))).toEqual([])
    const empty = Object.entries(ERROR_CODES).filter(([, { cause, remedy }]) => !/\w.*\.$/.test(cause) || !/\w.*\.$/.test(remedy))
    expect(empty).toEqual([])
  })
})

/** Paths of the modules and scripts that are loaded once the code has run, by whatever loader. */
function loadedBy(code: string): readonly string[] {
  const hook =
    "import { writeSync } from 'node:fs'\nexport async function load(url, context, next) { writeSync(2, `loaded ${url}\\n`); return next(url, context) }"
  const script = `
    import { createRequire, register, syncBuiltinESMExports } from 'node:module'
    import vm from 'node:vm'
    vm.Script = class extends vm.Script {
      constructor(text, options) {
        super(text, options)
        console.error('loaded ' + options.filename)
      }
    }
    syncBuiltinESMExports()
    register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))})
    ${code}
    for (const path of Object.keys(createRequire(import.meta.url).cache)) console.error('loaded ' + path)`
  return [...runModule(script, 'stderr').matchAll(/^loaded (.*)$/gm)].map(([, path]) => path ?? '')
}

function runModule(code: string, stream: 'stdout' | 'stderr' = 'stdout'): string {
  const shell = stream === 'stderr' ? ['-c', '"$0" "$@" 2>&1 >/dev/null', process.execPath] : ['-c', '"$0" "$@"', process.execPath]
  return execFileSync('sh', [...shell, '--input-type=module', '-e', code], { cwd: root, encoding: 'utf8' })
}
