import { expect, test } from 'vitest'
import { allFields, columnsOf, deltaType, evolved, newSchema, parseSchema, schemaText } from '../../../src/delta/schema.ts'
import { schemaString } from './support.ts'

test('every Delta type has the DuckDB type that holds it exactly', () => {
  const types = {
    a: 'string',
    b: 'long',
    c: 'integer',
    d: 'short',
    e: 'byte',
    f: 'float',
    g: 'double',
    h: 'decimal(38,10)',
    i: 'boolean',
    j: 'binary',
    k: 'date',
    l: 'timestamp',
    m: 'timestamp_ntz',
    n: { type: 'array', elementType: { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true }, containsNull: true },
    o: { type: 'struct', fields: [{ name: 'x "y"', type: 'long', nullable: true, metadata: {} }] },
  }
  const columns = columnsOf(parseSchema(schemaString(types)))
  expect(columns.map((column) => column.type)).toEqual([
    'VARCHAR',
    'BIGINT',
    'INTEGER',
    'SMALLINT',
    'TINYINT',
    'FLOAT',
    'DOUBLE',
    'DECIMAL(38,10)',
    'BOOLEAN',
    'BLOB',
    'DATE',
    'TIMESTAMP WITH TIME ZONE',
    'TIMESTAMP',
    'MAP(VARCHAR, BIGINT)[]',
    'STRUCT("x ""y""" BIGINT)',
  ])
  expect(columns.map((column) => deltaType(column.type))).toEqual(Object.values(types))
})

test('a type that we do not know is refused by name', () => {
  expect(() => columnsOf(parseSchema(schemaString({ v: 'variant' })))).toThrow(
    "column v has the type 'variant', which ingestd does not know",
  )
})

test('what we do not know in a schema is written back as it was', () => {
  const text =
    '{"type":"struct","fields":[{"name":"id","type":"long","nullable":false,"metadata":{"delta.identity.start":9223372036854775807,"x":[1.0,{"y":null}]}}]}'
  expect(schemaText(parseSchema(text))).toBe(text)
})

test('what we do not know is kept at every level, when columns come too', () => {
  const inner = (name: string) =>
    `{"name":"${name}","type":"long","nullable":true,"metadata":{"delta.typeChanges":[{"fromType":"integer","toType":"long","fieldPath":"element.x"}],"big":12345678901234567890}}`
  const list = `{"type":"array","elementType":{"type":"struct","fields":[${inner('x')}],"later":1},"containsNull":false,"id":1.50}`
  const map = `{"type":"map","keyType":"string","valueType":{"type":"struct","fields":[${inner('y')}]},"valueContainsNull":false,"more":{"a":[null]}}`
  const text = (added = '', end = '') =>
    `{"type":"struct","fields":[{"name":"l","type":${list.replace('],"later"', `${added}],"later"`)},"nullable":false,"metadata":{"comment":"c"},"extra":true},{"name":"m","type":${map},"nullable":true,"metadata":{}}${end}]}`
  const known = parseSchema(text())
  expect(schemaText(known)).toBe(text())
  const fields = evolved(known, [
    { name: 'l', type: 'STRUCT(x BIGINT, z DATE)[]', nullable: true },
    { name: 'n', type: 'DATE', nullable: true },
  ])
  const added = (name: string) => `,{"name":"${name}","type":"date","nullable":true,"metadata":{}}`
  expect(schemaText(fields)).toBe(text(added('z'), added('n')))
})

test('a void column becomes what is written to it', () => {
  const known = parseSchema(schemaString({ nothing: 'void' }))
  expect(columnsOf(known)).toEqual([{ name: 'nothing', type: 'VARCHAR', nullable: true }])
  expect(evolved(known, [{ name: 'nothing', type: 'VARCHAR', nullable: true }])[0]?.type).toBe('string')
})

test('new columns are appended and nullable, nested ones too', () => {
  const known = parseSchema(
    schemaString({ id: 'long', s: { type: 'struct', fields: [{ name: 'a', type: 'long', nullable: false, metadata: { m: 1 } }] } }),
  )
  const fields = evolved(known, [
    { name: 'ID', type: 'BIGINT', nullable: true },
    { name: 's', type: 'STRUCT(a BIGINT, b VARCHAR)', nullable: true },
    { name: 'n', type: 'DECIMAL(5, 2)', nullable: false },
  ])
  expect(fields.map((field) => field.name)).toEqual(['id', 's', 'n'])
  expect(fields[2]).toEqual({ name: 'n', type: 'decimal(5,2)', nullable: true, metadata: {} })
  expect(schemaText(fields)).toContain(
    '{"name":"a","type":"long","nullable":false,"metadata":{"m":1}},{"name":"b","type":"string","nullable":true,"metadata":{}}',
  )
})

test('a schema that lacks nothing stays the very same', () => {
  const known = parseSchema(schemaString({ id: 'long', l: { type: 'array', elementType: 'string', containsNull: false } }))
  expect(
    evolved(known, [
      { name: 'id', type: 'BIGINT', nullable: true },
      { name: 'l', type: 'VARCHAR[]', nullable: true },
    ]),
  ).toBe(known)
})

test('another type for a column is refused with both types', () => {
  const known = parseSchema(schemaString({ id: 'integer' }))
  expect(() => evolved(known, [{ name: 'id', type: 'VARCHAR', nullable: true }])).toThrow(
    'column id has type INTEGER in the table, and VARCHAR was to be written',
  )
})

test('a wider type is noted in the nearest field, behind earlier changes', () => {
  const first = evolved(newSchema([{ name: 'm', type: 'MAP(INTEGER, STRUCT("a" SMALLINT)[])', nullable: true }]), [
    { name: 'm', type: 'MAP(BIGINT, STRUCT("a" INTEGER)[])', nullable: true },
  ])
  const [field] = evolved(first, [{ name: 'm', type: 'MAP(BIGINT, STRUCT("a" BIGINT)[])', nullable: true }])
  expect(field?.metadata).toEqual({ 'delta.typeChanges': [{ fromType: 'integer', toType: 'long', fieldPath: 'key' }] })
  const [nested] = field === undefined ? [] : [...allFields([field])].slice(1)
  expect(nested?.metadata).toEqual({
    'delta.typeChanges': [
      { fromType: 'short', toType: 'integer' },
      { fromType: 'integer', toType: 'long' },
    ],
  })
})

test('names that differ by case alone are refused', () => {
  const columns = ['a', 'A'].map((name) => ({ name, type: 'BIGINT', nullable: true }))
  expect(() => newSchema(columns)).toThrow('two columns are named "A" when case is ignored')
})
