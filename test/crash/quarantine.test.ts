import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import type { PlacedProject } from '../support/places.ts'
import { activeFiles } from '../support/project.ts'
import { campaignProject, crash, expectSoundLog } from './campaign.ts'

const FILES = 6

/** Files of three rows in batches of two; the second row of each has no key. */
function fresh(): PlacedProject {
  const made = campaignProject({
    retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
    tables: [
      {
        table_name: 't',
        source_path_pattern: '*.csv',
        loading_strategy: 'merge',
        primary_keys: ['id'],
        max_bad_rows: 1,
        max_files_per_batch: 2,
        watch: { settle_seconds: 0 },
        delta: { checkpoint_interval: 2 },
      },
    ],
  })
  for (let file = 0; file < FILES; file += 1) made.write(`landing/${file}.csv`, `id,name\n${file * 3},a\n,b\n${file * 3 + 2},c\n`)
  return made
}

async function finish(made: PlacedProject): Promise<void> {
  // What a dead batch left in the quarantine is removed by the first recovery after a later batch.
  for (let pass = 0; pass < 2; pass += 1) {
    const { code, stdout, stderr } = await made.command(['run', '--json'])
    if (code !== 0) throw new Error(`the run after the crash ended with ${code}: ${stdout} ${stderr}`)
  }
}

interface Row {
  readonly id: string
  readonly file: string
  readonly row_number: number
}

async function inQuarantine(made: PlacedProject): Promise<readonly string[]> {
  const rows = await made.json<Row[]>(['quarantine', 'list'])
  return rows.map(({ file, row_number: row }) => `${file.slice(-5)} ${row}`)
}

/** As a reader of Delta sees the folder. */
async function stored(made: PlacedProject): Promise<readonly string[]> {
  const files = activeFiles(await made.table('t__quarantine'))
  const rows = await query(`select right(_source_file, 5) || ' ' || row_number as place from read_parquet(${list(files)}) order by all`)
  return rows.map((row) => String(row['place']))
}

async function keys(made: PlacedProject): Promise<readonly number[]> {
  const rows = await query(`select id from read_parquet(${list(activeFiles(await made.table('t')))}) order by id`)
  return rows.map((row) => Number(row['id']))
}

async function counts(made: PlacedProject): Promise<readonly string[]> {
  const files = await made.json<{ status: string; rows_loaded: number; rows_rejected: number }[]>(['files'])
  return files.map((file) => `${file.status} ${file.rows_loaded} + ${file.rows_rejected}`)
}

const LOADED = Array.from({ length: FILES }, (_, file) => [file * 3, file * 3 + 2]).flat()
const REJECTED = Array.from({ length: FILES }, (_, file) => `${file}.csv 2`)

/** Every row is in the table or in quarantine, once, and the tracker says so. */
async function expectWhole(made: PlacedProject): Promise<void> {
  expect(await keys(made)).toEqual(LOADED)
  expect(await inQuarantine(made)).toEqual(REJECTED)
  expect(await stored(made)).toEqual(REJECTED)
  expect(await counts(made)).toEqual(Array(FILES).fill('completed 2 + 1'))
  expectSoundLog(await made.table('t'))
  expectSoundLog(await made.table('t__quarantine'))
}

// The log entry of the quarantine comes first, and that of the table second.
const STEPS = [
  'after-stage:1',
  'after-stage-rejects:1',
  'after-manifest:1',
  'commit-before-link:1',
  'commit-after-link:1',
  'after-quarantine:1',
  'commit-before-link:2',
  'commit-after-link:2',
  'after-commit:1',
  'before-settle:1',
  'after-settle:1',
  // The second batch finds both tables there.
  'after-quarantine:2',
  'commit-after-link:4',
  'checkpoint-before-pointer:1',
  'after-checkpoint:1',
] as const

test.each(STEPS)('a load that is killed at %s loses no rejected row and doubles none', async (failpoint) => {
  const made = fresh()
  expect(await crash(made, { failpoint })).toBe(true)
  await finish(made)
  await expectWhole(made)
})

