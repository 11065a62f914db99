import { writeFileSync } from 'node:fs'
import BetterSqlite from 'better-sqlite3'
import type { QuarantinedRow } from 'ingestd'
import { describe, expect, test } from 'vitest'
import { errorsOf, expecting, only, POSITIVE } from '../support/expecting.ts'
import type { Landing } from '../support/landing.ts'

/** Leaves nothing in a tracker but its id. */
async function emptied(file: string): Promise<void> {
  const database = new BetterSqlite(file)
  try {
    const names = database.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'").pluck().all()
    for (const name of names.map(String)) if (!/_meta$|_migrations(_lock)?$/.test(name)) database.prepare(`delete from "${name}"`).run()
  } finally {
    database.close()
  }
}

describe('what rules found', () => {
  test('is kept with the batch and the file, and told by history and explain', async () => {
    const landing = expecting([
      { ...POSITIVE, on_violation: 'drop' },
      { name: 'small', check: 'amount < 100', on_violation: 'fail' },
    ])
    const first = landing.land('a.csv', 'id,amount\n1,-1\n2,-2\n3,5\n', 1)
    const second = landing.land('b.csv', 'id,amount\n1,500\n', 2)
    await landing.run()
    const [version] = await landing.use((ingest) => ingest.history('t'))
    expect(version?.expectations).toEqual([
      { name: 'positive', on_violation: 'drop', checked: 4, violated: 2, files: 1 },
      { name: 'small', on_violation: 'fail', checked: 4, violated: 1, files: 1 },
    ])
    const [dropped] = await landing.use((ingest) => ingest.explain(first))
    expect(dropped?.expectations).toMatchObject([{ name: 'positive', on_violation: 'drop', violated: 2, batch_id: version?.batch_id }])
    const [failed] = await landing.use((ingest) => ingest.explain(second))
    expect(failed?.expectations).toMatchObject([{ name: 'small', on_violation: 'fail', violated: 1, batch_id: version?.batch_id }])
  })

  test('is there again when the tracker is made anew from the table', async () => {
    const landing = expecting([{ ...POSITIVE, on_violation: 'warn' }])
    const file = landing.land('a.csv', 'id,amount\n1,-1\n2,-2\n3,5\n', 1)
    await landing.run()
    const tracker = landing.path('state/metadata.db')
    // The tracker as it was before the batch: nothing but its id.
    await emptied(tracker)
    expect(errorsOf(await landing.run())).toEqual([])
    const [told] = await landing.use((ingest) => ingest.explain(file))
    expect(told?.expectations).toMatchObject([{ name: 'positive', on_violation: 'warn', violated: 2 }])
    const [version] = await landing.use((ingest) => ingest.history('t'))
    expect(version?.expectations).toEqual([{ name: 'positive', on_violation: 'warn', checked: 3, violated: 2, files: 1 }])
  })
})

describe('mended rows', () => {
  test('are checked by rules about rows, and not by those about a batch', async () => {
    const landing = expecting([
      { ...POSITIVE, on_violation: 'quarantine' },
      { name: 'small', check: 'amount < 100', on_violation: 'fail' },
      { row_count: { min: 3 }, on_violation: 'fail' },
    ])
    landing.land('a.csv', 'id,amount\n1,10\n2,-5\n3,-6\n4,1\n5,1\n')
    await landing.run()
    const file = landing.path('mended.csv')
    const resubmit = (rows: string) => {
      writeFileSync(file, `id,raw\n${rows}`)
      return landing.use((ingest) => ingest.resubmit(file))
    }
    expect(await resubmit('default.t/1-1,"2,5"\ndefault.t/1-2,"3,-7"\n')).toMatchObject([
      { rows: { resubmitted: 2, loaded: 1, rejected: 1 } },
    ])
    expect(await landing.rows('id, amount')).toHaveLength(4)
    const [left] = await landing.use(async (ingest) => {
      const rows: QuarantinedRow[] = []
      for await (const row of ingest.quarantined()) rows.push(row)
      return rows
    })
    expect(left).toMatchObject({ rule: 'positive', reason: 'amount >= 0 does not hold: amount = -7', raw: '3,-7', line: 4 })
    await expect(resubmit(`${left?.id},"3,700"\n`)).rejects.toThrow('1 row of 1 breaks small (amount < 100)')
    expect(await landing.rows('id, amount')).toHaveLength(4)
  })
})

describe('check', () => {
  async function checked(landing: Landing): Promise<readonly string[]> {
    const { checks } = await landing.use((ingest) => ingest.check())
    return checks.filter(({ check }) => check === 'expectations').map(({ ok, detail }) => `${ok} ${detail}`)
  }

  test('refuses wrong SQL with its line and column, before there is a table', async () => {
    expect(await checked(expecting([{ name: 'wrong', check: 'amount >= 0\n  and amount > > 1' }]))).toEqual([
      'false default.t: expectation wrong: line 2, column 16: syntax error at or near ">"',
    ])
    expect(await checked(expecting([POSITIVE, { unique: ['id'] }]))).toEqual(['true positive, unique_id'])
  })

  test('names a column that the table lacks', async () => {
    const landing = expecting([])
    landing.land('a.csv', 'id,amount\n1,1\n')
    await landing.run()
    const rules = { expectations: [{ name: 'typo', check: 'id > 0 and amuont >= 0' }] }
    const { checks } = await landing.use((ingest) => ingest.check(), rules)
    expect(checks.filter(({ ok }) => !ok).map(({ detail }) => detail)).toEqual([
      'default.t: expectation typo: line 1, column 12: Referenced column "amuont" not found in FROM clause!',
    ])
  })
})

describe('a dry run', () => {
  test('counts by rules and changes nothing', async () => {
    const landing = expecting([
      { ...POSITIVE, on_violation: 'quarantine' },
      { name: 'small', check: 'amount < 5', on_violation: 'fail' },
    ])
    landing.land('a.csv', 'id,amount\n1,-1\n2,1\n')
    landing.land('b.csv', 'id,amount\n1,8\n')
    const report = await landing.run({ dryRun: true, verbose: true })
    expect(only(report).expectations).toEqual([
      { name: 'positive', on_violation: 'quarantine', checked: 3, violated: 1, files: 1 },
      { name: 'small', on_violation: 'fail', checked: 3, violated: 1, files: 1 },
    ])
    expect(errorsOf(report)).toEqual(['ING-FILE-EXPECTATION b.csv: 1 row of 1 breaks small (amount < 5): line 2: amount = 8'])
    expect(only(report).rows).toMatchObject({ read: 2, loaded: 1, rejected: 1 })
    expect(await landing.files()).toEqual([])
  })

  test('tells of a rule that cannot be checked without counting rows', async () => {
    const landing = expecting([{ name: 'wrong', check: 'nope > 1' }])
    landing.land('a.csv', 'id,amount\n1,-1\n')
    expect(errorsOf(await landing.run({ dryRun: true }))[0]).toContain('Referenced column "nope" not found')
  })
})
