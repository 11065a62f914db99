import { type Content, type CorpusTable, failed, ignored, loaded, type Outcome, type Sized, table } from './make.ts'

const SCHEMA = JSON.stringify({
  type: 'struct',
  fields: ['id', 'name'].map((name) => ({ name, type: name === 'id' ? 'long' : 'string', nullable: true, metadata: {} })),
})
const HEAD = [
  { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
  { metaData: { id: 'a', format: { provider: 'parquet', options: {} }, schemaString: SCHEMA, partitionColumns: [], configuration: {} } },
]
interface Action {
  readonly add?: { readonly path: string; readonly dataChange: boolean; readonly isThere: boolean }
}
const add = (path: string, { dataChange = true, isThere = true } = {}): Action => ({ add: { path, dataChange, isThere } })
const remove = (path: string, dataChange = true) => ({ remove: { path, deletionTimestamp: 1, dataChange } })
const log = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`

/** A commit, perhaps without its last bytes. */
function commit(actions: readonly (Action | object)[], cut = 0): Sized {
  return { text: (sizeOf) => textOf(actions, sizeOf).slice(0, cut === 0 ? undefined : -cut) }
}

function textOf(actions: readonly Action[], sizeOf: (path: string) => number): string {
  const whole = actions.map((action) => {
    if (action.add === undefined) return action
    const { path, dataChange, isThere } = action.add
    return { add: { path, partitionValues: {}, size: isThere ? sizeOf(`../${path}`) : 1000, modificationTime: 1, dataChange } }
  })
  return whole.map((action) => `${JSON.stringify(action)}\n`).join('')
}

const row = (id: number): Content => ({ parquet: `select ${id}::bigint as id, 'n${id}' as name` })

/** The log of a source, version by version, and its data files, which are no files of the table. */
function source(name: string, data: Readonly<Record<string, Content>>, commits: readonly (readonly [Content, Outcome])[]): CorpusTable {
  const files = Object.fromEntries(Object.entries(data).map(([path, content]) => [path, [content, ignored] as const]))
  const versions = Object.fromEntries(commits.map((entry, version) => [log(version), entry]))
  return table(name, { file_format: 'delta', source_path_pattern: name }, { ...files, ...versions })
}

const commits = source(
  'delta_commits',
  {
    '1.parquet': row(1),
    '2.parquet': row(2),
    '3.parquet': row(3),
    'both.parquet': { parquet: "select i as id, 'n' || i as name from range(1, 4) t(i)" },
    'cut.parquet': { parquet: "select 7::bigint as id, 'x' as name", damage: (bytes) => bytes.subarray(0, bytes.length >> 1) },
    'text.parquet': 'id,name\n8,x\n',
    'type.parquet': { parquet: "select 'nine' as id, 'x' as name" },
    'last.parquet': row(10),
  },
  [
    [commit([...HEAD, add('1.parquet')]), loaded(1, { id: 1, name: 'n1' })],
    [commit([add('2.parquet'), add('3.parquet')]), loaded(2, { id: 2, name: 'n2' })],
    [commit([{ commitInfo: { operation: 'SET TBLPROPERTIES' } }]), loaded(0)],
    [
      commit([
        remove('1.parquet', false),
        remove('2.parquet', false),
        remove('3.parquet', false),
        add('both.parquet', { dataChange: false }),
      ]),
      loaded(0),
    ],
    [commit([remove('both.parquet')]), failed('SOURCE-REMOVED-ROWS')],
    [commit([add('gone.parquet', { isThere: false })]), failed('SOURCE-DATA-FILE', 'gone.parquet')],
    [commit([add('cut.parquet')]), failed('SOURCE-DATA-FILE', 'cut.parquet')],
    [commit([add('text.parquet')]), failed('SOURCE-DATA-FILE', 'text.parquet')],
    [commit([add('type.parquet')]), failed('FILE-VALUE', 'type.parquet')],
    [commit([add('last.parquet')]), loaded(1, { id: 10, name: 'n10' })],
  ],
)

const cut = source('delta_cut_commit', { '1.parquet': row(1), '2.parquet': row(2) }, [
  [commit([...HEAD, add('1.parquet')]), loaded(1, { id: 1, name: 'n1' })],
  [commit([add('2.parquet')], 20), failed('FILE-TRUNCATED', 'not closed')],
])

const empty = source('delta_empty_commit', { '1.parquet': row(1) }, [
  [commit([...HEAD, add('1.parquet')]), loaded(1, { id: 1, name: 'n1' })],
  ['', failed('FILE-EMPTY')],
])

const foreign = source('delta_unknown_feature', { '1.parquet': row(1), '2.parquet': row(2) }, [
  [commit([...HEAD, add('1.parquet')]), loaded(1, { id: 1, name: 'n1' })],
  [
    commit([
      { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['teleport'], writerFeatures: ['teleport'] } },
      add('2.parquet'),
    ]),
    failed('TABLE-FEATURE', 'teleport'),
  ],
])

export const DELTA: readonly CorpusTable[] = [commits, cut, empty, foreign]
