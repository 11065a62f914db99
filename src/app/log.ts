import { appendFileSync } from 'node:fs'
import { type Logger, pino } from 'pino'
import type { ResolvedConfig } from '../config/config.ts'
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
    { write: (line: string) => write(format ? String(format(line)) : line) },
  )
}

function writer({ logFile }: ResolvedConfig, logTo: CreateOptions['logTo']): (line: string) => void {
  if (logFile !== null) return (line) => appendFileSync(logFile, line)
  return logTo ? (line) => logTo(line.replace(/\n$/, '')) : (line) => process.stderr.write(line)
}

/** What a pass does, as log lines with table, batch and file. */
export function logEvent(log: Logger, event: RunEvent): void {
  switch (event.kind) {
    case 'batchEnded': {
      const { table, batch, batchId, version, files, rows } = event
      log.debug(
        { table, batch, batch_id: batchId, version, files, rows },
        version === null ? 'batch ended without a commit' : 'batch committed',
      )
      break
    }
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
