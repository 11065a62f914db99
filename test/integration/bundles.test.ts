import { readFileSync, writeFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'
import { bench } from '../unit/formats/bench.ts'

/** How a file with the records `a,b` of a number may be written; `together` tells whether it can be read together with others. */
const KINDS: readonly { readonly kind: string; readonly together: boolean; readonly text: (n: number) => string }[] = [
  { kind: 'plain', together: true, text: (n) => `a,b\n${n},x\n${n},y\n${n},\n` },
  { kind: 'unended', together: true, text: (n) => `a,b\n${n},x\n${n},ü€😀` },
  { kind: 'crlf', together: true, text: (n) => `a,b\r\n${n},x\r\n${n},"y"\r\n` },
  { kind: 'quoted', together: true, text: (n) => `a,b\n${n},"x, ""y"""\n"${n}",""\n${n},"""z"\n` },
  { kind: 'reordered', together: true, text: (n) => `b,a\nx,${n}\ny,${n}\n` },
  { kind: 'line-in-quotes', together: false, text: (n) => `a,b\n${n},"x\ny"\n${n},z\n` },
  { kind: 'blank-line', together: false, text: (n) => `a,b\n${n},x\n\n${n},y\n` },
  { kind: 'quote-within', together: false, text: (n) => `a,b\n${n},x"y\n${n},z\n` },
  { kind: 'quoted-header', together: false, text: (n) => `"a",b\n${n},x\n` },
  { kind: 'header-alone', together: false, text: () => 'a,b\n' },
]

const RECORDS: Readonly<Record<string, readonly (string | null)[]>> = {
  plain: ['x', 'y', null],
  unended: ['x', 'ü€😀'],
  crlf: ['x', 'y'],
  quoted: ['x, "y"', '', '"z'],
  reordered: ['x', 'y'],
  'line-in-quotes': ['x\ny', 'z'],
  'blank-line': ['x', 'y'],
  'quote-within': ['x"y', 'z'],
  'quoted-header': ['x'],
  'header-alone': [],
}

const EACH = 70
const options = { file_format: 'csv', format_options: { delimiter: ',', header: true } }
const byRow = (one: string, other: string) => (one < other ? -1 : 1)

function landAll(land: (name: string, text: string) => unknown): readonly string[] {
  const rows: string[] = []
  for (const [index, { kind, text }] of KINDS.entries()) {
    for (let one = 0; one < EACH; one += 1) {
      const n = index * EACH + one
      land(`${kind}-${one}.csv`, text(n))
      rows.push(...(RECORDS[kind] ?? []).map((b) => JSON.stringify([n, b, `${kind}-${one}.csv`])))
    }
  }
  return rows.toSorted(byRow)
}

describe('small CSV files that are read together', () => {
  test('give the rows that each gives alone, with their file', async () => {
    const land = new Landing({ ...options, columns: { a: 'BIGINT', b: 'VARCHAR' } })
    const wanted = landAll((name, text) => land.land(name, text))
    const [table] = (await land.run()).tables
    expect(table?.errors).toEqual([])
    expect(table?.files.loaded).toBe(KINDS.length * EACH)
    const rows = await land.rows(`a, b, regexp_extract(_source_file, '[^/]*$') as file`)
    expect(rows.map(({ a, b, file }) => JSON.stringify([Number(a), b, file])).toSorted(byRow)).toEqual(wanted)
    const counts = new Map((await land.files()).map((file) => [file.file_path.split('/').at(-1), file.rows_loaded]))
    for (const { kind } of KINDS) expect([kind, counts.get(`${kind}-7.csv`)]).toEqual([kind, RECORDS[kind]?.length])
  })

  test('are those whose line ends are all ends of records', async () => {
    const csv = await bench('csv')
    landAll((name, text) => csv.land(name, text))
    for (let one = 0; one < EACH; one += 1) csv.land(`mixed-ends-${one}.csv`, `a,b\r\n${one},x\r\n${one},y\n`)
    const { groups } = await csv.inspect()
    const kindOf = (path: string) => path.replace(/^.*\/(.*)-\d+\.csv$/, '$1')
    const together = new Set(
      groups.filter(({ bundle }) => bundle !== undefined).flatMap(({ files }) => files.map(({ path }) => kindOf(path))),
    )
    const alone = new Set(groups.filter(({ bundle }) => bundle === undefined).flatMap(({ files }) => files.map(({ path }) => kindOf(path))))
    expect([...together].toSorted(byRow)).toEqual(KINDS.flatMap(({ kind, together: is }) => (is ? [kind] : [])).toSorted(byRow))
    expect([...alone].toSorted(byRow)).toEqual(
      ['mixed-ends', ...KINDS.flatMap(({ kind, together: is }) => (is ? [] : [kind]))].toSorted(byRow),
    )
  })

  test('are read one by one when one of them does not fit, which alone fails', async () => {
    const land = new Landing({ ...options, columns: { a: 'BIGINT', b: 'VARCHAR' } })
    for (let one = 0; one < EACH; one += 1) land.land(`${one}.csv`, `a,b\n${one},x\n${one === 33 ? 'many' : one},y\n`)
    land.land('short.csv', 'a,b\n1\n')
    const [table] = (await land.run()).tables
    expect(table?.files).toMatchObject({ loaded: EACH - 1, failed: 2 })
    expect(table?.errors.map(({ message }) => message).join('\n')).toMatch(/33\.csv[\s\S]*line 3, column a: 'many'/)
    expect((await land.rows('a')).length).toBe(2 * (EACH - 1))
  })

  test('are read one by one when they give other rows than were counted', async () => {
    const land = new Landing({ ...options, columns: { a: 'BIGINT', b: 'VARCHAR' }, loading_strategy: './strategy.mjs' })
    // A strategy makes its plan when the files were put together, and before they are read.
    writeFileSync(
      land.path('strategy.mjs'),
      `import { readdirSync, appendFileSync } from 'node:fs'
      import { join } from 'node:path'
      const spool = ${JSON.stringify(land.path('state/spool'))}
      export default {
        name: 'spoiling',
        reads: () => 'once',
        plan: ({ records, columns }) => {
          const parts = readdirSync(spool, { recursive: true }).filter((name) => /part-\\d+$/.test(name))
          appendFileSync(${JSON.stringify(land.path('plans'))}, parts.length + ' ')
          for (const part of parts) appendFileSync(join(spool, part), '7,intruder,0\\n')
          return { add: select(records, columns), remove: { kind: 'nothing' }, blindAppend: true, dropped: 'nothing' }
        },
      }
      function select(records, columns) {
        const names = [...columns.map(({ name }) => '"' + name + '"'), '__path'].join(', ')
        const fragments = [...records.fragments]
        fragments[0] = 'select ' + names + ' from ' + fragments[0]
        return Object.assign(Object.create(Object.getPrototypeOf(records)), { fragments, values: records.values })
      }`.replaceAll('\\\\', '\\'),
    )
    for (let one = 0; one < EACH; one += 1) land.land(`${one}.csv`, `a,b\n${one},x\n`)
    const [table] = (await land.run({}, { loading_strategy: land.path('strategy.mjs') })).tables
    expect(table?.errors).toEqual([])
    expect(readFileSync(land.path('plans'), 'utf8')).toMatch(/^1 1 /)
    expect((await land.rows('a, b')).map(({ a, b }) => `${a} ${b}`).toSorted(byRow)).toEqual(
      Array.from({ length: EACH }, (_, one) => `${one} x`).toSorted(byRow),
    )
  })

  test('number their rows where that is asked for', async () => {
    const land = new Landing({ ...options, columns: { a: 'BIGINT', b: 'VARCHAR' }, metadata_columns: ['_file_row_number'] })
    for (let one = 0; one < EACH; one += 1) land.land(`${one}.csv`, 'a,b\n1,x\n2,y\n3,z\n')
    await land.run()
    const rows = await land.rows('a, _file_row_number as n')
    expect(rows.length).toBe(3 * EACH)
    expect(rows.filter(({ a, n }) => Number(a) !== Number(n))).toEqual([])
  })

  test('are read where they lie when there is no room for them', async () => {
    const csv = await bench('csv')
    for (let one = 0; one < EACH; one += 1) csv.land(`${one}.csv`, `a,b\n${one},x\n`)
    const io = { ...csv.context.io, scratch: () => ({ path: '/dev/full', append: (bytes: Uint8Array) => appendFile('/dev/full', bytes) }) }
    const { groups, failed } = await csv.format.inspect(csv.files, { ...csv.context, io })
    expect([failed, groups.map(({ files, bundle }) => [files.length, bundle])]).toEqual([[], [[EACH, undefined]]])
  })
})
