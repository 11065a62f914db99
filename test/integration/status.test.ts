import { expect, test } from 'vitest'
import type { ResourcesReport } from '../../src/model/resources-report.ts'
import type { StatusReport } from '../../src/model/status-report.ts'
import { project } from '../support/project.ts'

test('status tells lag, the last hour, recent files and causes; --resources small files and what to do about them', async () => {
  const here = project({
    tables: [{ table_name: 'orders', source_path_pattern: 'orders/*.csv', columns: { id: 'BIGINT' }, max_files_per_batch: 1 }],
  })
  for (const name of ['a', 'b', 'c']) here.write(`landing/orders/${name}.csv`, 'id\n1\n2\n')
  here.write('landing/orders/bad.csv', 'id\nx\n')
  await here.command(['run'])
  await here.command(['retry', '--all-failed'])
  const status = await here.json<StatusReport>(['status'])
  const [table] = status.tables
  expect(table).toMatchObject({ files: { pending: 1, held: 0, completed: 3, failed: 0 }, rows: 6, bytes: 21 })
  expect(table?.lag_seconds).toBeGreaterThanOrEqual(0)
  expect(table?.throughput.reduce((sum, minute) => sum + minute.rows, 0)).toBe(6)
  expect(status.recent.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed'])
  expect(status).toMatchObject({ activity: [], daemons: [], causes: [] })

  await here.command(['run'])
  expect((await here.json<StatusReport>(['status'])).causes).toMatchObject([
    { code: 'ING-FILE-VALUE', files: 1, tables: ['default.orders'] },
  ])

  const resources = await here.json<ResourcesReport>(['status', '--resources'])
  expect(resources.tables).toEqual([{ table: 'default.orders', small_files: 3, small_bytes: expect.any(Number), error: null }])
  expect(resources.cores).toMatchObject({ loads: 1 })
  expect(resources.memory).toMatchObject({ per_load: expect.any(Number), processes: [] })
  const { stdout } = await here.command(['status', '--resources'])
  expect(stdout).toContain('default.orders: 3 small files')
})
