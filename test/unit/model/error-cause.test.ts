import { expect, test } from 'vitest'
import { causesOf, type Failure, messageShape } from '../../../src/model/error-cause.ts'

test('failures that differ in file, line and value alone have one cause; the newest stands for them', () => {
  const causes = causesOf([
    failure('/in/a.csv', "/in/a.csv line 3: 'x' is no BIGINT (column amount)", '2026-01-01T00:00:00.000Z'),
    failure('/in/b.csv', "/in/b.csv line 1,204: 'it is' is no BIGINT (column amount)", '2026-01-03T00:00:00.000Z', 'shop.items'),
    failure('/in/c.csv', '/in/c.csv line 7: the row has 3 fields, expected 4', '2026-01-02T00:00:00.000Z'),
  ])
  expect(causes).toEqual([
    {
      code: 'ING-FILE-VALUE',
      meaning: 'A value does not fit the type of its column.',
      remedy: expect.stringContaining('set the type under columns'),
      message: 'FILE line N: … is no BIGINT (column amount)',
      files: 2,
      tables: ['shop.items', 'shop.orders'],
      last_at: '2026-01-03T00:00:00.000Z',
      example: { file: '/in/b.csv', table: 'shop.items', message: "/in/b.csv line 1,204: 'it is' is no BIGINT (column amount)" },
    },
    expect.objectContaining({ message: 'FILE line N: the row has N fields, expected N', files: 1 }),
  ])
})

test('the same message under another code is another cause, and other paths are left out of it', () => {
  const one = failure('/in/a.csv', 'cannot read /mnt/x y: EIO', null)
  expect(causesOf([one, { ...one, error_code: 'ING-STORAGE' }]).map(({ code }) => code)).toEqual(['ING-FILE-VALUE', 'ING-STORAGE'])
  expect(messageShape(one)).toBe('cannot read PATH y: EIO')
  expect(messageShape({ ...one, error_message: null })).toBe('')
})

function failure(path: string, message: string, at: string | null, table = 'shop.orders'): Failure {
  return { table_name: table, file_path: path, error_code: 'ING-FILE-VALUE', error_message: message, failed_at: at }
}
