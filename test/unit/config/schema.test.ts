import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exampleConfig } from '../../../src/config/example.ts'
import { configJsonSchema } from '../../../src/config/json-schema.ts'
import { loadConfig } from '../../../src/config/read.ts'
import { ConfigError } from '../../../src/errors/errors.ts'
import { folder, load, problems } from './support.ts'

interface Node {
  readonly [key: string]: unknown
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** All properties of a JSON Schema with their paths, those within choices and lists too. */
function properties(node: unknown, path = ''): readonly (readonly [string, Node])[] {
  if (Array.isArray(node)) return node.flatMap((item) => properties(item, path))
  if (!isNode(node)) return []
  const own = isNode(node['properties']) ? Object.entries(node['properties']) : []
  const within = ['items', 'anyOf', 'oneOf', 'additionalProperties'].flatMap((key) => properties(node[key], path))
  return [
    ...own.flatMap(([key, value]) => (isNode(value) ? [[`${path}.${key}`, value] as const, ...properties(value, `${path}.${key}`)] : [])),
    ...within,
  ]
}

describe('the JSON Schema', () => {
  test('has every key with a description, and refuses unknown ones', () => {
    const all = properties(configJsonSchema())
    expect(all.length).toBeGreaterThan(250)
    expect(
      all.filter(([, node]) => typeof node['description'] !== 'string' || !/^[^\s].*[.]$/.test(node['description'])).map(([path]) => path),
    ).toEqual([])
    expect(configJsonSchema()['additionalProperties']).toBe(false)
  })

  test('shows a default or an example of every key but plain switches and named types', () => {
    const silent = properties(configJsonSchema()).filter(
      ([path, node]) =>
        node['default'] === undefined &&
        node['examples'] === undefined &&
        !/\.(type|path_style|integrated_security|encrypt|trust_server_certificate)$/.test(path),
    )
    expect(silent.map(([path]) => path)).toEqual(['.tables'])
  })

  test('lets a reference stand for a number, a word or a duration', () => {
    const schema = new Map(properties(configJsonSchema()))
    const reference = { type: 'string', pattern: '\\$\\{.+\\}' }
    for (const key of ['.max_parallel_jobs', '.log_level', '.enable_metrics', '.defaults.late_window', '.defaults.watch.settle_seconds']) {
      expect(schema.get(key)?.['anyOf'], key).toContainEqual(reference)
    }
    expect(schema.get('.raw_data_path')?.['anyOf']).toBeUndefined()
  })

  test('is JSON', () => {
    const schema = configJsonSchema()
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })
})

describe('the example config', () => {
  test('is the committed one', async () => {
    const path = fileURLToPath(new URL('../../../config.example.yaml', import.meta.url))
    expect(await readFile(path, 'utf8')).toBe(exampleConfig())
  })

  test('validates and asks for nothing that is not built', async () => {
    const config = await load(exampleConfig())
    expect(config.tables.map(({ name, unsupported }) => [name, unsupported])).toEqual([
      ['default.customers', []],
      ['default.orders', []],
    ])
  })

  test('shows every key of the schema', () => {
    const example = exampleConfig()
    const keys = properties(configJsonSchema()).map(([path]) => path.split('.').at(-1) ?? '')
    expect(keys.filter((key) => !new RegExp(`(^[ #-]*|{)${key}:`, 'm').test(example))).toEqual([])
    expect(example).not.toMatch(/undefined|\[object/)
  })

  test('shows values that are taken: a line without its # is no wrong value', async () => {
    const lines = exampleConfig().split('\n')
    const env = Object.fromEntries(
      [...exampleConfig().matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => [
        name ?? '',
        name === 'TRACKER_URL' ? 'postgres://localhost/ingest' : 'x'.repeat(16),
      ]),
    )
    const shown = lines.flatMap((line, index) => (/^ *# [a-z0-9_]+: \S/.test(line) ? [index] : []))
    const wrong: string[] = []
    await using beside = await folder({ 'transform.sql': 'select * from records' })
    for (const index of shown) {
      const text = lines.map((line, at) => (at === index ? line.replace('# ', '') : line)).join('\n')
      const found = await problems(text, { env, cwd: beside.path })
      wrong.push(...found.filter((message) => /ING-CONFIG-(VALUE|SYNTAX|UNKNOWN-KEY|ENV)\]/.test(message)))
    }
    expect(shown.length).toBeGreaterThan(30)
    expect(wrong).toEqual([])
  })
})

describe('anything at all', () => {
  const outcome = async (text: string, overrides: readonly string[] = []) => {
    try {
      await loadConfig({ text }, { overrides, env: {}, cwd: '/tmp' })
      return 'loaded'
    } catch (error) {
      return error instanceof ConfigError ? 'refused' : error
    }
  }
  // Commands are left out: what they do is up to whoever writes the config.
  const isHarmless = (text: string) => !text.includes('cmd:')

  test('as text ends in a config or a ConfigError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }).filter(isHarmless), async (text) =>
        ['loaded', 'refused'].includes(String(await outcome(text))),
      ),
      { numRuns: 300 },
    )
  })

  test('as values of known keys ends in a config or a ConfigError', async () => {
    const names = [...new Set(properties(configJsonSchema()).map(([path]) => path.split('.').at(-1) ?? ''))]
    const key = fc.oneof(fc.constantFrom(...names, '__proto__', 'constructor', 'tables', 'defaults'), fc.string({ maxLength: 5 }))
    const { tree } = fc.letrec((tie) => ({
      leaf: fc.oneof(
        fc.string({ maxLength: 10 }).filter(isHarmless),
        fc.constantFrom('${A}', '${A:-1}', '{name}', '../..', 's3://b/x', 'file://x', '1 day', '1GB', 'scd2', 'csv'),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.integer(),
      ),
      tree: fc.oneof(
        { depthSize: 'small' },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 6 }),
      ),
    }))
    const config = fc.record(
      {
        tables: fc.oneof(tree, fc.array(fc.dictionary(key, tree), { maxLength: 3 })),
        defaults: tree,
        include: fc.constant([]),
        connections: tree,
      },
      { requiredKeys: ['tables'] },
    )
    await fc.assert(
      fc.asyncProperty(config, async (value) => ['loaded', 'refused'].includes(String(await outcome(JSON.stringify(value))))),
      { numRuns: 300 },
    )
  })

  test('as an override ends in a config or a ConfigError', async () => {
    const text = 'tables: [{table_name: a, source_path_pattern: a.csv}]'
    const part = fc.oneof(
      fc.constantFrom('tables', 'a', 'watch', 'defaults', '__proto__', 'columns', 'default', 'x'),
      fc.string({ maxLength: 4 }),
    )
    const override = fc
      .tuple(fc.array(part, { maxLength: 5 }), fc.string({ maxLength: 12 }).filter(isHarmless))
      .map(([parts, value]) => `${parts.join('.')}=${value}`)
    await fc.assert(
      fc.asyncProperty(fc.array(override, { maxLength: 3 }), async (overrides) =>
        ['loaded', 'refused'].includes(String(await outcome(text, overrides))),
      ),
      { numRuns: 300 },
    )
  })
})
