import { createHash } from 'node:crypto'
import type { Session } from '../engine/engine.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import type { ErrorCode } from '../errors/codes.ts'
import { FileError } from '../errors/errors.ts'
import type { FileGroup, Format, ReadColumn, Rejecting } from '../formats/format.ts'
import type { Mask, TableConfig } from '../model/table.ts'

/**
 * A format whose masked columns are masked where they are read, so that nothing behind it has their values: no plan, no data
 * file, no statistics, no message. The format itself where nothing is masked.
 */
export function withMask(format: Format, table: TableConfig): Format {
  if (Object.keys(table.mask).length === 0) return format
  const mask = new Masking(table)
  return {
    ...format,
    inspect: async (files, context) => {
      const { groups, failed, reader } = await format.inspect(files, context)
      await mask.prepare(context.session)
      const whole = groups.filter((group) => mask.missing(group) === undefined)
      const unmasked = groups.flatMap((group) => mask.failed(group))
      return { reader, groups: whole.map((group) => mask.typed(group)), failed: [...failed.map(silent), ...unmasked] }
    },
    infer: async (groups, context) => mask.texts(await format.infer(groups, context)),
    relation: (group, columns, context) => mask.relation(columns, format.relation(group, mask.texts(columns), context)),
    diagnose: async (group, columns, error, context) => (await format.diagnose(group, mask.texts(columns), error, context)).map(silent),
    ...(format.rejecting === undefined ? {} : { rejecting: maskedRejecting(format.rejecting, mask) }),
  }
}

/** Masked columns are judged as the texts that they are; formats show no record of a table that masks. */
function maskedRejecting(rejecting: Rejecting, mask: Masking): Rejecting {
  return {
    isAligned: () => rejecting.isAligned(),
    place: (group, rows, context) => rejecting.place(group, rows, context),
    sortOut: async (group, columns, to, context) => {
      const { files, failed } = await rejecting.sortOut(group, mask.texts(columns), to, context)
      return { files, failed: failed.map(silent) }
    },
  }
}

class Masking {
  readonly #table: TableConfig
  readonly #how: ReadonlyMap<string, Mask>
  readonly #targets: ReadonlyMap<string, string>

  constructor(table: TableConfig) {
    this.#table = table
    this.#how = new Map(Object.entries(table.mask).map(([name, how]) => [name.toLowerCase(), how]))
    this.#targets = new Map(Object.entries(table.renameColumns).map(([from, to]) => [from.toLowerCase(), to.toLowerCase()]))
  }

  /** Gives the engine what hashes are made with, as variables: no statement holds the key. */
  async prepare(session: Session): Promise<void> {
    const { maskKey } = this.#table
    if (maskKey === null) return
    await session.run(sql`set variable ${id(INNER)} = unhex(${pad(maskKey, 0x36)})`)
    await session.run(sql`set variable ${id(OUTER)} = unhex(${pad(maskKey, 0x5c)})`)
  }

  /** A masked column that files do not have: under another name its values would be stored as they are. */
  missing(group: FileGroup): string | undefined {
    if (group.empty) return undefined
    const names = new Set(group.columns.flatMap(({ name }) => [name.toLowerCase(), this.#target(name)]))
    return Object.keys(this.#table.mask).find((name) => !names.has(name.toLowerCase()))
  }

  failed(group: FileGroup): readonly FileError[] {
    const missing = this.missing(group)
    if (missing === undefined) return []
    const message = `the column ${JSON.stringify(missing)} is missing, which mask names`
    const hint = 'deliver it under this name, name it with rename_columns, or mend mask'
    return group.files.map((file) => new FileError('ING-SCHEMA-MISSING-COLUMN', file.path, `${file.path}: ${message}`, { hint }))
  }

  typed(group: FileGroup): FileGroup {
    return {
      ...group,
      columns: group.columns.map((column) => (this.#of(column.name) === undefined ? column : { ...column, type: 'VARCHAR' })),
    }
  }

  /** Masked columns are read as the text that they are in their file. */
  texts(columns: readonly ReadColumn[]): readonly ReadColumn[] {
    return columns.map((column) => (this.#of(column.name) === undefined ? column : { ...column, type: 'VARCHAR' }))
  }

  relation(columns: readonly ReadColumn[], rows: Sql): Sql {
    const values = columns.map(({ name }) => {
      const how = this.#of(name)
      return how === undefined ? id(name) : sql`${masked(sql`${id(name)}::varchar`, how)} as ${id(name)}`
    })
    return sql`select ${join([...values, raw('__path, __index')])} from (${rows})`
  }

  #target(name: string): string {
    return this.#targets.get(name.toLowerCase()) ?? name.toLowerCase()
  }

  #of(name: string): Mask | undefined {
    return this.#how.get(this.#target(name)) ?? this.#how.get(name.toLowerCase())
  }
}

const INNER = 'ingestd_mask_inner'
const OUTER = 'ingestd_mask_outer'
const HIDDEN = '***'

function masked(text: Sql, how: Mask): Sql {
  switch (how) {
    case 'hash':
      // HMAC (RFC 2104); null stays null through all of it.
      return sql`sha256(getvariable(${literal(OUTER)})::blob || unhex(sha256(getvariable(${literal(INNER)})::blob || encode(${text}))))`
    case 'redact':
      return sql`case when ${text} is not null then ${literal(HIDDEN)} end`
    case 'partial':
      return sql`case when ${text} is null then null
        when ${text} like '_%@_%' then left(${text}, 1) || ${literal(`${HIDDEN}@`)} || split_part(${text}, '@', -1)
        when length(${text}) >= 8 then ${literal(HIDDEN)} || right(${text}, 4) else ${literal(HIDDEN)} end`
  }
}

/** The key as HMAC pads it to a block of the hash, in hexadecimal. */
function pad(key: string, byte: number): string {
  const bytes = Buffer.from(key, 'utf8')
  const block = Buffer.alloc(64)
  ;(bytes.length > block.length ? createHash('sha256').update(bytes).digest() : bytes).copy(block)
  return Buffer.from(block.map((one) => one ^ byte)).toString('hex')
}

/** Errors whose message quotes text of the file that no column was told from. */
const QUOTING: readonly ErrorCode[] = ['ING-FILE-FORMAT', 'ING-FILE-JSON', 'ING-FILE-TRANSFORM']

/** The error without the text of its file: part of it may be what is masked. */
function silent(error: FileError): FileError {
  if (!QUOTING.includes(error.code)) return error
  const behind = error.message.startsWith(error.file) ? error.message.slice(error.file.length) : ''
  const place = `${error.file}${/^:? line \d+/.exec(behind)?.[0].replace(':', '') ?? ''}`
  const what = error.code === 'ING-FILE-TRANSFORM' ? 'the transform fails on its rows' : 'this is not as its format asks'
  const message = `${place}: ${what}; its text is not shown, since the table has masked columns`
  return new FileError(error.code, error.file, message, { hint: error.hint, context: error.context, retry: error.retry })
}
