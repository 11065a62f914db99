import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ingest, scratch } from './ingest.ts'

const CONFIG = `raw_data_path: ./landing
checkpoint_path: ./state
processed_data_path: ./lake
defaults: { watch: { settle_seconds: 0 } }
tables:
  - { table_name: orders, source_path_pattern: "*.csv", max_bad_rows: 5, columns: { id: BIGINT, amount: DOUBLE } }
`

describe('rows in quarantine', () => {
  const folder = scratch({ 'ingest.yaml': CONFIG, 'landing/a.csv': 'id,amount\n1,1\n2,x\n3,y\n4,z\n' })
  const call = (...args: string[]) => ingest(args, { cwd: folder.path })
  beforeAll(async () => {
    await call('run')
  })
  afterAll(() => folder[Symbol.dispose]())

  test('are listed, exported, mended and taken back in, or discarded', async () => {
    const listed = await call('quarantine', 'list')
    expect(listed.stdout).toMatch(/^ID +LINE +RULE +REASON +RAW +FILE\ndefault\.orders\/1-1 +3 +type +'x' is not a DOUBLE +2,x +.*a\.csv\n/)
    const rows = JSON.parse((await call('quarantine', 'list', '--json', '--file', 'a.csv', '--limit', '2')).stdout)
    expect(rows).toMatchObject([
      { id: 'default.orders/1-1', raw: '2,x' },
      { id: 'default.orders/1-2', raw: '3,y' },
    ])
    const exported = await call('quarantine', 'export', '--output', 'mend.csv')
    expect(exported.stdout).toBe('3 rows written to mend.csv: mend the column raw, then: ingest quarantine resubmit mend.csv\n')
    writeFileSync(join(folder.path, 'mend.csv'), 'id,raw\ndefault.orders/1-1,"2,2"\ndefault.orders/1-2,"3,still"\n')
    const resubmitted = await call('quarantine', 'resubmit', 'mend.csv')
    expect(resubmitted).toMatchObject({ code: 0, stdout: 'default.orders: 1 of 2 rows loaded, 1 still in quarantine (version 1).\n' })
    const again = await call('quarantine', 'resubmit', 'mend.csv', '--json')
    expect(again.code).toBe(2)
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'ING-QUARANTINE-UNKNOWN' } })
    const discarded = await call('quarantine', 'discard', '--id', 'default.orders/1-3', '--yes')
    expect(discarded).toMatchObject({ code: 0, stdout: 'default.orders: 1 row of 1 file discarded.\n' })
    expect(JSON.parse((await call('quarantine', 'discard', '--all', '--yes', '--json')).stdout)).toEqual([
      { table: 'default.orders', rows: 1, files: 1 },
    ])
    expect((await call('quarantine', 'list', '--json')).stdout).toBe('[]\n')
    expect((await call('explain', 'a.csv')).stdout).toContain('2 rows, batch')
  })

  test('a command line that leaves open what is meant is refused', async () => {
    expect(await call('quarantine', 'discard', '--yes')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('which rows shall be discarded?'),
    })
    expect(await call('quarantine', 'discard', '--all')).toMatchObject({ code: 2, stderr: expect.stringContaining('add --yes') })
    expect(await call('quarantine', 'resubmit')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ingest quarantine resubmit --help'),
    })
    expect(await call('quarantine', 'resubmit', 'none.csv')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no file none.csv'),
    })
    expect(await call('quarantine', 'mend')).toMatchObject({ code: 2, stderr: expect.stringContaining('unknown command') })
  })
})
