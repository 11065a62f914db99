import { describe, expect, test } from 'vitest'
import { ingest } from './ingest.ts'

const BUILT = [
  'init',
  'create-example-config',
  'check',
  'run',
  'daemon',
  'status',
  'files',
  'explain',
  'retry',
  'skip',
  'approve',
  'replay',
  'unload',
  'pause',
  'resume',
  'quarantine',
  'history',
  'query',
  'optimize',
  'vacuum',
  'restore',
  'validate',
  'verify',
  'selftest',
  'tracker',
  'schema',
  'completion',
  'demo',
  'help',
]

describe('the command line', () => {
  test('help lists the commands that work, and no other', async () => {
    const { code, stdout } = await ingest(['--help'])
    const commands = stdout.slice(stdout.indexOf('Commands:')).match(/^ {2}[a-z-]+/gm)
    expect(commands?.map((name) => name.trim())).toEqual(BUILT)
    expect(code).toBe(0)
  })

  test('the help of every command names the options that all of them take', async () => {
    for (const command of BUILT.filter((name) => name !== 'help')) {
      const { stdout, code } = await ingest([command, '--help'])
      expect(code).toBe(0)
      for (const option of ['--config <file>', '--config-json <text>', '--var <key=value>', '--log-level <level>', '--json', '--no-color'])
        expect(stdout).toContain(option)
    }
  })

  test('the version is printed', async () => {
    const { code, stdout } = await ingest(['--version'])
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(code).toBe(0)
  })

  test('no command at all shows the help on stderr', async () => {
    const { code, stdout, stderr } = await ingest([])
    expect(stdout).toBe('')
    expect(stderr).toContain('Usage: ingest [options] [command]')
    expect(code).toBe(2)
  })

  test('an unknown command is refused with the nearest one', async () => {
    expect(await ingest(['statsu'])).toEqual({
      code: 2,
      stdout: '',
      stderr: "error: unknown command 'statsu' (Did you mean status?) [ING-USAGE]\n  hint: ingest --help\n",
    })
  })

  test('an unknown option is refused with the nearest one', async () => {
    expect(await ingest(['run', '--dry-rum'])).toEqual({
      code: 2,
      stdout: '',
      stderr: "error: unknown option '--dry-rum' (Did you mean --dry-run?) [ING-USAGE]\n  hint: ingest run --help\n",
    })
  })

  test.each([
    [['run', '--concurrency', '0'], "option '--concurrency <n>' argument '0' is invalid. It must be a whole number from 1."],
    [['run', '--incremental', '--full-drop'], "option '--full-drop' cannot be used with option '--incremental'"],
    [['run', '--tables', ','], "option '--tables <names>' argument ',' is invalid. It must name a table."],
    [
      ['status', '--log-level', 'loud'],
      "option '--log-level <level>' argument 'loud' is invalid. It must be one of TRACE, DEBUG, INFO, WARN, ERROR.",
    ],
    [
      ['status', '--var', 'novalue'],
      "option '--var <key=value>' argument 'novalue' is invalid. It must be key=value, as max_parallel_jobs=2 or tables.orders.file_format=csv.",
    ],
    [
      ['files', '--status', 'lost'],
      "option '--status <status>' argument 'lost' is invalid. Allowed choices are pending, processing, completed, failed, skipped.",
    ],
    [['explain'], "missing required argument 'file'"],
    [['query', 'select 1', 'select 2'], "too many arguments for 'query'. Expected 1 argument but got 2."],
    [['retry'], 'nothing to retry was named'],
    [['retry', '--all-failed', 'a.csv'], '--all-failed and FILE cannot be used together'],
    [['skip'], 'nothing to skip was named'],
    [['status', '--interval', '5'], '--interval says how often --watch prints'],
    [['status', '--resources', '--tables', 'a'], "option '--resources' cannot be used with option '--tables <names>'"],
    [['status', '-c', 'a.yaml', '--config-json', '{}'], '--config and --config-json cannot be used together'],
    [['query', 'select 1', '--json', '--format', 'csv'], '--json and --format csv cannot be used together'],
    [
      ['init', 'x', '--tables-dir', '../y'],
      "option '--tables-dir <name>' argument '../y' is invalid. It must be a plain folder name of letters, digits, - and _.",
    ],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { code, stdout } = await ingest([...args, ...(args.includes('--json') ? [] : ['--json'])])
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'ING-USAGE', message, hint: expect.any(String), issues: [] } })
    expect(code).toBe(2)
  })

  test('nothing is coloured in a pipe', async () => {
    for (const args of [['--help'], ['run', '--bogus'], ['check', '-c', 'absent.yaml']]) {
      const { stdout, stderr } = await ingest(args)
      expect(stdout + stderr).not.toContain('\u001b')
    }
  })
})
