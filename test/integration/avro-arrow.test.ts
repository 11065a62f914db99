import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'

const only = (report: { tables: readonly unknown[] }) => report.tables[0]
const fixture = (name: string) => readFileSync(fileURLToPath(new URL(`../fixtures/binary/${name}`, import.meta.url)))

/** `name code` of each file that failed, with the part of the message that follows the path. */
async function failures(landing: Landing): Promise<Record<string, string>> {
  const prefix = landing.path('landing').length + 1
  const failed = (await landing.files()).filter(({ status }) => status === 'failed')
  return Object.fromEntries(
    failed.map((file) => [
      file.file_path.slice(prefix),
      `${file.error_code} ${String(file.error_message).slice(file.file_path.length + 2)}`,
    ]),
  )
}

/** A number of Avro. */
function long(value: number): Buffer {
  const bytes: number[] = []
  let rest = value * 2
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

function avroText(text: string): Buffer {
  return Buffer.concat([long(Buffer.byteLength(text)), Buffer.from(text)])
}

/** An Avro file without rows. */
function header(type: unknown, codec = 'null'): Buffer {
  const schema = JSON.stringify({ type: 'record', name: 'Top', fields: [{ name: 'v', type }] })
  const meta = [avroText('avro.schema'), avroText(schema), avroText('avro.codec'), avroText(codec)]
  return Buffer.concat([Buffer.from('Obj\u0001', 'latin1'), long(2), ...meta, long(0), Buffer.alloc(16, 7)])
}

describe('Avro', () => {
  test('types, names, maps and enums come out exactly', async () => {
    const landing = new Landing({ source_path_pattern: '*.avro' })
    landing.land('values.avro', fixture('values.avro'))
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { read: 2, loaded: 2 } })
    const [first, second] = await landing.rows(
      '* replace (counts::varchar as counts, points::varchar as points, whole::varchar as whole, half::varchar as half)',
    )
    expect(first).toMatchObject({
      id: 1,
      big: '9223372036854775807',
      half: '1.5',
      whole: '-0.0',
      flag: true,
      text: 'é',
      raw: '\\x00\\xFF',
      exact: '123456789012345678901234567890123456.78',
      fixed_exact: '-99999999999999999999999999999999999999',
      day: '1500-01-01',
      moment: '1500-01-02 03:04:05.000006+00',
      millis: '2024-01-02 03:04:05.006+00',
      local: '2024-01-02 03:04:05.000006+00',
      clock: '01:02:03.000004',
      uid: '00000000-0000-0000-0000-000000000005',
      point: { x: 1, y: null },
      other: null,
      color: 'GREEN',
      maybe: null,
      colors: ['GREEN', 'RED'],
      list: ['1', null],
      counts: '{a=1, b=2}',
      points: "{p=[{'x': 7, 'y': z}]}",
    })
    expect(second).toMatchObject({
      id: 2,
      big: '-9223372036854775808',
      half: 'inf',
      whole: 'nan',
      flag: false,
      text: null,
      raw: '',
      exact: '-0.01',
      fixed_exact: '1',
      day: '9999-12-31',
      moment: '9999-12-31 23:59:59.999999+00',
      other: { x: 3, y: null },
      color: 'RED',
      maybe: 'RED',
      colors: [],
      list: [],
      counts: '{}',
    })
  })

  test('codecs, files without rows, and a codec that is not read', async () => {
    const landing = new Landing({ source_path_pattern: '*.avro' })
    for (const codec of ['deflate', 'snappy', 'zstandard', 'bzip2']) landing.land(`${codec}.avro`, fixture(`codec-${codec}.avro`))
    landing.land('empty.avro', fixture('empty.avro'))
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 4, failed: 1 }, rows: { loaded: 300 } })
    expect(await failures(landing)).toEqual({ 'bzip2.avro': 'ING-FILE-FORMAT its blocks are compressed by bzip2' })
  })

  test('types that would not come out exactly are refused by name', async () => {
    const landing = new Landing({ source_path_pattern: '*.avro' })
    const refused = {
      union: ['null', 'long', 'string'],
      nothing: 'null',
      duration: { type: 'fixed', name: 'D', size: 12, logicalType: 'duration' },
      nanos: { type: 'long', logicalType: 'timestamp-nanos' },
      decimal: { type: 'bytes', logicalType: 'decimal', precision: 39, scale: 0 },
      uuid: { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
      recursive: { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] },
      unknown: 'Somewhere',
    }
    for (const [name, type] of Object.entries(refused)) landing.land(`${name}.avro`, header(type))
    await landing.run()
    const exactly = ', which cannot be read exactly'
    expect(await failures(landing)).toEqual({
      'union.avro': `ING-FILE-TYPE the field v is a union of null, long, string, of which a column has one${exactly}`,
      'nothing.avro': `ING-FILE-TYPE the field v is null alone, and has no type${exactly}`,
      'duration.avro': `ING-FILE-TYPE the field v is a duration${exactly}`,
      'nanos.avro': `ING-FILE-TYPE the field v is a timestamp-nanos${exactly}`,
      'decimal.avro': `ING-FILE-TYPE the field v is a decimal of more than 38 digits${exactly}`,
      'uuid.avro': `ING-FILE-TYPE the field v is a uuid as fixed bytes${exactly}`,
      'recursive.avro': `ING-FILE-TYPE the field v.next holds itself: Node is recursive${exactly}`,
      'unknown.avro': `ING-FILE-TYPE the field v is of the type Somewhere, which the schema does not define${exactly}`,
    })
  })

  test('a file that is cut anywhere but between two blocks, or is no Avro, is never loaded', async () => {
    const whole = fixture('codec-deflate.avro')
    const landing = new Landing({ source_path_pattern: '*.avro' })
    for (let end = 0; end < whole.length; end += 1) landing.land(`${end}.avro`, whole.subarray(0, end))
    landing.land('text.avro', 'id,v\n1,2\n')
    const damaged = Buffer.from(whole)
    damaged.fill(0, whole.length - 40, whole.length - 20)
    landing.land('damaged.avro', damaged)
    await landing.run()
    const failed = await failures(landing)
    const loaded = (await landing.files())
      .filter(({ status }) => status === 'completed')
      .map(({ file_path }) => Number(/(\d+)\.avro$/.exec(file_path)?.[1]))
    // The header alone is a whole file without rows, as is each run of blocks.
    const sync = whole.subarray(-16)
    const ends: number[] = []
    for (let at = whole.indexOf(sync); at >= 0; at = whole.indexOf(sync, at + 1)) ends.push(at + 16)
    expect(failed['143.avro']).toBe(undefined)
    expect(loaded.toSorted((a, b) => a - b)).toEqual(ends.filter((end) => end < whole.length))
    expect(failed['0.avro']).toContain('ING-FILE-EMPTY')
    expect(failed['10.avro']).toContain('ING-FILE-TRUNCATED')
    expect(failed['text.avro']).toContain('this is not an Avro file')
    expect(failed['damaged.avro']).toContain('ING-FILE-FORMAT')
  })
})

