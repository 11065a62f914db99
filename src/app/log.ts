import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Logger, pino } from 'pino'
import type { ResolvedConfig } from '../config/config.ts'
import { redactUrl } from '../errors/redact.ts'
import type { BatchFigures } from '../model/batch-figures.ts'
import type { RunEvent } from '../model/report.ts'
import type { CreateOptions } from './ingest.ts'

export type { Logger }

/** Lines to stderr, or to `log_file`: JSON, or for a person on a terminal plain text. Never to stdout, which has the results. */
export async function createLogger(
  config: ResolvedConfig,
  { logTo, logLevel }: Pick<CreateOptions, 'logTo' | 'logLevel'>,
): Promise<Logger> {
  const level = (logLevel ?? config.logLevel).toLowerCase()
  const person = config.logFile === null && process.stderr.isTTY === true
  const plain = config.logFormat === 'pretty' || (config.logFormat === 'auto' && person)
  const format = plain
    ? (await import('pino-pretty')).prettyFactory({
        colorize: person && process.stderr.hasColors(),
        ignore: 'pid,hostname',
        translateTime: 'UTC:HH:MM:ss',
        singleLine: true,
      })
    : undefined
  const write = writer(config, logTo)
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => write(redactUrl(format ? String(format(line)) : line)) },
  )
}

function writer({ logFile }: ResolvedConfig, logTo: CreateOptions['logTo']): (line: string) => void {
  if (logFile !== null) return fileWriter(logFile)
  return logTo ? (line) => logTo(line.replace(/\n$/, '')) : (line) => process.stderr.write(line)
}

/**
 * Each line opens the file anew: it may be moved away at any time (logrotate), and no signal is needed. A log that cannot be written
 * stops no load: its lines go to stderr until it can be written again.
 */
function fileWriter(file: string): (line: string) => void {
  // Its folder is made before the first line, and again where it is gone.
  let isLost = true
  let isTold = false
  return (line) => {
    try {
      if (isLost) mkdirSync(dirname(file), { recursive: true })
      appendFileSync(file, line)
      isLost = false
      isTold = false
    } catch (error) {
      if (!isTold) process.stderr.write(`cannot write log_file: ${error instanceof Error ? error.message : String(error)}\n`)
      isLost = true
      isTold = true
      process.stderr.write(line)
    }
  }
}

/** What a pass does, as log lines with table, batch and file. */
export function logEvent(log: Logger, event: RunEvent): void {
  switch (event.kind) {
    case 'batchEnded': {
      const { table, batch, batchId, version, files, figures } = event
      log.info(
        { table, batch, batch_id: batchId, version, files, rows: figures?.rows, bytes: figures?.bytes, ms: rounded(figures?.stages) },
        version === null ? 'batch ended without a commit' : 'batch committed',
      )
      break
    }
    case 'batchFailed':
      log.warn({ table: event.table, batch: event.batch, batch_id: event.batchId, code: event.code }, 'batch failed')
      break
    case 'retried':
      log.info({ table: event.table, files: event.files }, 'failed files are tried again')
      break
    case 'waiting':
      log.info({ table: event.table, files: event.files, ms: Math.round(event.ms) }, 'waiting for files to settle')
      break
    case 'tableEnded': {
      const { table, status, version, files, rows, seconds, errors, warnings } = event.report
      for (const error of errors) log.error({ table, file: error.file, code: error.code, hint: error.hint }, error.message)
      for (const warning of warnings) log.warn({ table, file: warning.file, code: warning.code }, warning.message)
      log.info({ table, status, version, files: files.loaded, failed: files.failed, rows: rows.loaded, seconds }, 'table ended')
      break
    }
    default:
      log.trace(event, event.kind)
  }
}

function rounded(stages: BatchFigures['stages'] = {}): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(stages).map(([stage, ms]) => [stage, Math.round(ms)]))
}