test('rows of a batch that never reached the table are ignored before they are removed', async () => {
  const made = fresh()
  expect(await crash(made, { failpoint: 'after-quarantine:2' })).toBe(true)
  expect(await stored(made)).toEqual(REJECTED.slice(0, 4))
  expect(await inQuarantine(made)).toEqual(REJECTED.slice(0, 2))
  await finish(made)
  await expectWhole(made)
})

test.each(['repair-after-stage', 'repair-after-publish', 'repair-after-commit'])(
  'a recovery that is killed at %s while it removes them is gone on with',
  async (failpoint) => {
    const made = fresh()
    expect(await crash(made, { failpoint: 'after-quarantine:1' })).toBe(true)
    expect((await made.command(['run', '--json'])).code).toBe(0)
    expect(await crash(made, { failpoint })).toBe(true)
    await finish(made)
    await finish(made)
    await expectWhole(made)
  },
)

test('a load process that dies alone between the two commits costs one attempt', async () => {
  const made = fresh()
  await made.run(['run', '--json'], { INGEST_FAILPOINT: 'child:after-quarantine:2' })
  await finish(made)
  await expectWhole(made)
})

test('a tracker restored from half-way rejects nothing twice', async () => {
  const made = fresh()
  expect(await crash(made, { failpoint: 'after-settle:1' })).toBe(true)
  const restore = await made.backup()
  await finish(made)
  await restore()
  await finish(made)
  await expectWhole(made)
})

test('a tracker restored from before a quarantine whose batch never came rejects nothing twice', async () => {
  const made = fresh()
  expect(await crash(made, { failpoint: 'after-claim:2' })).toBe(true)
  const restore = await made.backup()
  expect(await crash(made, { failpoint: 'after-quarantine:1' })).toBe(true)
  await restore()
  await finish(made)
  await expectWhole(made)
})

/** All rejected rows with a key; the last of them without one still. */
async function mended(made: PlacedProject): Promise<string> {
  const rows = await made.json<Row[]>(['quarantine', 'list'])
  const path = made.path('mended.ndjson')
  const records = rows.map(({ id }, index) => ({ id, raw: `${index === FILES - 1 ? '' : index * 3 + 1},mended` }))
  writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  return path
}

async function expectMended(made: PlacedProject): Promise<void> {
  expect(await keys(made)).toEqual(Array.from({ length: FILES * 3 }, (_, id) => id).filter((id) => id !== FILES * 3 - 2))
  expect(await inQuarantine(made)).toEqual(REJECTED.slice(-1))
  expect(await counts(made)).toEqual([...Array(FILES - 1).fill('completed 3 + 0'), 'completed 2 + 1'])
  expectSoundLog(await made.table('t'))
}

const RESUBMIT_STEPS = [
  ['after-claim', false],
  ['after-stage', false],
  ['after-stage-rejects', false],
  ['after-manifest', false],
  ['commit-after-link:1', false],
  ['after-quarantine', false],
  ['commit-before-link:2', false],
  ['commit-after-link:2', true],
  ['after-commit', true],
  ['before-settle', true],
  ['after-settle', true],
] as const

test.each(RESUBMIT_STEPS)('a resubmission that is killed at %s is wholly there or not at all: %s', async (failpoint, isThere) => {
  const made = fresh()
  await finish(made)
  const path = await mended(made)
  const killed = await made.run(['quarantine', 'resubmit', path, '--json'], { INGEST_FAILPOINT: failpoint })
  expect(killed.signal).toBe('SIGKILL')
  // Before anything is recovered the log alone decides.
  expect(await inQuarantine(made)).toEqual(isThere ? REJECTED.slice(-1) : REJECTED)
  const again = await made.command(['quarantine', 'resubmit', path, '--json'])
  expect(again.code).toBe(isThere ? 2 : 0)
  if (isThere) expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'ING-QUARANTINE-UNKNOWN' } })
  await finish(made)
  await expectMended(made)
})

test('a tracker restored from before a resubmission counts its rows once', async () => {
  const made = fresh()
  await finish(made)
  const restore = await made.backup()
  expect((await made.command(['quarantine', 'resubmit', await mended(made)])).code).toBe(0)
  await restore()
  await finish(made)
  await expectMended(made)
})
