import { test } from 'vitest'
import { chaos } from './chaos.support.ts'

const SECONDS = Number(process.env['INGEST_TEST_CHAOS_SECONDS'] ?? '600')
const SEED = Number(process.env['INGEST_TEST_SEED'] ?? '7')

test(
  `files stream in for ${SECONDS} s, processes are killed and disks fill up; in the end every row is there once (seed ${SEED})`,
  () => chaos({ seconds: SECONDS, seed: SEED }),
  (SECONDS + 600) * 1000,
)
