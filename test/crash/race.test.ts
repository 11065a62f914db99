import { test } from 'vitest'
import { race } from './race.support.ts'

const SECONDS = Number(process.env['INGEST_TEST_RACE_SECONDS'] ?? '20')
const PROCESSES = 4

test(`${PROCESSES} processes and delta-rs write and compact one table for ${SECONDS} s under kills: every row is there once`, () =>
  race({ seconds: SECONDS, processes: PROCESSES, atLeast: 2 }))