describe('Arrow IPC', () => {
  for (const name of ['values.arrow', 'values.arrows']) {
    test(`types come out exactly from ${name}`, async () => {
      const landing = new Landing({ file_format: 'arrow', source_path_pattern: '*' })
      landing.land(name, fixture(name))
      expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { read: 2, loaded: 2 } })
      const [first, second] = await landing.rows('* replace (counts::varchar as counts, whole::varchar as whole, half::varchar as half)')
      expect(first).toMatchObject({
        id: 1,
        big: '9223372036854775807',
        huge: '18446744073709551615',
        half: '1.5',
        whole: '-0.0',
        flag: true,
        text: 'é',
        wide: 'x',
        view: 'x',
        raw: '\\x00\\xFF',
        exact: '12345678901234567890123456789012345678',
        small: '1.50',
        day: '1500-01-01',
        moment: '1970-01-01 00:00:00.000001+00',
        zoned: '1970-01-01 00:00:00.001+00',
        local: '1970-01-01 00:00:00+00',
        nanos: '2023-11-14 22:13:20+00',
        clock: '00:00:00.000001',
        color: 'a',
        list: ['1', null],
        fixed: ['1', '2'],
        point: { x: '1', y: 'a' },
        counts: '{a=1}',
      })
      expect(second).toMatchObject({
        id: 2,
        big: '-9223372036854775808',
        huge: '0',
        whole: 'nan',
        moment: '1500-01-10 01:44:25.006+00',
        color: 'b',
        point: null,
        counts: '{}',
      })
    })
  }

  test('compressed batches, files without rows', async () => {
    const landing = new Landing({ source_path_pattern: '*.arrow' })
    for (const name of ['codec-lz4', 'codec-zstd', 'empty']) landing.land(`${name}.arrow`, fixture(`${name}.arrow`))
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 3 }, rows: { loaded: 200 } })
  })

  test('types that would not come out exactly are refused by name', async () => {
    const landing = new Landing({ source_path_pattern: '*.arrow' })
    const names = ['interval', 'duration', 'null', 'union', 'decimal256', 'run', 'listview', 'extension']
    for (const name of names) landing.land(`${name}.arrow`, fixture(`refused-${name}.arrow`))
    landing.land('feather.arrow', 'FEA1 and more of it')
    landing.land('text.arrow', 'id,v\n1,2\n')
    await landing.run()
    const exactly = ', which cannot be read exactly'
    expect(await failures(landing)).toEqual({
      'interval.arrow': `ING-FILE-TYPE the column v is an interval${exactly}`,
      'duration.arrow': `ING-FILE-TYPE the column v is a duration${exactly}`,
      'null.arrow': `ING-FILE-TYPE the column v is null alone${exactly}`,
      'union.arrow': `ING-FILE-TYPE the column v is a union${exactly}`,
      'decimal256.arrow': `ING-FILE-TYPE the column v is a decimal of 256 bits${exactly}`,
      'run.arrow': `ING-FILE-TYPE the column v is run-end encoded${exactly}`,
      'listview.arrow': `ING-FILE-TYPE the column v is a list view${exactly}`,
      'extension.arrow': `ING-FILE-TYPE the column v is of the extension type arrow.uuid${exactly}`,
      'feather.arrow': 'ING-FILE-FORMAT this is Feather of version 1',
      'text.arrow': expect.stringContaining('ING-FILE-FORMAT'),
    })
  })

  test('a file or a stream that is cut anywhere is never loaded', async () => {
    const landing = new Landing({ file_format: 'arrow', source_path_pattern: '*' })
    for (const name of ['codec-lz4.arrow', 'values.arrows']) {
      const whole = fixture(name)
      for (let end = 0; end < whole.length; end += end > whole.length - 60 ? 1 : 13) landing.land(`${end}-${name}`, whole.subarray(0, end))
    }
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 0 } })
    const codes = new Set(Object.values(await failures(landing)).map((text) => text.split(' ')[0]))
    expect([...codes].toSorted()).toEqual(['ING-FILE-EMPTY', 'ING-FILE-TRUNCATED'])
  })
})

test('rows of Avro files keep their order and numbers, and new columns join the table', async () => {
  const landing = new Landing({ source_path_pattern: '*.avro', metadata_columns: ['_file_row_number'] })
  landing.land('a.avro', fixture('codec-snappy.avro'), 1)
  await landing.run()
  const rows = await landing.rows('n, _file_row_number as number')
  expect(rows.map(({ n, number }) => Number(number) - Number(n))).toEqual(Array.from({ length: 100 }, () => 1))
  landing.land('b.avro', fixture('values.avro'), 2)
  expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { loaded: 2 } })
  expect(await landing.rows('count(*) as rows, count(text) as texts')).toEqual([{ rows: '102', texts: '1' }])
})
