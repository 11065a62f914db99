import {
  type CreateIndexNode,
  IdentifierNode,
  type KyselyPlugin,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryResult,
  type RootOperationNode,
  SchemableIdentifierNode,
  type TableNode,
  type UnknownRow,
} from 'kysely'

const SUFFIXES: Readonly<Record<string, string>> = {
  file: '',
  event: '_history',
  batch: '_batches',
  target: '_tables',
  note: '_notes',
  expectation: '_expectations',
  settled: '_settled',
  activity: '_activity',
  daemon: '_daemons',
  meta: '_meta',
  tracker_migration: '_migrations',
  tracker_migration_lock: '_migrations_lock',
}

/**
 * Gives the tables of one tracker their names in the database: the user names the first, and the others follow from
 * it, so that several trackers can share a database. The name may hold anything; it is an identifier, never text.
 */
export class TrackerNames implements KyselyPlugin {
  readonly #transformer: NameTransformer

  constructor(table: string) {
    this.#transformer = new NameTransformer(table)
  }

  transformQuery(args: PluginTransformQueryArgs): RootOperationNode {
    return this.#transformer.transformNode(args.node, args.queryId)
  }

  async transformResult(args: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return args.result
  }
}

class NameTransformer extends OperationNodeTransformer {
  readonly #table: string

  constructor(table: string) {
    super()
    this.#table = table
  }

  protected override transformTable(node: TableNode): TableNode {
    const suffix = SUFFIXES[node.table.identifier.name]
    return suffix === undefined ? node : { ...node, table: SchemableIdentifierNode.create(this.#table + suffix) }
  }

  // Names of indexes are one space in a database, as those of tables are.
  protected override transformCreateIndex(node: CreateIndexNode): CreateIndexNode {
    return { ...super.transformCreateIndex(node), name: IdentifierNode.create(`${this.#table}_${node.name.name}`) }
  }
}
