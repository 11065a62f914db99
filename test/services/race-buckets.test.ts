import { expect, test } from 'vitest'
import { race } from '../crash/race.support.ts'
import { openPlace, stopPlacesAfterAll } from '../support/places.ts'

const SECONDS = Number(process.env['INGEST_TEST_RACE_SECONDS'] ?? '3')
const PROCESSES = 2
const PLACES = ['s3', ...(process.env['INGEST_TEST_EVERYWHERE'] === '1' ? ['azure', 's3-tables+postgres'] : [])]

stopPlacesAfterAll()

// Conditional puts decide here who makes a version, where a link does on a disk. The writers of others are not installed everywhere:
// INGEST_TEST_PYTHON names a Python that has delta-rs.
test.skipIf(process.env['INGEST_TEST_PYTHON'] === undefined).each(PLACES)(
  `${PROCESSES} processes and delta-rs write one table on %s under kills: every row is there once`,
  async (name) => {
    const place = await openPlace(name)
    expect(place.tables).not.toBeNull()
    await race({ seconds: SECONDS, processes: PROCESSES, atLeast: 1 }, place)
  },
)
