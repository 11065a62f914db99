import { expect, test } from 'vitest'
import type { ExplainReport, RunReport } from '../../src/model/report.ts'
import type { StatusReport } from '../../src/model/status-report.ts'
import { project } from '../support/project.ts'

const TABLES = ['a', 'b'].map((name) => ({ table_name: name, source_path_pattern: `${name}/*.csv`, watch: { settle_seconds: 0 } }))

test('a paused table is passed over by every run but one that names it, until it is resumed', async () => {
  const here = project({ tables: TABLES })
  here.write('landing/a/1.csv', 'x\n1\n')
  here.write('landing/b/1.csv', 'x\n1\n')
  const paused = await here.command(['pause', '--tables', 'a'])
  expect(paused.stdout).toBe('Paused: default.a.\n')
  const first = await here.json<RunReport>(['run'])
  expect(first.tables[0]).toMatchObject({ status: 'skip', reason: 'paused (ingest resume --tables default.a)', files: { loaded: 0 } })
  expect(first.tables[1]).toMatchObject({ status: 'pass', files: { loaded: 1 } })
  expect((await here.json<StatusReport>(['status'])).tables.map((table) => table.paused)).toEqual([true, false])
  const [explained] = await here.json<readonly ExplainReport[]>(['explain', 'a/1.csv']).then((one) => [one].flat() as ExplainReport[])
  expect(explained).toMatchObject({ verdict: 'not_loaded' })
  expect(explained?.steps.at(-1)).toEqual({
    check: 'not_paused',
    passed: false,
    detail: 'its table is paused; it waits for: ingest resume',
  })
  expect((await here.json<RunReport>(['run', '--dry-run'])).tables[0]?.status).toBe('skip')
  expect((await here.json<RunReport>(['run', '--tables', 'a'])).tables[0]).toMatchObject({ status: 'pass', files: { loaded: 1 } })
  expect(await here.json(['resume'])).toEqual({ tables: ['default.a'] })
  expect((await here.command(['resume'])).stdout).toBe('No table was paused.\n')
  here.write('landing/a/2.csv', 'x\n2\n')
  expect((await here.json<RunReport>(['run'])).totals).toMatchObject({ pass: 2, skip: 0, files: 1 })
})

test('a table that the config lacks cannot be paused', async () => {
  const here = project({ tables: TABLES })
  const { code, stderr } = await here.command(['pause', '--tables', 'c'])
  expect(code).toBe(2)
  expect(stderr).toContain('[ING-CONFIG-TABLE-UNKNOWN]')
})
