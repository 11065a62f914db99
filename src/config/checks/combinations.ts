import { validate } from 'node-cron'
import { AUDIT_COLUMNS } from '../../model/schema.ts'
import { fileColumnNames } from '../../model/table.ts'
import { fileColumnsOf, groupNames, patternProblem } from '../file-columns.ts'
import type { TableInput } from '../schema/table.ts'
import { type Clash, complain, type Desk, type TableDraft } from './draft.ts'
import { expectationClash } from './expectations.ts'
import { replaceClash } from './undo.ts'

interface Rule {
  /** Keys that the rule looks at; it is left out when one of them was wrong. */
  readonly keys: readonly (keyof TableInput)[]
  find(draft: TableDraft): Clash | undefined
}

const RULES: readonly Rule[] = [
  {
    keys: ['loading_strategy', 'primary_keys'],
    find: ({ kind, input }) =>
      (kind === 'merge' || kind === 'scd2') && input.primary_keys.length === 0
        ? {
            key: ['primary_keys'],
            problem: `${kind} needs primary_keys`,
            fix: 'add them, for example primary_keys: [id]',
            code: 'ING-CONFIG-MISSING',
          }
        : undefined,
  },
  {
    keys: ['on_changed_file', 'loading_strategy', 'audit_columns', 'deduplicate', 'mask'],
    find: replaceClash,
  },
  { keys: ['primary_keys', 'sequence_by'], find: ({ input }) => sequenceClash(input) },
  {
    keys: ['overwrite_scope', 'partition_columns'],
    find: ({ input }) =>
      input.overwrite_scope === 'partition' && input.partition_columns.length === 0
        ? {
            key: ['overwrite_scope'],
            problem: 'overwrite_scope: partition needs partition_columns',
            fix: 'add them, or set overwrite_scope: table',
          }
        : undefined,
  },
  {
    keys: ['output_format', 'delta'],
    find: ({ input }) =>
      input.output_format === 'parquet' && input.delta.deletion_vectors
        ? {
            key: ['delta', 'deletion_vectors'],
            problem: 'a Parquet folder cannot have deletion vectors',
            fix: 'remove it, or set output_format: delta',
          }
        : undefined,
  },
  {
    keys: ['output_format', 'delta'],
    find: ({ input }) =>
      input.output_format === 'parquet' && input.delta.change_data_feed
        ? {
            key: ['delta', 'change_data_feed'],
            problem: 'a Parquet folder cannot have a change data feed',
            fix: 'remove it, or set output_format: delta',
          }
        : undefined,
  },
  {
    keys: ['merge_update_columns', 'insert_only'],
    find: ({ input }) =>
      input.insert_only && input.merge_update_columns.length > 0
        ? {
            key: ['insert_only'],
            problem: 'insert_only never updates, but merge_update_columns names columns to update',
            fix: 'remove one of them',
          }
        : undefined,
  },
  {
    keys: ['skip_unchanged', 'sequence_by', 'missing_means_deleted'],
    find: ({ input, kind }) =>
      input.skip_unchanged && (kind === 'merge' || kind === 'scd2') && input.sequence_by === null && !input.missing_means_deleted
        ? {
            key: ['skip_unchanged'],
            problem: `without sequence_by the times of files order the rows of ${kind}, and a file that is skipped tells none`,
            fix: 'add sequence_by, or remove skip_unchanged',
          }
        : undefined,
  },
  {
    keys: ['skip_unchanged', 'force_reload_after'],
    find: ({ input }) =>
      input.force_reload_after !== null && !input.skip_unchanged
        ? {
            key: ['force_reload_after'],
            problem: 'force_reload_after needs skip_unchanged: true',
            fix: 'add it, or remove force_reload_after',
          }
        : undefined,
  },
  { keys: ['path_columns'], find: ({ input }) => pathClash(input) },
  { keys: ['path_columns', 'metadata_columns'], find: ({ input }) => fileColumnClash(input) },
  {
    keys: ['mask', 'columns', 'primary_keys', 'sequence_by', 'tracking_columns', 'deduplicate'],
    find: ({ input }) => maskClash(input),
  },
  { keys: ['transform'], find: ({ input }) => transformClash(input) },
  { keys: ['expectations'], find: ({ input }) => expectationClash(input) },
  { keys: ['watch'], find: ({ input }) => watchClash(input) },
  { keys: ['scd2_effective_date_column', 'scd2_end_date_column', 'scd2_current_flag_column'], find: scd2Clash },
  { keys: ['partition_columns', 'exclude_columns', 'columns', 'rename_columns'], find: ({ input }) => partitionClash(input) },
  { keys: ['columns', 'exclude_columns'], find: ({ input }) => excludedClash(input) },
  { keys: ['rename_columns'], find: ({ input }) => renameClash(input) },
  { keys: ['source'], find: ({ input }) => sourceClash(input) },
  {
    keys: ['table_properties', 'loading_strategy'],
    find: ({ input, kind }) =>
      input.table_properties['delta.appendOnly']?.toLowerCase() === 'true' && kind !== 'append' && kind !== 'custom'
        ? {
            key: ['table_properties', 'delta.appendOnly'],
            problem: `${kind} removes rows, which an append-only table forbids`,
            fix: 'remove delta.appendOnly, or set loading_strategy: append',
          }
        : undefined,
  },
]

