import { expect, test } from 'vitest'
import { differenceLines } from '../../../src/cli/report/difference.ts'

const plain = { bold: String, dim: String, red: String, green: String, yellow: String, cyan: String } as unknown as Parameters<
  typeof differenceLines
>[1]

test('a difference names rows with a sign and columns before and after', () => {
  const lines = differenceLines(
    {
      inserted: { rows: 7, samples: [{ id: 1, name: 'a' }] },
      updated: { rows: 1, samples: [{ key: { id: 2 }, changes: { name: { before: 'b', after: null } } }] },
      deleted: { rows: 1, samples: [{ id: 3, name: 'x'.repeat(100) }] },
      closed: null,
      opened: { rows: 0, samples: [] },
    },
    plain,
  )
  expect(lines).toEqual([
    '    inserted  7 rows',
    '      + id=1 name=a',
    '      … and 6 more',
    '    updated   1 row',
    '      ~ id=2  name: b → null',
    '    deleted   1 row',
    `      - id=3 name=${'x'.repeat(59)}…`,
  ])
})
