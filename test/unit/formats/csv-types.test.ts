import { expect, test } from 'vitest'
import { bench } from './bench.ts'

test('integers, decimals, dates, timestamps and booleans get their types, everything else is text', async () => {
  const csv = await bench('csv')
  csv.land(
    'a.csv',
    'i,d,day,at,b,t,e\n1,1.5,2024-01-31,2024-01-31 10:00:00,true,x,\n-2,3,2024-02-01,2024-01-31T10:00:00.5Z,FALSE,2024-01-31,\n',
  )
  expect(await csv.types()).toEqual([
    'i BIGINT',
    'd DOUBLE',
    'day DATE',
    'at TIMESTAMP WITH TIME ZONE',
    'b BOOLEAN',
    't VARCHAR',
    'e VARCHAR',
  ])
  expect(await csv.rows()).toEqual([
    { i: 1n, d: 1.5, day: '2024-01-31', at: '2024-01-31 10:00:00+00', b: true, t: 'x', e: null },
    { i: -2n, d: 3, day: '2024-02-01', at: '2024-01-31 10:00:00.5+00', b: false, t: '2024-01-31', e: null },
  ])
})

test('leading zeros, plus signs, UUIDs and times of day stay text', async () => {
  const csv = await bench('csv')
  csv.land(
    'a.csv',
    'zip,phone,price,clock,code\n007,+4917,01.50,10:00:00,8b2c4b0e-0000-4000-8000-000000000000\n12345,+4918,02.50,11:00:00,8b2c4b0e-0000-4000-8000-000000000001\n',
  )
  expect(await csv.types()).toEqual(['zip VARCHAR', 'phone VARCHAR', 'price VARCHAR', 'clock VARCHAR', 'code VARCHAR'])
  expect((await csv.rows())[0]).toMatchObject({ zip: '007', phone: '+4917', price: '01.50' })
})

test('integers beyond 64 bits and decimals beyond 17 digits are kept exactly', async () => {
  const csv = await bench('csv')
  csv.land(
    'a.csv',
    'big,max,huge,fine\n18446744073709551616,9223372036854775807,123456789012345678901234567890123456789,0.1234567890123456789\n1,-9223372036854775808,1,12.5\n',
  )
  expect(await csv.types()).toEqual(['big DECIMAL(38,0)', 'max BIGINT', 'huge VARCHAR', 'fine DECIMAL(38,19)'])
  expect((await csv.rows())[0]).toEqual({
    big: '18446744073709551616',
    max: 9223372036854775807n,
    huge: '123456789012345678901234567890123456789',
    fine: '0.1234567890123456789',
  })
})

test('a type that the first rows suggest is given up when a later row of the sample does not fit', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', `n,m,late\n${'1,1,\n'.repeat(5000)}1.5,x,7\n`)
  expect(await csv.types()).toEqual(['n DOUBLE', 'm VARCHAR', 'late BIGINT'])
})

test('values that may be rejected do not decide the type of a column, unless they are more than a twentieth', async () => {
  const types = async (bad: number, limit: number | { readonly share: number }) => {
    const csv = await bench('csv', { maxBadRows: limit })
    csv.land('a.csv', `id,v\n${Array.from({ length: 1000 }, (_, n) => `${n},${n < bad ? 'abc' : n}\n`).join('')}`)
    return await csv.types()
  }
  expect(await types(2, 0)).toEqual(['id BIGINT', 'v VARCHAR'])
  expect(await types(2, 2)).toEqual(['id BIGINT', 'v BIGINT'])
  expect(await types(3, 2)).toEqual(['id BIGINT', 'v VARCHAR'])
  expect(await types(10, { share: 0.01 })).toEqual(['id BIGINT', 'v BIGINT'])
  expect(await types(50, { share: 1 })).toEqual(['id BIGINT', 'v BIGINT'])
  expect(await types(51, { share: 1 })).toEqual(['id BIGINT', 'v VARCHAR'])
})

test('types are unified over files by name, whatever the order and case of their headers', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', 'id,Amount\n1,2\n')
  csv.land('b.csv', 'amount,id,extra\n2.5,2,x\n')
  expect(await csv.types()).toEqual(['id BIGINT', 'Amount DOUBLE', 'extra VARCHAR'])
  expect(await csv.rows()).toEqual([
    { id: 1n, Amount: 2 },
    { amount: 2.5, id: 2n, extra: 'x' },
  ])
})

