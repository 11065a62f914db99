import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import { mirroredFolder } from '../../support/mirrored-folder.ts'
import { Bench, load, TRACKER } from './support.ts'

test.each(['s3://bucket', 's3a://bucket', 'https://host.example.com/bucket'])(
  'a live file of a remote table that the log names by %s is spared',
  async (root) => {
    await using bench = await Bench.make()
    const open = () => bench.open({}, (path) => mirroredFolder(path, bench.folder))
    await load(await open(), { batch: 1n, add: sql`select 1, 'a'` })
    const [live = ''] = readdirSync(bench.root).filter((name) => name.endsWith('.parquet'))
    const log = join(bench.root, '_delta_log', '00000000000000000000.json')
    writeFileSync(log, readFileSync(log, 'utf8').replace(`"path":"${live}"`, `"path":"${root}${bench.root}/${live}"`))
    for (const name of [live, 'orphan.parquet']) {
      if (name !== live) writeFileSync(join(bench.root, name), 'x')
      utimesSync(join(bench.root, name), 1, 1)
    }
    await using table = await open()
    const { paths } = await table.vacuum({ trackerId: TRACKER, retentionMs: null, force: false, dryRun: false })
    expect(paths).toEqual(['orphan.parquet'])
    expect(readdirSync(bench.root)).toContain(live)
    if (root.startsWith('s3')) expect(await bench.rowsOf(table)).toEqual(['{"id":1,"name":"a"}'])
    else await expect(bench.rowsOf(table)).rejects.toMatchObject({ code: 'ING-TABLE-DATA-FILE' })
  },
)

test('a remote table never reads files of this machine, whatever its log says', async () => {
  await using bench = await Bench.make()
  const open = () => bench.open({}, (path) => mirroredFolder(path, bench.folder))
  await load(await open(), { batch: 1n, add: sql`select 1, 'a'` })
  const [live = ''] = readdirSync(bench.root).filter((name) => name.endsWith('.parquet'))
  const log = join(bench.root, '_delta_log', '00000000000000000000.json')
  writeFileSync(log, readFileSync(log, 'utf8').replace(`"path":"${live}"`, `"path":"file://${bench.root}/${live}"`))
  await using table = await open()
  await expect(bench.rowsOf(table)).rejects.toMatchObject({ code: 'ING-TABLE-DATA-FILE' })
})
