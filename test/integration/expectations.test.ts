import { describe, expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { errorsOf, expecting, only, POSITIVE, warningsOf } from '../support/expecting.ts'
import type { Landing } from '../support/landing.ts'

const ROWS = 'id, amount'

const STRATEGIES = {
  append: {},
  overwrite: { loading_strategy: 'overwrite', snapshot_unit: 'batch' },
  merge: { loading_strategy: 'merge', primary_keys: ['id'] },
  scd2: { loading_strategy: 'scd2', primary_keys: ['id'] },
} as const

describe.each(Object.entries(STRATEGIES))('a rule about rows, %s', (_name, table) => {
  function landed(onViolation: string): Landing {
    const landing = expecting([{ ...POSITIVE, on_violation: onViolation }], table)
    landing.land('a.csv', 'id,amount\n1,10\n2,-5\n3,\n', 1)
    landing.land('b.csv', 'id,amount\n4,7\n', 2)
    return landing
  }

  test('warn: all rows are loaded and told of; null is no violation', async () => {
    const landing = landed('warn')
    const report = await landing.run()
    expect(only(report)).toMatchObject({
      status: 'warn',
      rows: { read: 4, loaded: 4, rejected: 0, filtered: 0 },
      expectations: [{ name: 'positive', on_violation: 'warn', checked: 4, violated: 1, files: 1 }],
    })
    expect(warningsOf(report)).toEqual([
      'ING-ROWS-EXPECTATION default.t: expectation positive: 1 row breaks positive (amount >= 0): a.csv line 3: amount = -5',
    ])
    expect(await landing.rows('count(*) as rows')).toEqual([{ rows: '4' }])
  })

  test('drop: the rows are filtered', async () => {
    const landing = landed('drop')
    expect(only(await landing.run())).toMatchObject({
      status: 'pass',
      rows: { read: 4, loaded: 3, rejected: 0, filtered: 1 },
      expectations: [{ checked: 4, violated: 1, files: 1 }],
    })
    expect(await landing.rows(ROWS)).toEqual([
      { id: '1', amount: '10' },
      { id: '3', amount: null },
      { id: '4', amount: '7' },
    ])
    expect((await landing.files()).map(({ rows_read, rows_loaded, rows_filtered }) => [rows_read, rows_loaded, rows_filtered])).toEqual([
      [3, 2, 1],
      [1, 1, 0],
    ])
  })

  test('quarantine: the rows are rejected under the name of the rule, whatever max_bad_rows says', async () => {
    const landing = landed('quarantine')
    expect(errorsOf(await landing.run())).toEqual([])
    expect((await landing.files()).map(({ rows_read, rows_loaded, rows_rejected }) => [rows_read, rows_loaded, rows_rejected])).toEqual([
      [3, 2, 1],
      [1, 1, 0],
    ])
    expect(await landing.rows('count(*) as rows')).toEqual([{ rows: '3' }])
    expect(
      await query(`select line, row_number, column_name, rule, reason, raw from read_parquet('${landing.table}__quarantine/**/*.parquet')`),
    ).toEqual([
      {
        line: '3',
        row_number: '2',
        column_name: 'amount',
        rule: 'positive',
        reason: 'amount >= 0 does not hold: amount = -5',
        raw: '2,-5',
      },
    ])
  })

  test('fail: the file fails with its first lines and values, and its neighbours load', async () => {
    const landing = landed('fail')
    const report = await landing.run()
    const [first] = errorsOf(report)
    expect(first).toBe('ING-FILE-EXPECTATION a.csv: 1 row of 3 breaks positive (amount >= 0): line 3: amount = -5')
    expect(only(report).expectations).toMatchObject([{ name: 'positive', on_violation: 'fail', violated: 1, files: 1 }])
    if (table === STRATEGIES.overwrite) {
      // A snapshot loads or fails as a whole.
      expect(await landing.states()).toEqual(['a.csv failed', 'b.csv failed'])
      return
    }
    expect(await landing.states()).toEqual(['a.csv failed', 'b.csv completed'])
    expect(only(report).expectations?.[0]?.checked).toBe(4)
    expect(await landing.rows(ROWS)).toEqual([{ id: '4', amount: '7' }])
  })
})

describe('rules about rows', () => {
  test('are checked together; a row that breaks several is counted by each, and the hardest of them decides', async () => {
    const landing = expecting([
      { name: 'known', check: 'amount is not null', on_violation: 'warn' },
      { name: 'small', check: 'amount < 100', on_violation: 'drop' },
      { name: 'even', check: 'amount % 2 = 0', on_violation: 'quarantine' },
      { name: 'not_13', check: 'amount <> 113', on_violation: 'quarantine' },
    ])
    landing.land('a.csv', 'id,amount\n1,10\n2,\n3,200\n4,301\n5,7\n6,113\n')
    const report = await landing.run()
    expect(only(report).expectations).toEqual([
      { name: 'known', on_violation: 'warn', checked: 6, violated: 1, files: 1 },
      { name: 'small', on_violation: 'drop', checked: 6, violated: 3, files: 1 },
      { name: 'even', on_violation: 'quarantine', checked: 6, violated: 3, files: 1 },
      { name: 'not_13', on_violation: 'quarantine', checked: 6, violated: 1, files: 1 },
    ])
    expect(only(report).rows).toMatchObject({ read: 6, loaded: 2, filtered: 1, rejected: 3 })
    expect(await landing.rows(ROWS)).toEqual([
      { id: '1', amount: '10' },
      { id: '2', amount: null },
    ])
    expect(
      await query(`select number, rule, reason from (select row_number as number, rule, reason from
        read_parquet('${landing.table}__quarantine/**/*.parquet')) order by 1`),
    ).toEqual([
      { number: '4', rule: 'even', reason: 'amount % 2 = 0 does not hold: amount = 301' },
      { number: '5', rule: 'even', reason: 'amount % 2 = 0 does not hold: amount = 7' },
      {
        number: '6',
        rule: 'even',
        reason: 'amount % 2 = 0 does not hold: amount = 113; amount <> 113 does not hold: amount = 113',
      },
    ])
  })

  test('look at the rows as the table gets them: transformed, renamed, with columns of files', async () => {
    const landing = expecting(
      [{ name: 'r', check: "total >= 2 and year = '2024' and parse_filename(_source_file) = 'a.csv'", on_violation: 'drop' }],
      {
        columns: {},
        source_path_pattern: '**/*.csv',
        transform: { sql: 'select id, amount * 2 as doubled, year from records' },
        rename_columns: { doubled: 'total' },
        path_columns: 'year=(?<year>\\d+)',
      },
    )
    landing.land('year=2024/a.csv', 'id,amount\n1,1\n2,0\n')
    landing.land('year=2023/a.csv', 'id,amount\n3,1\n')
    expect(errorsOf(await landing.run())).toEqual([])
    expect(await landing.rows('id, total')).toEqual([{ id: '1', total: '2' }])
  })

  test('a row that a rule cannot be computed for breaks it', async () => {
    const landing = expecting([{ name: 'code', check: 'code::int between 1 and 5', on_violation: 'fail' }], {
      columns: { code: 'VARCHAR' },
    })
    landing.land('a.csv', 'code\n1\nx\n7\n')
    expect(errorsOf(await landing.run())).toEqual([
      "ING-FILE-EXPECTATION a.csv: 2 rows of 3 break code (code::int between 1 and 5): line 3: code = 'x' (it cannot be computed); line 4: code = '7'",
    ])
  })

  test('rows that mean delete are not checked', async () => {
    const landing = expecting([{ name: 'named', check: 'amount is not null', on_violation: 'fail' }], {
      ...STRATEGIES.merge,
      columns: {},
      delete_when: "op = 'D'",
    })
    landing.land('a.csv', 'id,amount,op\n1,5,I\n2,6,I\n', 1)
    landing.land('b.csv', 'id,amount,op\n1,,D\n', 2)
    const report = await landing.run()
    expect(errorsOf(report)).toEqual([])
    expect(only(report).expectations).toMatchObject([{ checked: 2, violated: 0 }])
    expect(await landing.rows('id')).toEqual([{ id: '2' }])
  })

  test('values of masked columns are masked in what is told', async () => {
    const landing = expecting([{ name: 'short', check: 'length(email) < 3', on_violation: 'warn' }], {
      columns: {},
      mask: { email: 'redact' },
    })
    landing.land('a.csv', 'email\nann@example.org\n')
    expect(JSON.stringify(await landing.run())).not.toContain('ann@')
  })

  test('the guard, deduplication and constraints see the rows that are left', async () => {
    const landing = expecting([{ ...POSITIVE, on_violation: 'drop' }], { deduplicate: ['id'] })
    landing.land('a.csv', 'id,amount\n1,-1\n1,5\n1,6\n')
    expect(only(await landing.run()).rows).toMatchObject({ read: 3, loaded: 1, filtered: 1, deduplicated: 1 })
    expect(await landing.rows(ROWS)).toEqual([{ id: '1', amount: '5' }])
  })

  test('max_bad_rows counts rows that cannot be loaded, and not those that a rule rejects', async () => {
    const rows = 'id,amount\n1,x\n2,-2\n3,-3\n4,4\n'
    const landing = expecting([{ ...POSITIVE, on_violation: 'quarantine' }], { max_bad_rows: 1 })
    landing.land('a.csv', rows)
    expect(errorsOf(await landing.run())).toEqual([])
    expect((await landing.files())[0]).toMatchObject({ rows_read: 4, rows_loaded: 1, rows_rejected: 3 })
    landing.land('b.csv', `${rows}5,y\n`)
    expect(errorsOf(await landing.run())).toEqual([expect.stringMatching(/^ING-FILE-BAD-ROWS b\.csv: 2 of 5 rows cannot be loaded/)])
  })

  test('rows that tie are rejected among those that are left', async () => {
    const landing = expecting([{ ...POSITIVE, on_violation: 'drop' }], {
      ...STRATEGIES.merge,
      columns: {},
      sequence_by: 'at',
      when_tied: 'reject',
      max_bad_rows: 2,
    })
    landing.land('a.csv', 'id,amount,at\n1,1,1\n1,2,1\n2,-1,1\n2,5,1\n3,1,1\n')
    expect(only(await landing.run()).rows).toMatchObject({ read: 5, loaded: 2, rejected: 2, filtered: 1 })
    expect(await landing.rows(ROWS)).toEqual([
      { id: '2', amount: '5' },
      { id: '3', amount: '1' },
    ])
  })

  test('a file without rows breaks nothing', async () => {
    const landing = expecting(
      [
        { ...POSITIVE, on_violation: 'fail' },
        { unique: ['id'], on_violation: 'fail' },
      ],
      { columns: {} },
    )
    landing.land('a.csv', '')
    landing.land('b.csv', 'id,amount\n')
    expect(errorsOf(await landing.run())).toEqual([])
    expect(await landing.states()).toEqual(['a.csv completed', 'b.csv completed'])
  })
})

describe('rules about a batch', () => {
  test('unique: files with rows that are there twice are to blame; a null is like no other', async () => {
    const landing = expecting([{ unique: ['id'], on_violation: 'fail' }])
    landing.land('a.csv', 'id,amount\n1,10\n2,10\n,1\n,2\n', 1)
    landing.land('b.csv', 'id,amount\n2,11\n', 2)
    landing.land('c.csv', 'id,amount\n3,11\n', 3)
    const report = await landing.run()
    expect(errorsOf(report)).toEqual([
      'ING-FILE-EXPECTATION a.csv: 1 row has values of id that other rows of the batch have (unique_id): line 3: id = 2 (2 times)',
      'ING-FILE-EXPECTATION b.csv: 1 row has values of id that other rows of the batch have (unique_id): line 2: id = 2 (2 times)',
    ])
    expect(only(report).expectations).toEqual([{ name: 'unique_id', on_violation: 'fail', checked: 6, violated: 2, files: 2 }])
    expect(await landing.rows(ROWS)).toEqual([{ id: '3', amount: '11' }])
  })

  test('unique with warn tells of the rows and loads them; those that a rule about rows leaves out do not count', async () => {
    const landing = expecting([{ unique: ['id', 'amount'] }, { ...POSITIVE, on_violation: 'drop' }])
    landing.land('a.csv', 'id,amount\n1,10\n1,10\n2,-1\n2,-1\n')
    const report = await landing.run()
    expect(warningsOf(report)).toEqual([
      'ING-ROWS-EXPECTATION default.t: expectation unique_id_amount: 2 rows have values of id, amount that other rows of the batch have: a.csv line 2: id = 1, amount = 10 (2 times); a.csv line 3: id = 1, amount = 10 (2 times)',
    ])
    expect(only(report)).toMatchObject({ status: 'warn', rows: { loaded: 2, filtered: 2 } })
  })

  test('row_count of each file', async () => {
    const landing = expecting([{ row_count: { min: 2, max: 3 }, on_violation: 'fail' }])
    landing.land('a.csv', 'id,amount\n1,1\n', 1)
    landing.land('b.csv', 'id,amount\n2,1\n3,1\n', 2)
    landing.land('c.csv', 'id,amount\n', 3)
    landing.land('d.csv', 'id,amount\n4,1\n5,1\n6,1\n7,1\n', 4)
    const report = await landing.run()
    expect(errorsOf(report).toSorted()).toEqual([
      'ING-FILE-EXPECTATION a.csv: it has 1 row, and 2 to 3 are expected (row_count)',
      'ING-FILE-EXPECTATION c.csv: it has 0 rows, and 2 to 3 are expected (row_count)',
      'ING-FILE-EXPECTATION d.csv: it has 4 rows, and 2 to 3 are expected (row_count)',
    ])
    expect(only(report).expectations).toEqual([{ name: 'row_count', on_violation: 'fail', checked: 4, violated: 3, files: 3 }])
    expect(await landing.states()).toEqual(['a.csv failed', 'b.csv completed', 'c.csv failed', 'd.csv failed'])
  })

  test('row_count of the batch: all of its files are to blame', async () => {
    const landing = expecting([{ name: 'enough', row_count: { min: 4, per: 'batch' }, on_violation: 'fail' }])
    landing.land('a.csv', 'id,amount\n1,1\n', 1)
    landing.land('b.csv', 'id,amount\n2,1\n3,1\n', 2)
    const report = await landing.run()
    expect(errorsOf(report)).toEqual([
      'ING-FILE-EXPECTATION a.csv: the batch has 3 rows, and at least 4 are expected (enough)',
      'ING-FILE-EXPECTATION b.csv: the batch has 3 rows, and at least 4 are expected (enough)',
    ])
    expect(only(report)).toMatchObject({
      version: null,
      expectations: [{ name: 'enough', on_violation: 'fail', checked: 1, violated: 1, files: 2 }],
    })
    landing.land('c.csv', 'id,amount\n4,1\n', 3)
    await landing.use((ingest) => ingest.retry({}))
    expect(errorsOf(await landing.run())).toEqual([])
    expect(await landing.rows('count(*) as rows')).toEqual([{ rows: '4' }])
  })

  test('freshness: the newest value of the batch is not too old', async () => {
    const rules = [{ freshness: { column: 'at', max_age: '2 days' }, on_violation: 'fail' }]
    const old = expecting(rules, { columns: { at: 'TIMESTAMP' } })
    old.land('a.csv', 'at\n2024-01-01 00:00:00\n2024-01-02 00:00:00\n')
    expect(errorsOf(await old.run())[0]).toMatch(
      /^ING-FILE-EXPECTATION a\.csv: the newest at is 2024-01-02 00:00:00(\+00)?, and nothing older than \S+ is expected \(freshness_at\)$/,
    )
    const fresh = expecting(rules, { columns: { at: 'DATE' } })
    fresh.land('a.csv', 'at\n2024-01-01\n', 1)
    fresh.land('b.csv', `at\n${new Date().toISOString().slice(0, 10)}\n`, 2)
    expect(errorsOf(await fresh.run())).toEqual([])
    const unknown = expecting([{ freshness: { column: 'at', max_age: '2 days' } }], { columns: { at: 'DATE', id: 'BIGINT' } })
    unknown.land('a.csv', 'id,at\n1,\n')
    expect(warningsOf(await unknown.run())[0]).toContain('expectation freshness_at: at is null in all rows')
  })
})

describe('a rule that cannot be checked', () => {
  test.each([
    ['amount >', 'line 1, column 9: syntax error at its end'],
    ['amount >= 0\n  and nope > 1', 'line 2, column 7: Referenced column "nope" not found in FROM clause!'],
    ['amount > (select 1)', 'line 1, column 10: subquery is not possible here'],
    ['random() > 0.5', 'line 1, column 1: random is not possible here: it gives another value each time'],
    ["getenv('HOME') = 'x'", 'line 1, column 1: getenv is not possible here: it tells what is not in the rows'],
    ['sum(amount) > 1', 'line 1, column 1: WHERE clause cannot contain aggregates!'],
    ['row_number() over () > 1', 'line 1, column 1: window is not possible here'],
    ['amount', 'it is no condition: it gives BIGINT'],
    ['true) from t where (true', 'it is more than one condition'],
    ['__path is not null', 'line 1, column 1: Referenced column "__path" not found in FROM clause!'],
  ])('%j fails its table with its place', async (check, reason) => {
    const landing = expecting([{ name: 'wrong', check }])
    landing.land('a.csv', 'id,amount\n1,1\n')
    const [error] = errorsOf(await landing.run())
    expect(error).toMatch(/^ING-TABLE-EXPECTATION default\.t: expectation wrong: /)
    expect(error).toContain(reason)
    expect(await landing.states()).toEqual(['a.csv pending'])
  })

  test.each([
    [{ unique: ['nope'] }, 'expectation unique_nope: the table has no column nope'],
    [{ freshness: { column: 'amount', max_age: '1 day' } }, 'expectation freshness_amount: amount is BIGINT, and no date or timestamp'],
  ])('%j fails its table', async (rule, reason) => {
    const landing = expecting([rule])
    landing.land('a.csv', 'id,amount\n1,1\n')
    expect(errorsOf(await landing.run())).toEqual([`ING-TABLE-EXPECTATION default.t: ${reason}`])
  })
})