test('infer_types: false leaves every column text', async () => {
  const csv = await bench('csv', { inferTypes: false })
  csv.land('a.csv', 'id,day\n1,2024-01-01\n')
  expect(await csv.types()).toEqual(['id VARCHAR', 'day VARCHAR'])
})

test('a date pattern is learned when only one reading fits, and not when days and months could be swapped', async () => {
  const certain = await bench('csv')
  certain.land('a.csv', 'id;day\n1;31.12.2024\n2;01.02.2024\n')
  expect(await certain.types()).toEqual(['id BIGINT', 'day DATE'])
  expect((await certain.rows())[1]).toEqual({ id: 2n, day: '2024-02-01' })
  const open = await bench('csv')
  open.land('a.csv', 'id,day\n1,03/04/2024\n2,01/02/2024\n')
  expect(await open.types()).toEqual(['id BIGINT', 'day VARCHAR'])
})

test('given patterns of dates and timestamps are used', async () => {
  const csv = await bench('csv', { formatOptions: { date_format: '%d/%m/%Y', timestamp_format: '%d/%m/%Y %H:%M' } })
  csv.land('a.csv', 'day,at\n03/04/2024,03/04/2024 10:30\n')
  expect(await csv.types()).toEqual(['day DATE', 'at TIMESTAMP WITH TIME ZONE'])
  expect(await csv.rows()).toEqual([{ day: '2024-04-03', at: '2024-04-03 10:30:00+00' }])
})

test('a decimal comma and grouped thousands are numbers where the config says so', async () => {
  const csv = await bench('csv', { formatOptions: { delimiter: ';', decimal_separator: ',', thousands: '.' } })
  csv.land('a.csv', 'a;b;c\n1,5;1.234;1.234,5\n')
  expect(await csv.rows({ c: 'DECIMAL(10,2)' })).toEqual([{ a: 1.5, b: 1234n, c: '1234.50' }])
})

test('unquoted empty fields are null, quoted ones are empty strings, and null_values adds to that', async () => {
  const csv = await bench('csv', { formatOptions: { null_values: ['NULL', 'n/a'] } })
  csv.land('a.csv', 'a,b\n,x\n"",x\nNULL,x\nn/a,\n')
  expect(await csv.rows()).toEqual([
    { a: null, b: 'x' },
    { a: '', b: 'x' },
    { a: null, b: 'x' },
    { a: null, b: null },
  ])
})

test.each([
  ['BIGINT', '1.5'],
  ['BIGINT', '1e-5'],
  ['BIGINT', 'abc'],
  ['BIGINT', '9223372036854775808'],
  ['INTEGER', '2147483648'],
  ['DECIMAL(10,2)', '1.239'],
  ['DECIMAL(10,2)', '1e-5'],
  ['DATE', '2024-01-31 10:00:00'],
  ['DATE', '2024-01-31abc'],
  ['DATE', '2024-02-30'],
  ['TIMESTAMP WITH TIME ZONE', 'infinity'],
  ['TIMESTAMP', '2024-01-31 25:00'],
  ['DOUBLE', '1,5'],
  ['BOOLEAN', 'perhaps'],
])('a %s column refuses %s, naming line and column', async (type, value) => {
  const csv = await bench('csv')
  csv.land('good.csv', 'id,v\n1,\n')
  csv.land('bad.csv', `id,v\n1,\n2,"${value}"\n`)
  expect(await csv.problems({ v: type })).toEqual([
    `ING-FILE-VALUE bad.csv line 3, column v: '${value}' is not ${/^I/.test(type) ? 'an' : 'a'} ${type}`,
  ])
})

test.each([
  ['BIGINT', '-7', -7n],
  ['BIGINT', '7.00', 7n],
  ['BIGINT', ' 7 ', 7n],
  ['BIGINT', '1e3', 1000n],
  ['DECIMAL(10,2)', '1.2300', '1.23'],
  ['DECIMAL(10,2)', '-.5', '-0.50'],
  ['DECIMAL(10,2)', '1e2', '100.00'],
  ['DATE', '2024-01-31T00:00:00Z', '2024-01-31'],
  ['DATE', '1500-01-01', '1500-01-01'],
  ['DOUBLE', 'NaN', Number.NaN],
  ['TIMESTAMP WITH TIME ZONE', '2024-01-31 12:00:00+02:00', '2024-01-31 10:00:00+00'],
])('a %s column takes %s', async (type, value, expected) => {
  const csv = await bench('csv')
  csv.land('a.csv', `id,v\n1,${value}\n2,\n`)
  const rows = await csv.rows({ v: type })
  expect(rows.map((row) => row['v'])).toEqual([expected, null])
})
