import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type HttpOptions, startHttp } from '../../../src/http/server.ts'
import type { StatusReport, TableDetail, TableState } from '../../../src/model/status-report.ts'
import { launchBrowser } from '../../support/browser.ts'

const AT = '2026-01-01T12:00:00.000Z'
/** What a name must not become. */
const HOSTILE = `/in/<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'&amp; %3Cb%3E #?.csv`

const STATE: TableState = {
  table: 'shop.orders',
  strategy: 'append',
  target: '/tables/shop/orders',
  paused: false,
  files: { pending: 12, held: 1, processing: 3, completed: 1_234_567, failed: 2, skipped: 4 },
  rows: 98_765_432,
  rows_rejected: 7,
  bytes: 5_000_000_000,
  last_loaded_at: '2026-01-01T11:58:00.000Z',
  last_error: `${HOSTILE} line 3: no JSON`,
  lag_seconds: 90,
  next_attempt_at: null,
  clean_ups: { due: 1234, failed: 2, last_error: HOSTILE, next_attempt_at: null },
  last_listed_at: '2026-01-01T11:59:50.000Z',
  listing_error: null,
  next_run_at: '2026-01-01T12:05:00.000Z',
  throughput: [
    { minute: '2026-01-01T11:30:00.000Z', files: 3, rows: 500, bytes: 1 },
    { minute: '2026-01-01T11:59:00.000Z', files: 3, rows: 1000, bytes: 1 },
  ],
}
const ACTIVITY: StatusReport['activity'] = [
  {
    owner: 'h:1:x',
    table_name: 'shop.orders',
    stage: 'loading',
    batch_id: 'b',
    files: 10,
    files_done: 4,
    bytes: 100,
    bytes_done: 40,
    rows: 1000,
    fraction: 0.4,
    started_at: AT,
    updated_at: AT,
  },
]
const RECENT: StatusReport['recent'] = [
  { file: HOSTILE, table: 'shop.orders', status: 'failed', rows: null, bytes: 2048, at: '2026-01-01T11:59:30.000Z', why: 'ING-FILE-JSON' },
  { file: '/in/good.csv', table: 'shop.orders', status: 'completed', rows: 10, bytes: 100, at: AT, why: null },
]
const CAUSES: StatusReport['causes'] = [
  {
    code: 'ING-FILE-JSON',
    meaning: 'The text is not valid JSON.',
    remedy: 'Mend the line, then retry.',
    message: 'line …: no JSON',
    files: 2,
    tables: ['shop.orders'],
    last_at: AT,
    example: { file: HOSTILE, table: 'shop.orders', message: `${HOSTILE} line 3: no JSON` },
  },
]
const DAEMON = {
  owner: 'h:1:x',
  pid: 1,
  host: 'box',
  version: '1.2.3',
  started_at: '2026-01-01T09:00:00.000Z',
  heartbeat_at: AT,
  http: null,
  state: 'running',
} as const
const STATUS: StatusReport = {
  at: AT,
  tables: [STATE, { ...STATE, table: '<b>odd</b>.table', paused: true, throughput: [] }],
  activity: ACTIVITY,
  daemons: [DAEMON],
  recent: RECENT,
  causes: CAUSES,
}
const DETAIL: TableDetail = {
  state: STATE,
  activity: [],
  batches: [
    {
      batch: 7,
      status: 'committed',
      version: 6,
      files: 3,
      rows: 1000,
      started_at: '2026-01-01T11:59:00.000Z',
      ended_at: '2026-01-01T11:59:02.500Z',
    },
  ],
  recent: RECENT,
  causes: [],
}

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser.close())

