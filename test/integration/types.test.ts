import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'
import { logActions } from '../support/project.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/types.md', import.meta.url)), 'utf8')

/** Rows of the tables of the page, by the number of their cells; backticks stand around code. */
function rowsOf(cells: number): readonly (readonly string[])[] {
  const lines = page.split('\n').filter((line) => /^\| (csv|ndjson|parquet|avro|arrow) /.test(line))
  const rows = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1')),
  )
  return rows.filter((row) => row.length === cells)
}

interface Value {
  readonly name: string
  readonly written: string
  readonly type: string
  readonly stored: string
  readonly result: string
}

function valuesOf(format: string): readonly Value[] {
  return rowsOf(5)
    .filter(([own]) => own === format)
    .map(([, written = '', type = '', stored = '', result = ''], index) => ({ name: `c${index}`, written, type, stored, result }))
}

/** A file of one row with all of the values. */
async function land(landing: Landing, format: string, values: readonly Value[]): Promise<void> {
  const name = `a.${format}`
  if (format === 'csv')
    landing.land(name, `${values.map(({ name: column }) => column).join(',')}\n${values.map(({ written }) => written).join(',')}\n`)
  else if (format === 'ndjson') landing.land(name, `{${values.map(({ name: column, written }) => `"${column}": ${written}`).join(', ')}}\n`)
  else {
    landing.land('none', '')
    const columns = values.map(({ name: column, written }) => `${written} as ${column}`).join(', ')
    await query(`copy (select ${columns}) to '${landing.path('landing', name)}' (format parquet)`)
  }
}

function loadingOf(format: string, values: readonly Value[]): Landing {
  const columns = Object.fromEntries(values.filter(({ type }) => type !== '').map(({ name, type }) => [name, type]))
  return new Landing({ source_path_pattern: `*.${format}`, columns })
}

/** Delta types by column; of nested ones their kind. */
function deltaTypes(table: string): Readonly<Record<string, string>> {
  const [last] = logActions(table)
    .flatMap(({ action }) => (action['metaData'] ? [action['metaData']] : []))
    .slice(-1)
  const { fields } = JSON.parse(String(last?.['schemaString'])) as { fields: readonly { name: string; type: string | { type: string } }[] }
  return Object.fromEntries(fields.map(({ name, type }) => [name, typeof type === 'string' ? type : type.type]))
}

for (const format of ['csv', 'ndjson', 'parquet']) {
  describe(`values of ${format}`, () => {
    test('are in the table what the page says', async () => {
      const values = valuesOf(format).filter(({ result }) => !result.startsWith('ING-'))
      expect(values.length).toBeGreaterThan(10)
      const landing = loadingOf(format, values)
      await land(landing, format, values)
      expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass' })
      const types = deltaTypes(landing.table)
      const [row = {}] = await landing.rows(values.map(({ name }) => `${name}::varchar as ${name}`).join(', '))
      const found = values.map(({ name, written, type }) => ({
        written,
        type,
        stored: types[name],
        result: row[name] === '' ? '*empty text*' : row[name],
      }))
      expect(found).toEqual(values.map(({ written, type, stored, result }) => ({ written, type, stored, result })))
    })

    for (const value of valuesOf(format).filter(({ result }) => result.startsWith('ING-'))) {
      test(`${value.written} as ${value.type} fails as ${value.result}`, async () => {
        const landing = loadingOf(format, [value])
        await land(landing, format, [value])
        expect((await landing.run()).tables[0]).toMatchObject({ errors: [{ code: value.result }] })
      })
    }
  })
}

test.each(['avro', 'arrow'])('columns of %s have the types that the page says', async (format) => {
  const landing = new Landing({ source_path_pattern: `*.${format}` })
  landing.land(`a.${format}`, readFileSync(fileURLToPath(new URL(`../fixtures/binary/values.${format}`, import.meta.url))))
  expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass' })
  const rows = rowsOf(4).filter(([own]) => own === format)
  expect(rows.length).toBeGreaterThan(10)
  const types = deltaTypes(landing.table)
  expect(rows.map(([, , column = '']) => [column, types[column]])).toEqual(rows.map(([, , column, type]) => [column, type]))
})