/** Keys of a table that contradict or need one another. */
export function checkCombinations(draft: TableDraft, desk: Desk): void {
  for (const rule of RULES) {
    if (rule.keys.some((key) => draft.bad.has(key))) continue
    const clash = rule.find(draft)
    if (clash !== undefined)
      complain(desk, draft, clash.key, { problem: clash.problem, fix: clash.fix, code: clash.code ?? 'ING-CONFIG-COMBINATION' })
  }
}

function sequenceClash({ primary_keys: keys, sequence_by: sequence }: TableInput): Clash | undefined {
  const known = new Set(keys.map(lower))
  const key = (typeof sequence === 'string' ? [sequence] : (sequence ?? [])).find((name) => known.has(lower(name)))
  return key === undefined
    ? undefined
    : {
        key: ['sequence_by'],
        problem: `${key} is a key: it is the same in all versions of a row`,
        fix: 'name a column that grows with each version',
      }
}

function transformClash({ transform }: TableInput): Clash | undefined {
  const given = (['sql', 'file', 'module'] as const).filter((key) => transform[key] !== null)
  if (given.length > 1)
    return {
      key: ['transform', given[1] ?? 'sql'],
      problem: `a transform has one of sql, file and module, not ${given.join(' and ')}`,
      fix: 'remove all but one',
    }
  if (given.length === 0 && Object.keys(transform.params).length > 0)
    return { key: ['transform', 'params'], problem: 'params need sql, file or module', fix: 'add one of them, or remove params' }
  return undefined
}

function pathClash({ path_columns: written }: TableInput): Clash | undefined {
  if (typeof written === 'string') {
    const problem = patternProblem(written)
    if (problem !== undefined) return { key: ['path_columns'], problem, fix: 'write for example "year=(?<year>\\\\d+)"' }
    return groupNames(written).length > 0
      ? undefined
      : {
          key: ['path_columns'],
          problem: 'the pattern names no column',
          fix: 'write named groups, for example "year=(?<year>\\\\d+)"; for folders name=value write a list: [year]',
        }
  }
  if (Array.isArray(written)) return undefined
  for (const [name, pattern] of Object.entries(written)) {
    const problem = patternProblem(pattern)
    if (problem !== undefined) return { key: ['path_columns', name], problem, fix: `write for example "${name}-(\\\\d+)"` }
  }
  return undefined
}

function fileColumnClash(input: TableInput): Clash | undefined {
  const seen = new Set<string>()
  for (const name of fileColumnNames(fileColumnsOf(input))) {
    if (AUDIT_COLUMNS.some((column) => column.name === lower(name)) || lower(name).startsWith('__'))
      return { key: ['path_columns'], problem: `${name} is a name of ingestd itself`, fix: 'choose another name' }
    if (seen.has(lower(name))) return { key: ['path_columns'], problem: `${name} stands twice`, fix: 'choose another name' }
    seen.add(lower(name))
  }
  return undefined
}

function maskClash(input: TableInput): Clash | undefined {
  const { mask, columns, sequence_by: sequence } = input
  const sequences = typeof sequence === 'string' ? [sequence] : (sequence ?? [])
  const compared = [...input.primary_keys, ...input.tracking_columns, ...(Array.isArray(input.deduplicate) ? input.deduplicate : [])]
  const types = new Map(Array.isArray(columns) ? [] : Object.entries(columns).map(([name, type]) => [lower(name), type]))
  const seen = new Set<string>()
  for (const [name, how] of Object.entries(mask)) {
    const key = ['mask', name]
    const type = types.get(lower(name))
    const isAmong = (names: readonly string[]) => names.some((one) => lower(one) === lower(name))
    if (seen.has(lower(name))) return { key, problem: 'another column differs by case alone', fix: 'remove one of them' }
    seen.add(lower(name))
    if (type !== undefined && !/^(varchar|text|string)$/i.test(type.trim()))
      return { key, problem: `a masked column is text, but columns says ${type}`, fix: 'write VARCHAR there' }
    if (isAmong(sequences)) return { key, problem: `${name} is in sequence_by, and masked values have no order`, fix: 'remove one of them' }
    if (how !== 'hash' && isAmong(compared))
      return { key, problem: `${how} makes different values the same, but rows are told apart by ${name}`, fix: 'write hash' }
  }
  return undefined
}

