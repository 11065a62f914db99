import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StatusReport } from '../../src/model/status-report.ts'
import { Project } from '../support/project.ts'
import { Terminal } from './tmux.ts'

const BIG = { columns: 120, rows: 30 }

let here: Project
beforeAll(async () => {
  const table = { database_name: 'shop', file_format: 'csv' }
  here = new Project({
    tables: [
      { ...table, table_name: 'orders', source_path_pattern: 'orders/*.csv', columns: { id: 'BIGINT' } },
      { ...table, table_name: 'items', source_path_pattern: 'items/*.csv' },
    ],
  })
  here.write('landing/orders/good.csv', 'id\n1\n2\n')
  here.write('landing/orders/bad.csv', 'id\nx\n')
  here.write('landing/items/items.csv', 'name\na\n')
  await here.run(['run'])
})
afterAll(() => here.remove())

test('every view, and back to where it began', async () => {
  using terminal = new Terminal(['status'], here.folder, BIG)
  const tables = await terminal.shows('› shop.orders', 'shop.items', 'good.csv', '(no daemon)')
  // The screen belongs to the dashboard, and nothing of a former frame is left.
  expect(tables.split('\n')[0]).toMatch(/^ingestd {2}tables/)
  expect(tables.match(/ingestd {2}tables/g)).toHaveLength(1)
  terminal.press('Enter')
  await terminal.shows('ingestd  shop.orders', '1 loaded  0 pending', '1 failed', 'committed', 'ING-FILE-VALUE')
  terminal.press('Escape')
  await terminal.shows('› shop.orders')
  terminal.press('Down')
  await terminal.shows('› shop.items')
  terminal.press('e')
  await terminal.shows('errors by cause', '› 1      ING-FILE-VALUE')
  terminal.press('Enter')
  await terminal.shows('WHAT TO DO', 'bad.csv')
  terminal.press('Enter')
  await terminal.shows('ingestd  file', 'not_failed', 'HISTORY')
  terminal.press('t', 'f')
  await terminal.shows('recent files', '› ')
  terminal.press('/')
  terminal.type('GOOD')
  await terminal.shows('search: GOOD')
  terminal.press('Enter')
  await terminal.shows('files with "GOOD"', '› completed')
  terminal.press('?')
  await terminal.shows('Keys', 'optimize the table')
  terminal.press('q', 'q')
  expect(await terminal.shows('exit 0')).not.toContain('ingestd  ')
})

test('each change is asked for, and done once it is confirmed', async () => {
  using terminal = new Terminal(['status'], here.folder, BIG)
  await terminal.shows('› shop.orders')
  terminal.press('p')
  await terminal.shows('pause shop.orders? [y/n]')
  terminal.press('n')
  await terminal.shows('nothing was changed')
  terminal.press('p', 'y')
  await terminal.shows('paused shop.orders')
  expect((await status()).tables[0]).toMatchObject({ paused: true })
  terminal.press('u', 'y')
  await terminal.shows('resumed shop.orders')
  terminal.press('r')
  await terminal.shows('retry all failed files of shop.orders? [y/n]')
  terminal.press('y')
  await terminal.shows('1 file will be loaded by the next run')
  expect((await status()).tables[0]?.files).toMatchObject({ pending: 1, failed: 0 })
  terminal.press('a', 'y')
  await terminal.shows('approved 0 files')
  terminal.press('s', 'y')
  await terminal.shows('skipped 1 file')
  terminal.press('o', 'y')
  await terminal.shows('shop.orders: nothing to optimize')
  expect((await status()).tables[0]?.files).toMatchObject({ pending: 0, failed: 0, skipped: 1 })
  terminal.press('q')
  await terminal.shows('exit 0')
})

test('narrow, wide and without colours', async () => {
  using terminal = new Terminal(['status'], here.folder, { columns: 60, rows: 16 }, { NO_COLOR: '1' })
  const narrow = await terminal.shows('› shop.orders', 'PENDING', 'LOADED')
  expect(narrow.split('\n')).toHaveLength(15)
  expect(terminal.screen(true)).not.toContain('\u001b')
  terminal.resize({ columns: 200, rows: 40 })
  const wide = await terminal.shows('LAST LOADED', 'SKIPPED', 'LAST HOUR')
  expect(wide.match(/ingestd {2}tables/g)).toHaveLength(1)
  terminal.resize({ columns: 60, rows: 12 })
  await terminal.shows('› shop.orders')
  terminal.press('C-c')
  await terminal.shows('exit 0')
})

test('--watch prints again and again', async () => {
  using terminal = new Terminal(['status', '--watch', '--interval', '1'], here.folder, BIG)
  const first = (await terminal.shows('shop.items   append')).split('\n')[0] ?? ''
  expect(first).toMatch(/^\d{4}-/)
  await expect.poll(() => terminal.screen().split('\n')[0], { timeout: 10_000 }).not.toBe(first)
  terminal.press('C-c')
  await terminal.shows('exit 130')
})

async function status(): Promise<StatusReport> {
  return here.json<StatusReport>(['status'])
}
