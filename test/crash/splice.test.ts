import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SPLICE_FAILPOINTS } from '../../src/lib/failpoint.ts'
import { campaignProject, crash, finish } from './campaign.ts'

/** Rows of some row groups that are large enough to be copied. */
const ROWS = 260_000

test.each([...SPLICE_FAILPOINTS, 'after-removal', 'after-manifest', 'commit-before-link', 'commit-after-link'])(
  'a kill at %s of a merge that copies row groups leaves what a run without it leaves',
  async (name) => {
    const table = { table_name: 'orders', source_path_pattern: '*.csv', loading_strategy: 'merge', primary_keys: ['id'], sequence_by: 'v' }
    const made = campaignProject({
      retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
      tables: [{ ...table, watch: { settle_seconds: 0 }, delta: { optimize: 'off' } }],
    })
    const lines = Array.from({ length: ROWS }, (_, row) => `${row},${createHash('md5').update(String(row)).digest('hex')},1\n`)
    made.write('landing/1.csv', `id,name,v\n${lines.join('')}`)
    await finish(made)
    made.write('landing/2.csv', 'id,name,v\n7,seven,2\n8,eight,2\n')
    expect(await crash(made, { failpoint: name })).toBe(true)
    await finish(made)
    const query = `select count(*) as n, count(distinct id) as ids, count(*) filter (v = 2) as newer, string_agg(name, ' ' order by id) filter (v = 2) as names,
      count(distinct name) as values from "default".orders`
    expect(await made.json(['query', query])).toEqual([{ n: ROWS, ids: ROWS, newer: 2, names: 'seven eight', values: ROWS }])
    const stage = join(await made.table('orders'), '_ingestd/stage')
    expect(existsSync(stage) ? readdirSync(stage) : []).toEqual([])
  },
)
