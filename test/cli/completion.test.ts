import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { project } from '../support/project.ts'
import { ingest } from './ingest.ts'

const TABLES = ['orders', 'items'].map((name) => ({ table_name: name, database_name: 'shop', source_path_pattern: `${name}/*.csv` }))

/** What bash offers for a line that ends where the cursor is. */
function offered(line: string, cwd: string): readonly string[] {
  mkdirSync(`${cwd}/bin`, { recursive: true })
  try {
    symlinkSync(new URL('../../dist/main.js', import.meta.url).pathname, `${cwd}/bin/ingest`)
  } catch {
    // It is there from another line.
  }
  const words = line.split(' ')
  const script = `
    eval "$(ingest completion bash)"
    compopt() { REPLY_OPTIONS="$*"; }
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
    COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
    _ingest
    printf '%s\\n' "\${COMPREPLY[@]}" "$REPLY_OPTIONS"`
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${cwd}/bin:${process.env['PATH'] ?? ''}` },
  })
  expect(stderr).toBe('')
  return stdout.split('\n').filter((text) => text !== '')
}

test('bash completes commands, options, their values, tables, and leaves files to itself', () => {
  const here = project({ tables: TABLES })
  const cwd = here.path('.')
  expect(offered('ingest trac', cwd)).toEqual(['tracker'])
  expect(offered('ingest tracker ex', cwd)).toEqual(['export'])
  expect(offered('ingest run --dr', cwd)).toEqual(['--dry-run'])
  expect(offered('ingest run --js', cwd)).toEqual(['--json'])
  expect(offered('ingest files --status f', cwd)).toEqual(['failed'])
  expect(offered('ingest run --tables ', cwd)).toEqual(['shop.orders', 'shop.items'])
  expect(offered('ingest run --tables = it', cwd)).toEqual(['items'])
  expect(offered('ingest run --tables shop.orders,shop.i', cwd)).toEqual(['shop.orders,shop.items'])
  expect(offered('ingest history ord', cwd)).toEqual(['orders'])
  expect(offered('ingest retry --tables items $(touch pwned)', cwd)).toEqual(['-o default'])
  expect(offered('ingest run --config ', cwd)).toEqual(['-o default'])
  expect(offered('ingest completion z', cwd)).toEqual(['zsh'])
})

test('without a config there are no tables to complete, and nothing else is said', async () => {
  for (const words of [
    ['history', ''],
    ['-c', '/none.yaml', 'run', '--tables', ''],
  ])
    expect(await ingest(['complete', '--', ...words])).toEqual({ code: 0, stdout: ':4\n', stderr: '' })
  expect(await ingest(['complete', '--', 'explain', ''])).toEqual({ code: 0, stdout: ':0\n', stderr: '' })
})

test('each shell has its script, and others are refused', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout, stderr } = await ingest(['completion', shell])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('ingest complete -- ')
  }
  expect((await ingest(['completion', 'tcsh'])).code).toBe(2)
  expect((await ingest(['--help'])).stdout).not.toMatch(/^ {2}complete /m)
})
