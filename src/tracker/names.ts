import {
  type CreateIndexNode,
  type DataTypeNode,
  IdentifierNode,
  type KyselyPlugin,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type PrimaryKeyConstraintNode,
  type QueryResult,
  RawNode,
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
}

/**
 * Gives the tables of one tracker their names in the database: the user names the first, and the others follow from
 * it, so that several trackers can share a database. The name may hold anything; it is an identifier, never text.
 */
export class TrackerNames implements KyselyPlugin {
  readonly #transformer: NameTransformer

  /** The schema where the database has such; its texts are ordered by their bytes then, whatever the database's own order is. */
  constructor(table: string, schema?: string) {
    this.#transformer = new NameTransformer(table, schema)
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
  readonly #schema: string | undefined

  constructor(table: string, schema: string | undefined) {
    super()
    this.#table = table
    this.#schema = schema
  }

  protected override transformTable(node: TableNode): TableNode {
    const suffix = SUFFIXES[node.table.identifier.name]
    if (suffix === undefined) return node
    const name = this.#table + suffix
    const { create, createWithSchema } = SchemableIdentifierNode
    return { ...node, table: this.#schema === undefined ? create(name) : createWithSchema(this.#schema, name) }
  }

  // Names of indexes are one space in a database, as those of tables are.
  protected override transformCreateIndex(node: CreateIndexNode): CreateIndexNode {
    return { ...super.transformCreateIndex(node), name: IdentifierNode.create(`${this.#table}_${node.name.name}`) }
  }

  protected override transformPrimaryKeyConstraint(node: PrimaryKeyConstraintNode): PrimaryKeyConstraintNode {
    return node.name === undefined ? node : { ...node, name: IdentifierNode.create(`${this.#table}_${node.name.name}`) }
  }

  protected override transformDataType(node: DataTypeNode): DataTypeNode {
    if (this.#schema === undefined || node.dataType !== 'text') return node
    // Kysely compiles whatever node stands for a type, but declares the simple ones alone.
    return RawNode.createWithSql('text collate "C"') as unknown as DataTypeNode
  }
}
