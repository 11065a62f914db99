import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createLogger, logEvent } from '../../../src/app/log.ts'
import type { ResolvedConfig } from '../../../src/config/config.ts'

test('a log file that was moved away is begun anew, without a signal', async () => {
  const file = join(folder(), 'deep/ingest.log')
  const log = await logger({ logFile: file })
  log.info('one')
  renameSync(file, `${file}.1`)
  log.info('two')
  expect(messages(`${file}.1`)).toEqual(['one'])
  expect(messages(file)).toEqual(['two'])
})

test('lines of a log that cannot be written go to stderr, with a word, until it can be', async () => {
  const file = join(folder(), 'ingest.log')
  mkdirSync(file)
  const said: string[] = []
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0)
  onTestFinished(() => spy.mockRestore())
  const log = await logger({ logFile: file })
  log.info('one')
  log.info('two')
  rmSync(file, { recursive: true })
  log.info('three')
  expect(said[0]).toContain('cannot write log_file: EISDIR')
  expect(said.slice(1).map((line) => JSON.parse(line).msg)).toEqual(['one', 'two'])
  expect(messages(file)).toEqual(['three'])
})

test('nothing that grants access gets into a line, wherever it stands', async () => {
  const lines: string[] = []
  const log = await logger({ logFile: null }, (line) => lines.push(line))
  log.warn({ url: 'postgres://u:secret1@h/d', nested: { text: 'AccountKey=secret2;x' } }, 'https://h/f?sig=secret3')
  expect(lines.join('')).not.toMatch(/secret\d/)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ url: 'postgres://***@h/d', msg: 'https://h/f?sig=***' })
})

test('a batch is logged with its ids, rows and whole milliseconds', async () => {
  const lines: string[] = []
  const log = await logger({ logFile: null }, (line) => lines.push(line))
  const rows = { read: 1, loaded: 1, rejected: 0, filtered: 0, deduplicated: 0 }
  const files = { completed: 1, failed: 0, skipped: 0, held: 0, released: 0 }
  const figures = { files, rows, bytes: 9, givenUp: false, stages: { write: 1.6 }, lagsMs: [5], expectations: [] }
  logEvent(log, { kind: 'batchEnded', table: 'a.b', batch: 3, batchId: 'id', version: 2, files: 1, rows: 1, figures })
  logEvent(log, { kind: 'batchFailed', table: 'a.b', batch: 4, batchId: 'other', code: 'ING-ENGINE-CRASH' })
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ table: 'a.b', batch: 3, batch_id: 'id', version: 2, rows, ms: { write: 2 } })
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ level: 40, batch_id: 'other', code: 'ING-ENGINE-CRASH' })
})

async function logger(config: Pick<ResolvedConfig, 'logFile'>, logTo?: (line: string) => void) {
  return createLogger({ logLevel: 'INFO', logFormat: 'json', ...config } as ResolvedConfig, { logTo })
}

function messages(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg)
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'ingestd-log-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}
