import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'

const KEY = 'a key that nobody else knows'
const SECRETS = ['ada@example.com', 'bob@example.org', '4111111111111111']

function hmac(value: string, key = KEY): string {
  return createHmac('sha256', key).update(value).digest('hex')
}

function masking(mask: Record<string, string>, table: Record<string, unknown> = {}, key = KEY): Landing {
  const landing = new Landing({ mask, ...table }, { mask_key: key, log_level: 'TRACE' })
  landing.config['log_file'] = landing.path('state', 'ingest.log')
  return landing
}

/** Every file below a folder that holds one of the texts. */
function holding(folder: string, texts: readonly string[]): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .filter((path) => {
      const content = readFileSync(path)
      return texts.some((text) => content.includes(text))
    })
}

describe('mask', () => {
  test.for([
    ['csv', 'id,email,card\n1,ada@example.com,4111111111111111\n2,,\n3,x,"a ""b"""\n'],
    [
      'ndjson',
      '{"id":1,"email":"ada@example.com","card":4111111111111111}\n{"id":2,"email":null}\n{"id":3,"email":"x","card":"a \\"b\\""}\n',
    ],
  ] as const)('hash is HMAC-SHA-256 of the text in the file, null stays null (%s)', async ([format, content]) => {
    const landing = masking({ email: 'hash', CARD: 'hash' }, { source_path_pattern: `*.${format}` })
    landing.land(`a.${format}`, content)
    expect((await landing.run()).totals).toMatchObject({ error: 0, rows: 3 })
    expect(await landing.rows()).toEqual([
      { id: '1', email: hmac('ada@example.com'), card: hmac('4111111111111111') },
      { id: '2', email: null, card: null },
      { id: '3', email: hmac('x'), card: hmac('a "b"') },
    ])
  })

  test('a key longer than a block of the hash, and text beyond ASCII', async () => {
    const key = 'ключ'.repeat(30)
    const landing = masking({ name: 'hash' }, {}, key)
    landing.land('a.csv', 'name\nJürgen 🙂\n')
    await landing.run()
    expect(await landing.rows()).toEqual([{ name: hmac('Jürgen 🙂', key) }])
  })

  test('redact hides all, partial leaves what people recognise a value by', async () => {
    const landing = masking({ a: 'redact', b: 'partial' })
    const values = ['ada@example.com', 'a@b@c.d', '@x', '4111111111111111', '12345678', '1234567', '""']
    landing.land('a.csv', `id,a,b\n${values.map((value, index) => `${index},${value},${value}`).join('\n')}\n9,,\n`)
    await landing.run()
    expect(await landing.rows('a, b')).toHaveLength(values.length + 1)
    expect((await landing.rows('id, a, b')).map(({ a, b }) => [a, b])).toEqual([
      ['***', 'a***@example.com'],
      ['***', 'a***@c.d'],
      ['***', '***'],
      ['***', '***1111'],
      ['***', '***5678'],
      ['***', '***'],
      ['***', '***'],
      [null, null],
    ])
  })

  test('numbers and dates of Parquet files are masked as text', async () => {
    const landing = masking({ born: 'hash' }, { source_path_pattern: '*.parquet' })
    landing.land('a.csv', '')
    await query(`copy (select 1 as id, date '1815-12-10' as born) to '${landing.path('landing', 'a.parquet')}'`)
    expect((await landing.run()).totals).toMatchObject({ error: 0, rows: 1 })
    expect(await landing.rows('born')).toEqual([{ born: hmac('1815-12-10') }])
  })

  test('keys that are hashed merge, and renamed columns are known by either name', async () => {
    const landing = masking(
      { mail: 'hash', phone: 'redact' },
      { loading_strategy: 'merge', primary_keys: ['mail'], rename_columns: { email: 'mail', phone: 'telephone' } },
    )
    landing.land('1.csv', 'email,phone,n\nada@example.com,123,1\nbob@example.org,456,1\n', 1)
    landing.land('2.csv', 'email,phone,n\nada@example.com,123,2\n', 2)
    await landing.run()
    expect(await landing.rows('mail, telephone, n')).toEqual(
      [
        { mail: hmac('ada@example.com'), telephone: '***', n: '2' },
        { mail: hmac('bob@example.org'), telephone: '***', n: '1' },
      ].toSorted((a, b) => (a.mail < b.mail ? -1 : 1)),
    )
  })

  test('a file that lacks a masked column fails: under another name its values would be stored as they are', async () => {
    const landing = masking({ email: 'hash' })
    landing.land('a.csv', 'id,e_mail\n1,ada@example.com\n', 1)
    landing.land('b.csv', 'id,Email\n2,bob@example.org\n', 2)
    const report = await landing.run()
    expect(report.tables[0]?.errors).toMatchObject([
      { code: 'ING-SCHEMA-MISSING-COLUMN', message: expect.stringContaining('a.csv: the column "email" is missing, which mask names') },
    ])
    expect(await landing.rows()).toEqual([{ id: '2', Email: hmac('bob@example.org') }])
  })

  test('neither the key nor a value is in tables, tracker, logs or reports, whatever goes wrong', async () => {
    const landing = masking({ email: 'hash', card: 'partial' }, { source_path_pattern: '*.{csv,ndjson}', file_format: 'csv' })
    const bad = `id,email,card\n1,ada@example.com,4111111111111111\nx,bob@example.org,4111111111111111\n`
    landing.land('good.csv', 'id,email,card\n1,ada@example.com,4111111111111111\n', 1)
    const first = await landing.run()
    landing.land('value.csv', bad, 2)
    landing.land('ragged.csv', 'id,email,card\n1,ada@example.com\n2,bob@example.org,4111111111111111,5\n', 3)
    landing.land('quote.csv', 'id,email,card\n1,"ada@example.com"x,4111111111111111\n2,b,c\n', 4)
    landing.land('latin.csv', Buffer.from('id,email,card\n1,ada@example.com\xe4,4111111111111111\n', 'latin1'), 5)
    const second = await landing.run()
    expect(second.tables[0]?.files).toMatchObject({ failed: 4 })
    const json = masking({ email: 'hash' }, { source_path_pattern: '*.ndjson' })
    json.land('a.ndjson', '{"id":1,"email":"ada@example.com"}\n{"id":2,"email":"bob@example.org",,}\n{"id":3}\n', 1)
    json.land('b.ndjson', '["ada@example.com"]\n{"id":3}\n', 2)
    const third = await json.run()
    expect(third.tables[0]?.errors.map(({ code }) => code)).toEqual(['ING-FILE-JSON', 'ING-FILE-JSON'])
    expect(third.tables[0]?.errors.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('a.ndjson line 2: this is not as its format asks; its text is not shown'),
    )
    const told = JSON.stringify([first, second, third], (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    for (const text of [KEY, ...SECRETS]) expect(told).not.toContain(text)
    for (const one of [landing, json])
      for (const folder of ['state', 'tables']) expect(holding(one.path(folder), [KEY, ...SECRETS])).toEqual([])
  })

  test('a dry run shows masked rows, and another key other hashes', async () => {
    const landing = masking({ email: 'hash' }, { loading_strategy: 'merge', primary_keys: ['id'] })
    landing.land('a.csv', 'id,email\n1,ada@example.com\n')
    const report = await landing.use((ingest) => ingest.run({ dryRun: true, verbose: true }))
    expect(report.tables[0]?.plan?.difference?.inserted.samples).toEqual([{ id: 1, email: hmac('ada@example.com') }])
    landing.config['mask_key'] = 'quite another key, as long as needed'
    await landing.run()
    expect(await landing.rows('email')).toEqual([{ email: hmac('ada@example.com', 'quite another key, as long as needed') }])
  })
})
