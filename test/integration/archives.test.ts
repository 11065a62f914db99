import { expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'
import { zipOf } from '../support/zip.ts'

const csv = (rows: string, name = 'a.csv') => ({ name, content: `id,name\n${rows}` })

test('an archive is one file: its members load together, and it is named as their source', async () => {
  const landing = new Landing({ source_path_pattern: '*.csv{,.zip,.bz2}', metadata_columns: ['_file_member', '_file_row_number'] })
  landing.land('plain.csv', 'id,name\n1,a\n', 1)
  landing.land('orders.csv.zip', zipOf([csv('2,b\n3,c\n'), csv('4,d\n', 'b.csv'), { name: 'c.csv', content: 'id,city\n5,e\n' }]), 2)
  landing.land('day.csv.bz2', Buffer.from('QlpoOTFBWSZTWTzrUGMAAAXZgAAQAAQwACYjAGAgACKMm0HqEDQNBYUpXDBw7ou5IpwoSB51qDGA', 'base64'), 3)
  const report = await landing.run()
  expect(report.tables[0]?.errors).toEqual([])
  const rows = await landing.rows(
    "id, name, city, _file_member as m, _file_row_number::int as n, split_part(_source_file, '/', -1) as source",
  )
  const of = (id: string) => rows.filter((row) => row['id'] === id)
  expect(of('4')).toEqual([{ id: '4', name: 'd', city: null, m: 'b.csv', n: 3, source: 'orders.csv.zip' }])
  expect(of('5')).toEqual([{ id: '5', name: null, city: 'e', m: 'c.csv', n: 1, source: 'orders.csv.zip' }])
  expect(of('1').map(({ m, source }) => [m, source])).toEqual([
    [null, 'plain.csv'],
    [null, 'day.csv.bz2'],
  ])
  expect((await landing.files()).map(({ status, rows_read, rows_loaded }) => [status, Number(rows_read), Number(rows_loaded)])).toEqual([
    ['completed', 2, 2],
    ['completed', 4, 4],
    ['completed', 1, 1],
  ])
  expect((await landing.run()).tables[0]?.files.loaded).toBe(0)
})

test('a member that does not fit fails its archive, and nothing of it is loaded', async () => {
  const landing = new Landing({ source_path_pattern: '*.zip', file_format: 'csv', columns: { id: 'BIGINT', name: 'VARCHAR' } })
  landing.land('good.zip', zipOf([csv('1,a\n')]), 1)
  landing.land('bad.zip', zipOf([csv('2,b\n'), csv('x,c\n', 'b.csv'), { name: 'c.csv', content: 'id,more\n3,e\n' }]), 2)
  await landing.run()
  expect(await landing.rows('id, name')).toEqual([{ id: '1', name: 'a' }])
  expect((await landing.files()).map(({ status, error_message }) => [status, error_message])).toEqual([
    ['failed', `${landing.path('landing/bad.zip')}!b.csv line 2, column id: 'x' is not a BIGINT`],
    ['completed', null],
  ])
})

test.each(['merge', 'overwrite', 'scd2'])('%s takes the members of an archive, of one kind and of several', async (strategy) => {
  const keyed = strategy === 'overwrite' ? {} : { primary_keys: ['id'] }
  const landing = new Landing({ source_path_pattern: '*.zip', file_format: 'csv', loading_strategy: strategy, ...keyed })
  landing.land('a.zip', zipOf([csv('1,a\n2,b\n'), { name: 'c.csv', content: 'id,name,city\n3,c,X\n' }]), 1)
  await landing.run()
  landing.land('b.zip', zipOf([csv('1,z\n'), csv('2,y\n', 'b.csv'), { name: 'c.csv', content: 'id,city,name\n3,Y,c\n' }]), 2)
  const report = await landing.run()
  expect(report.tables[0]?.errors).toEqual([])
  const rows = await landing.rows(strategy === 'scd2' ? 'id, name, city, is_current' : 'id, name, city')
  const current = rows.filter((row) => row['is_current'] !== false).map(({ id, name, city }) => [id, name, city])
  expect(current.toSorted()).toEqual([
    ['1', 'z', null],
    ['2', 'y', null],
    ['3', 'c', 'Y'],
  ])
})

test('a dry run reads archives too', async () => {
  const landing = new Landing({ source_path_pattern: '*.zip', file_format: 'csv' })
  landing.land('a.zip', zipOf([csv('1,a\n')]))
  const report = await landing.run({ dryRun: true })
  expect(report.tables[0]).toMatchObject({ errors: [], files: { loaded: 1 } })
})
