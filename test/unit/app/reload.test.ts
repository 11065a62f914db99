import { expect, test } from 'vitest'
import { reloadConfig } from '../../../src/app/reload.ts'
import type { ResolvedConfig } from '../../../src/config/config.ts'
import { loadConfig } from '../../../src/config/read.ts'

const table = (table_name: string, more: Record<string, unknown> = {}) => ({
  table_name,
  source_path_pattern: `${table_name}/*.csv`,
  ...more,
})

function read(tables: readonly unknown[], more: Record<string, unknown> = {}): Promise<ResolvedConfig> {
  return loadConfig({ object: { ...more, tables } }, { overrides: [], env: {}, cwd: '/project' })
}

const names = (tables: readonly { readonly name: string }[]) => tables.map(({ name }) => name)

test('tables that are added, removed and changed are told by their keys, and the new config is in force', async () => {
  const current = await read([table('stays'), table('goes'), table('changes')])
  const next = await read([table('comes'), table('stays'), table('changes', { max_files_per_batch: 7, loading_strategy: 'overwrite' })])
  const reload = await reloadConfig(current, async () => next)
  if (reload.kind !== 'changed') throw new Error(reload.kind)
  expect([names(reload.added), names(reload.removed), reload.needsRestart]).toEqual([['default.comes'], ['default.goes'], []])
  expect(reload.changed.map(({ table: { name }, keys }) => [name, keys])).toEqual([
    ['default.changes', ['max_files_per_batch', 'strategy']],
  ])
  expect(reload.config.tables).toEqual(next.tables)
})

test('what needs a restart is told, and stays as it was', async () => {
  const current = await read([table('t')])
  const next = await read([table('t')], { checkpoint_path: './elsewhere', max_parallel_jobs: 9, engine: { threads: 1 } })
  const reload = await reloadConfig(current, async () => next)
  if (reload.kind !== 'changed') throw new Error(reload.kind)
  expect(reload.needsRestart).toEqual(['checkpoint_path', 'max_parallel_jobs', 'engine'])
  expect(reload.config).toEqual(current)
})

test('the same config is no change', async () => {
  const current = await read([table('t')])
  expect(await reloadConfig(current, () => read([table('t')]))).toEqual({ kind: 'unchanged' })
})

test('a broken config is refused with its issues', async () => {
  const current = await read([table('t')])
  const reload = await reloadConfig(current, () => read([table('t', { loading_strategy: 'merge' })]))
  if (reload.kind !== 'refused') throw new Error(reload.kind)
  expect(reload.error.issues.map(({ key }) => key)).toEqual(['tables[0].primary_keys'])
})
