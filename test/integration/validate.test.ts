import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'
import { activeFiles, logActions } from '../support/project.ts'

const SCD2 = { loading_strategy: 'scd2', primary_keys: ['id'], sequence_by: 'at' }
const FILE = { file_format: 'parquet', source_path_pattern: '*.parquet', audit_columns: false }

/** Rows as another writer left them: the table is made by append, as it stands. */
async function left(landing: Landing, rows: string, columns: string): Promise<void> {
  landing.land('x.parquet', '')
  await query(`copy (select * from (values ${rows}) as t(${columns})) to '${landing.path('landing/x.parquet')}' (format parquet)`)
  await landing.run({}, { loading_strategy: 'append', primary_keys: [], sequence_by: null })
}

function validate(landing: Landing, options: Record<string, unknown> = {}, changes: Record<string, unknown> = {}) {
  return landing.use((ingest) => ingest.validate('t', options), changes)
}

const HISTORY = 'id, name, "at", effective_date, end_date, is_current, _sequence'

/** One table with every fault, one fault a key. */
const BROKEN = [
  "(1::bigint, 'good', 1::bigint, 1::bigint, 3::bigint, false, 's')",
  "(1, 'good', 3, 3, null, true, 's')",
  "(2, 'overlaps', 1, 1, 4, false, 's'), (2, 'next', 3, 3, null, true, 's')",
  "(3, 'gap', 1, 1, 2, false, 's'), (3, 'next', 3, 3, null, true, 's')",
  "(4, 'open', 1, 1, null, true, 's'), (4, 'current', 3, 3, null, true, 's')",
  "(5, 'ends before', 5, 5, 2, false, 's')",
  "(6, 'flag', 1, 1, null, false, 's')",
  "(7, 'twice', 1, 1, null, true, 'a'), (7, 'newer', 1, 1, null, true, 'b')",
  "(null, 'no key', 1, 1, null, true, 's')",
  "(8, 'no start', 4, null, null, true, 's')",
].join(', ')

const MENDED = [
  '1 1 3 false good',
  '1 3 null true good',
  '2 1 3 false overlaps',
  '2 3 null true next',
  '3 1 3 false gap',
  '3 3 null true next',
  '4 1 3 false open',
  '4 3 null true current',
  '5 5 null true ends before',
  '6 1 null true flag',
  '7 1 null true newer',
  '8 4 null true no start',
]

async function versions(landing: Landing): Promise<readonly string[]> {
  const rows: string[] = []
  await landing.use((ingest) =>
    ingest.query(
      `select concat_ws(' ', id, effective_date, coalesce(end_date::varchar, 'null'), is_current, name) from "default".t order by all`,
      async ({ chunks }) => {
        for await (const chunk of chunks) rows.push(...chunk.map(([text]) => String(text)))
      },
    ),
  )
  return rows
}

describe('validate', () => {
  test('finds every fault of a history, with its row', async () => {
    const landing = new Landing({ ...SCD2, ...FILE })
    await left(landing, BROKEN, HISTORY)
    const report = await validate(landing)
    expect(report).toMatchObject({ table: 'default.t', version: 0, rows: 14, ok: false, repair: null })
    const found = report.findings.map(({ problem, row }) => `${problem} ${(row as { name: string }).name}`)
    expect(found.toSorted()).toEqual(
      [
        'overlap overlaps',
        'gap gap',
        'overlap open',
        'several_current open',
        'several_current current',
        'end_before_start ends before',
        'wrong_flag flag',
        'duplicate_version twice',
        'duplicate_version newer',
        'several_current twice',
        'several_current newer',
        'null_key no key',
        'no_start no start',
      ].toSorted(),
    )
    expect(await validate(landing, {}, { delete_when: 'name is null' })).toMatchObject({
      problems: expect.not.arrayContaining([expect.objectContaining({ problem: 'gap' })]),
    })
  })

  test.for([[{}], [{ delta: { deletion_vectors: true } }], [{ output_format: 'parquet' }]] as const)(
    '--repair mends them in one commit that is no batch: %j',
    async ([changes]) => {
      const landing = new Landing({ ...SCD2, ...FILE, ...changes })
      await left(landing, BROKEN, HISTORY)
      const foreseen = await validate(landing, { repair: true, dryRun: true })
      expect(foreseen).toMatchObject({ ok: false, repair: { dry_run: true, removed: 8, added: 6, version: null } })
      expect(logActions(landing.table).at(-1)?.version).toBe(0)
      expect(await validate(landing, { repair: true })).toMatchObject({
        ok: true,
        repair: { dry_run: false, removed: 8, added: 6, version: 1 },
      })
      expect(await versions(landing)).toEqual(MENDED)
      expect(await validate(landing)).toMatchObject({ ok: true, problems: [], rows: 12 })
      expect(logActions(landing.table).filter(({ version, action }) => version === 1 && action['txn'] !== undefined)).toEqual([])
      landing.land('9.parquet', '')
      await query(
        `copy (select 6::bigint as id, 'later' as name, 9::bigint as "at") to '${landing.path('landing/9.parquet')}' (format parquet)`,
      )
      expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass', rows: { updated: 1 } })
      expect((await versions(landing)).filter((text) => text.startsWith('6'))).toEqual(['6 1 9 false flag', '6 9 null true later'])
    },
  )

  test('of a merge table it finds keys that are null or there twice, and keeps the newest', async () => {
    const landing = new Landing({ loading_strategy: 'merge', primary_keys: ['id'], sequence_by: 'at', ...FILE })
    await left(
      landing,
      "(1::bigint, 'a', 1::bigint, 's'), (1, 'b', 2, 's'), (null, 'c', 1, 's'), (2, 'd', 1, 's')",
      'id, name, "at", _sequence',
    )
    const report = await validate(landing, { repair: true })
    expect(report.problems).toEqual([
      { problem: 'duplicate_key', rows: 2 },
      { problem: 'null_key', rows: 1 },
    ])
    expect(report).toMatchObject({ ok: true, repair: { removed: 2, added: 0 } })
    expect(await landing.rows('id, name')).toEqual([
      { id: '1', name: 'b' },
      { id: '2', name: 'd' },
    ])
  })

  test('a table without keys, and one without the columns of its strategy, are refused', async () => {
    const landing = new Landing({ ...FILE })
    await left(landing, '(1)', 'id')
    await expect(validate(landing)).rejects.toMatchObject({ code: 'ING-CONFIG-COMBINATION' })
    await expect(validate(landing, {}, SCD2)).rejects.toMatchObject({ code: 'ING-TABLE-KEYS' })
  })

  test('a table that is not there yet, and one without faults', async () => {
    const landing = new Landing(SCD2)
    expect(await validate(landing)).toMatchObject({ version: null, ok: true })
    landing.land('1.csv', 'id,name,at\n1,a,1\n1,b,2\n')
    await landing.run()
    expect(await validate(landing, { repair: true })).toMatchObject({ ok: true, rows: 2, repair: null, version: 0 })
    expect(existsSync(landing.table)).toBe(true)
    expect(activeFiles(landing.table)).toHaveLength(1)
  })
})
