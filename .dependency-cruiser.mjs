/** Each rule says why; a rule without a reason is a rule that someone will delete. */
const BASE = ['lib/', 'errors/', 'model/']

/** Files of `src/<name>/` may import their own folder and `allowed`, nothing else of ours. */
const folder = (name, allowed, comment) => ({
  name: `${name}-imports`,
  comment,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: [`^src/${name}/`, ...allowed.map((path) => `^src/${path}`)] },
})

/** Only files under `owner` may import the npm package. */
const owns = (owner, pkg, comment) => ({
  name: `${owner} owns ${pkg}`,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${owner}` },
  to: { path: `(^|/)node_modules/${pkg}(/|$)` },
})

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', comment: 'A cycle has no reading order.', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'Nothing reaches this file.',
      from: { orphan: true, path: '^src/', pathNot: '^src/(main|index|script)[.]ts$' },
      to: {},
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'An import that resolves here by luck fails in an installed package.',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-deps',
      severity: 'error',
      comment: 'A production install would break.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'src-not-to-test',
      severity: 'error',
      comment: 'Production code does not lean on tests.',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples)/' },
    },
    {
      name: 'no-inner-barrels',
      severity: 'error',
      comment: 'An inner index hides which file is meant and turns one import into all of a folder.',
      from: {},
      to: { path: '^src/.+/index[.]tsx?$' },
    },

    folder('lib', [], 'Helpers know nothing of the product.'),
    folder('errors', ['lib/'], 'Raised everywhere, so they import next to nothing.'),
    folder('model', ['lib/', 'errors/'], 'The nouns: types and pure functions.'),
    folder('blobs', BASE, 'Bytes by path.'),
    folder('engine', BASE, 'SQL in, files and counts out.'),
    folder(
      'delta',
      [...BASE, 'engine/(engine|sql)[.]ts', 'blobs/blobs[.]ts'],
      'The protocol takes its I/O as arguments; it needs their types.',
    ),
    folder('tracker', BASE, 'Knows files and batches, not how they are loaded.'),
    folder('watcher', [...BASE, 'blobs/(blobs|objects)[.]ts'], 'Finds complete files; admits nothing itself.'),
    folder(
      'formats',
      [...BASE, 'engine/(engine|sql|failure)[.]ts'],
      'A file format as a SQL relation; a session is needed to infer and to diagnose.',
    ),
    folder('strategies', [...BASE, 'engine/sql[.]ts'], 'Rows to a plan; never a file, a table or the tracker.'),
    folder('stores', [...BASE, 'delta/', 'blobs/(blobs|local-(writing|ranges))[.]ts', 'engine/(engine|sql)[.]ts'], 'Where a plan lands.'),
    folder('sources', [...BASE, 'blobs/blobs[.]ts', 'engine/(engine|sql)[.]ts'], 'What is not a file yet.'),
    folder(
      'config',
      [...BASE, '(blobs|formats|strategies|stores|sources)/registry[.]ts'],
      'Asks registries for names and needs; runs nothing.',
    ),
    folder(
      'pipeline',
      [
        ...BASE,
        'blobs/blobs[.]ts',
        'engine/(engine|sql|failure)[.]ts',
        'formats/(format|registry)[.]ts',
        'strategies/(strategy|registry)[.]ts',
        'stores/store[.]ts',
        'tracker/tracker[.]ts',
        'watcher/watcher[.]ts',
        'delta/commit[.]ts',
      ],
      'Orders the steps; builds no adapter.',
    ),
    folder('tui', [...BASE, 'cli/text/'], 'Draws what it is given, with the texts of the command line.'),
    folder('http', BASE, 'Serves what it is given; the daemon, also of the library, starts it.'),
    folder('cli', [...BASE, 'app/', 'tui/', 'config/'], 'Parses, calls the app, prints.'),
    {
      name: 'app-is-the-top',
      severity: 'error',
      comment: 'cli and tui are leaves.',
      from: { path: '^src/app/' },
      to: { path: '^src/(cli|tui|main|index)' },
    },
    {
      name: 'main-imports',
      severity: 'error',
      comment: 'The bin hands argv to the command line; a load process may start beside it.',
      from: { path: '^src/main[.]ts$' },
      to: { path: '^src/', pathNot: '^src/(cli|lib|errors)/|^src/app/start-early[.]ts' },
    },

    owns('engine/duckdb', '@duckdb', 'One place to upgrade DuckDB.'),
    owns('tracker/', '(kysely|better-sqlite3)', 'The tracker owns its SQL.'),
    owns('blobs/s3', '@(aws-sdk|smithy)', 'A local run never loads it.'),
    owns('blobs/azure', '@azure', 'A local run never loads it.'),
    owns('tui/', '(ink|react)', 'A headless run never loads React.'),
    owns('cli/', '(commander|cli-table3)', 'The library has no argument parser and draws no table.'),
    owns('(cli/|app/log[.]ts)', 'picocolors', 'What a library returns has no colour.'),
    owns('http/', 'prom-client', 'Counting costs nothing where metrics are off.'),
    owns('config/', '(yaml|zod)', 'What has passed the config is typed; nothing downstream parses it again.'),
    {
      name: 'fs-in-few-places',
      severity: 'error',
      comment:
        'Steps, stores and formats reach files through blobs/ and the engine, so that the rules on roots and durability hold everywhere.',
      from: {
        path: '^src/',
        pathNot:
          '^src/(script[.]ts|blobs/(local|landing|object-files)|watcher/local|config/read|engine/duckdb|tracker/sqlite|http/page|app/)',
      },
      to: { dependencyTypes: ['core'], path: '^(node:)?fs(/promises)?$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
    },
  },
}
