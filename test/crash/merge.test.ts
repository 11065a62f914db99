import { expect, test } from 'vitest'
import { KEYED_FAILPOINTS, REMOVAL_FAILPOINTS } from '../../src/lib/failpoint.ts'
import type { PlacedProject } from '../support/places.ts'
import { campaignProject, crash, finish } from './campaign.ts'

const KEYS = 30
const FILES = 24

interface Event {
  readonly id: number
  readonly name: string
  readonly at: number
}

/** Events of a fixed pseudo-random history: each file has some, in no order of time. */
function events(file: number): readonly Event[] {
  return Array.from({ length: 8 }, (_, row) => {
    const mixed = (file * 7919 + row * 104_729) % 100_003
    return { id: mixed % KEYS, name: mixed % 5 === 0 ? 'gone' : `n${mixed}`, at: (mixed * 31) % 997 }
  })
}

function project(delta: Record<string, unknown>): PlacedProject {
  const made = campaignProject({
    retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
    tables: [
      {
        table_name: 'orders',
        source_path_pattern: '*.csv',
        loading_strategy: 'merge',
        primary_keys: ['id'],
        sequence_by: 'at',
        delete_when: "name = 'gone'",
        max_files_per_batch: 6,
        watch: { settle_seconds: 0 },
        delta: { checkpoint_interval: 2, ...delta },
      },
    ],
  })
  for (let file = 0; file < FILES; file += 1) land(made, `part-${String(file).padStart(2, '0')}.csv`, events(file))
  return made
}

function land(made: PlacedProject, name: string, rows: readonly Event[]): void {
  made.write(`landing/${name}`, `id,name,at\n${rows.map(({ id, name: text, at }) => `${id},${text},${at}\n`).join('')}`)
}

/** The newest event of each key, but for deletes. No two events of a key have one time. */
function expected(): readonly Event[] {
  const newest = new Map<number, Event>()
  for (let file = 0; file < FILES; file += 1)
    for (const event of events(file)) if ((newest.get(event.id)?.at ?? -1) < event.at) newest.set(event.id, event)
  return [...newest.values()].filter(({ name }) => name !== 'gone').toSorted((a, b) => a.id - b.id)
}

async function rows(made: PlacedProject): Promise<readonly Event[]> {
  return made.json<Event[]>(['query', 'select id, name, "at" from "default".orders order by id'])
}

/** Steps of a batch that concern a merge; the others are those of every load. */
const STEPS = [
  'after-plan',
  ...REMOVAL_FAILPOINTS,
  ...KEYED_FAILPOINTS,
  'after-stage',
  'after-manifest',
  'commit-before-link',
  'commit-after-link',
  'before-settle',
]

for (const [delta, steps] of [
  [{}, STEPS],
  [{ deletion_vectors: true, change_data_feed: true }, [...REMOVAL_FAILPOINTS, ...KEYED_FAILPOINTS, 'commit-after-link']],
] as const) {
  test.each(steps)(`merge, ${JSON.stringify(delta)}: a kill at %s leaves what a run without it leaves`, async (name) => {
    const made = project(delta)
    // In a later batch, where rows of the table go.
    await crash(made, { failpoint: `${name}:2` })
    await finish(made)
    expect(await rows(made)).toEqual(expected())
    // What was observed before the kill still counts: nothing that is late comes back.
    land(
      made,
      'late.csv',
      Array.from({ length: KEYS }, (_, id) => ({ id, name: 'late', at: 0 })),
    )
    await finish(made)
    const known = new Set(Array.from({ length: FILES }, (_, file) => events(file)).flatMap((of) => of.map(({ id }) => id)))
    expect((await rows(made)).filter(({ id }) => known.has(id))).toEqual(expected())
  })
}

test('the history has deletes that are the newest of their key', () => {
  const keys = new Set(expected().map(({ id }) => id))
  expect(keys.size).toBeLessThan(KEYS)
  expect(keys.size).toBeGreaterThan(KEYS / 2)
})