describe('the page', () => {
  test('shows tables, what is at work, errors, recent files; names are text, and the policy is kept', async () => {
    const { page, problems } = await opened()
    await page.waitForSelector('table')
    const text = await page.textContent('main')
    for (const part of [
      'shop.orders',
      '<b>odd</b>.table',
      'paused',
      '1,234,567',
      '98,765,432',
      '2 min',
      'in 5 min',
      'loading',
      '4 of 10',
      '12 (1 held)',
      'ING-FILE-JSON',
      'Mend the line, then retry.',
      '2 tables, 2,469,134 files loaded, 197,530,864 rows, 10.0 GB',
    ])
      expect(text).toContain(part)
    expect(text).toContain('1.2.3 on box, running for 3 h')
    expect(text).toContain(HOSTILE)
    expect(await page.locator('main img, main script, main b').count()).toBe(0)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    expect(await page.locator('svg.spark rect').count()).toBe(2)
    expect(await page.locator('progress').getAttribute('value')).toBe('0.4')
    expect(problems).toEqual([])
  })

  test('every link leads on: a table, a hostile file, a search and back', async () => {
    const { page, problems, asked } = await opened()
    await page.click('a:text-is("shop.orders")')
    await page.waitForSelector('h2:has-text("Batches")')
    expect(await page.textContent('main')).toContain('committed')
    expect(await page.textContent('main')).toContain('2.5 s')
    expect(await page.textContent('main')).toContain(`1,234 due, 2 failed (${HOSTILE})`)
    await page.click(`a:text-is(${JSON.stringify(HOSTILE)})`)
    await page.waitForSelector('h2:has-text("History")')
    expect(await page.textContent('main')).toContain('no JSON')
    expect(await page.textContent('main')).toContain('<i>rule</i>')
    expect(asked.find((url) => url.startsWith('/api/explain'))).toContain(new URLSearchParams({ file: HOSTILE }).toString())
    await page.fill('input[name=search]', 'a b%')
    await page.press('input[name=search]', 'Enter')
    await page.waitForSelector('h2:has-text("Files with “a b%”")')
    expect(asked.find((url) => url.startsWith('/api/search'))).toContain('text=a+b%25')
    await page.click('h1 a')
    await page.waitForSelector('h2:has-text("Recent files")')
    expect(problems).toEqual([])
  })

  test('refreshes by itself, without losing what is being typed', async () => {
    let rows = 1
    const { page } = await opened({ status: async () => ({ ...STATUS, tables: [{ ...STATE, rows: rows++ }] }) })
    await page.fill('input[name=search]', 'half a wo')
    // The sixth number of a table is its rows.
    await expect.poll(() => page.locator('td.number').nth(5).textContent(), { timeout: 10_000 }).toBe('2')
    expect(await page.inputValue('input[name=search]')).toBe('half a wo')
    expect(await page.evaluate('document.activeElement.name')).toBe('search')
  })

  test('a daemon that goes away leaves what was true last, and a word', async () => {
    const { page, close } = await opened()
    await page.waitForSelector('table')
    await close()
    await page.waitForSelector('[role=alert]', { timeout: 10_000 })
    expect(await page.textContent('[role=alert]')).toContain('the daemon does not answer')
    expect(await page.textContent('main')).toContain('shop.orders')
  })

  test('asks for the token, also when a wrong one was given', async () => {
    const { page, problems } = await opened({}, { token: 'right' })
    await page.fill('input[name=token]', 'wrong')
    await page.press('input[name=token]', 'Enter')
    await expect.poll(() => page.inputValue('input[name=token]')).toBe('')
    await page.fill('input[name=token]', 'right')
    await page.press('input[name=token]', 'Enter')
    await page.waitForSelector('table')
    expect(await page.textContent('main')).toContain('shop.orders')
    expect(page.url()).not.toContain('right')
    expect(problems.filter((problem) => !problem.includes('401'))).toEqual([])
  })

  test.each([
    [360, 'light'],
    [360, 'dark'],
    [1280, 'light'],
    [1280, 'dark'],
  ] as const)('fits a width of %i in %s', async (width, colorScheme) => {
    const { page } = await opened({}, {}, { viewport: { width, height: 800 }, colorScheme })
    await page.waitForSelector('table')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(20, 23, 22)' : 'rgb(253, 253, 252)')
  })
})

type Documents = HttpOptions['sources']['documents']

async function opened(documents: Documents = {}, options: Partial<HttpOptions> = {}, context: BrowserContextOptions = {}) {
  const asked: string[] = []
  const server = await startHttp({
    host: '127.0.0.1',
    port: 0,
    token: null,
    onError: () => {},
    ...options,
    sources: {
      alive: () => ({ alive: true, turned_seconds_ago: 0 }),
      ready: async () => ({ ready: true, reasons: [] }),
      metrics: null,
      documents: {
        status: async () => STATUS,
        table: async () => DETAIL,
        search: async () => RECENT,
        explain: async () => [
          {
            file: HOSTILE,
            table: 'shop.orders',
            status: 'failed',
            verdict: 'not_loaded',
            steps: [{ check: 'not failed', passed: false, detail: `${HOSTILE}: no JSON` }],
            expectations: [{ at: AT, batch_id: 'b', name: '<i>rule</i>', on_violation: 'warn', violated: 3 }],
            history: [{ at: AT, from: 'processing', to: 'failed', version: 'v', batch_id: 'b', reason: 'no JSON' }],
          },
        ],
        ...documents,
      },
    },
  })
  const close = async () => server[Symbol.asyncDispose]()
  onTestFinished(close)
  const window = await browser.newContext(context)
  onTestFinished(() => window.close())
  const page: Page = await window.newPage()
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('request', (request) => {
    const { pathname, search, host } = new URL(request.url())
    asked.push(pathname + search)
    if (host !== new URL(server.url).host) problems.push(`another host: ${host}`)
  })
  await page.goto(server.url)
  return { page, problems, asked, close }
}