function watchClash({ watch }: TableInput): Clash | undefined {
  if (watch.mode === 'cron' && watch.cron === null)
    return { key: ['watch', 'mode'], problem: 'mode: cron needs watch.cron', fix: 'add it, for example cron: "0 2 * * *"' }
  if (watch.cron !== null && watch.mode !== 'cron' && watch.mode !== 'auto')
    return { key: ['watch', 'cron'], problem: `mode: ${watch.mode} does not use watch.cron`, fix: 'remove it, or set mode: cron' }
  if (watch.cron !== null && !validate(watch.cron))
    return { key: ['watch', 'cron'], problem: `${JSON.stringify(watch.cron)} is no cron expression`, fix: 'write for example "0 2 * * *"' }
  if (watch.marker === null) return undefined
  if (/[/\\]/.test(watch.marker) || watch.marker.includes('\0'))
    return {
      key: ['watch', 'marker'],
      problem: 'a marker is the name of a file in the same folder',
      fix: 'write for example "{name}.done" or _SUCCESS',
    }
  if (watch.marker.trim() === '{name}')
    return { key: ['watch', 'marker'], problem: 'a file cannot be its own marker', fix: 'write for example "{name}.done"' }
  return undefined
}

function scd2Clash({ input, kind }: TableDraft): Clash | undefined {
  if (kind !== 'scd2') return undefined
  const names = [input.scd2_effective_date_column, input.scd2_end_date_column, input.scd2_current_flag_column].map((name) =>
    name.toLowerCase(),
  )
  return new Set(names).size === names.length
    ? undefined
    : { key: ['scd2_end_date_column'], problem: 'the three scd2 columns must have different names', fix: 'rename one' }
}

function partitionClash(input: TableInput): Clash | undefined {
  const excluded = new Set(input.exclude_columns.map(lower))
  const selected = Array.isArray(input.columns) ? new Set(input.columns.map(lower)) : undefined
  const renamed = new Map(Object.entries(input.rename_columns).map(([from, to]) => [lower(from), to]))
  const newNames = new Set(Object.values(input.rename_columns).map(lower))
  const added = new Set([...AUDIT_COLUMNS.map(({ name }) => name), ...fileColumnNames(fileColumnsOf(input)).map(lower)])
  for (const [index, column] of input.partition_columns.entries()) {
    const key = ['partition_columns', index]
    const to = renamed.get(lower(column))
    if (to !== undefined && !newNames.has(lower(column))) return { key, problem: `${column} is renamed to ${to}`, fix: `write ${to}` }
    if (newNames.has(lower(column)) || (added.has(lower(column)) && !excluded.has(lower(column)))) continue
    if (excluded.has(lower(column))) return { key, problem: `${column} is in exclude_columns`, fix: 'remove it from one of them' }
    if (selected !== undefined && !selected.has(lower(column)))
      return { key, problem: `${column} is not among columns`, fix: 'add it there, or remove it here' }
  }
  return undefined
}

function excludedClash(input: TableInput): Clash | undefined {
  const named = (Array.isArray(input.columns) ? input.columns : Object.keys(input.columns)).map(lower)
  const index = input.exclude_columns.findIndex((column) => named.includes(lower(column)))
  return index < 0
    ? undefined
    : { key: ['exclude_columns', index], problem: `${input.exclude_columns[index]} is also in columns`, fix: 'remove it from one of them' }
}

function renameClash({ rename_columns: names }: TableInput): Clash | undefined {
  const seen = new Set<string>()
  for (const [from, to] of Object.entries(names)) {
    if (seen.has(lower(to)))
      return { key: ['rename_columns', from], problem: `two columns are renamed to ${to}`, fix: 'choose another name' }
    seen.add(lower(to))
  }
  return undefined
}

function sourceClash({ source }: TableInput): Clash | undefined {
  if (source === null) return undefined
  if (source.table !== null && source.query !== null)
    return { key: ['source', 'query'], problem: 'a source has a table or a query, not both', fix: 'remove one of them' }
  if (source.type === 'custom')
    return source.module === null
      ? { key: ['source'], problem: 'a custom source needs module', fix: 'add it, for example module: ./source.mjs' }
      : undefined
  return source.table === null && source.query === null
    ? { key: ['source'], problem: 'a source needs table or query', fix: 'add one, for example table: dbo.orders' }
    : undefined
}

function lower(name: string): string {
  return name.toLowerCase()
}
