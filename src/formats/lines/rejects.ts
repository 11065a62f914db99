import { id, join, raw, type Sql, sql } from '../../engine/sql.ts'
import type { TableConfig } from '../../model/table.ts'
import { withPath } from '../file-list.ts'
import type {
  FileGroup,
  FormatContext,
  JudgedColumn,
  ReadColumn,
  Rejecting,
  RejectTarget,
  SortedFile,
  SortedOut,
  SourceFile,
} from '../format.ts'
import {
  fillIn,
  fitting,
  integers,
  isMasked,
  type Judgement,
  Misfits,
  numbersOf,
  Places,
  sortedByHalves,
  textJudgements,
} from '../sort-out.ts'
import { triedText } from '../values.ts'
import { linesAt, numbered, unreadable } from './diagnose.ts'
import { layoutOf, readLines } from './reading.ts'
import { isRecord, type LineRules, textsOf } from './rules.ts'

/** Rules by which lines are sorted out. */
export const LINE_RULES = ['ragged', 'pattern', 'type'] as const

/** Lines that are no records, or have a value that does not fit. */
export function lineRejecting(rulesOf: (table: TableConfig) => LineRules): Rejecting {
  return {
    isAligned: () => true,
    sortOut: (group, columns, to, context) => new LineSorting(rulesOf(context.table), context).sortOut(group, columns, to),
    place: (group, rows, context) => new LineSorting(rulesOf(context.table), context).place(group, rows),
  }
}

/** The rows of a group without those that were noted. */
export function siftedRelation(group: FileGroup, columns: readonly ReadColumn[], rules: LineRules): Sql {
  const records = sql`select * from (${recordsOf(group, columns, rules)}) where ${rules.fits(raw('__line'))}`
  return fitting(records, columns, (type, text) => triedText(type, text, rules.reading))
}

/** The texts of the columns and the line itself, as `__line`. */
function recordsOf(group: FileGroup, columns: readonly ReadColumn[], rules: LineRules): Sql {
  const texts = new Map(textsOf(group, rules).map(({ name, text }) => [name, text]))
  const values = columns.map(({ name }) => sql`${texts.get(name) ?? raw('null::varchar')} as ${id(name)}`)
  return withPath(group, join([...values, raw('line as __line')]), (naming) => {
    const read = readLines(group.files, { reading: rules.reading, layout: layoutOf(group), more: naming })
    return sql`${read} where ${isRecord(rules)}`
  })
}

class LineSorting {
  readonly #rules: LineRules
  readonly #context: FormatContext

  constructor(rules: LineRules, context: FormatContext) {
    this.#rules = rules
    this.#context = context
  }

  sortOut(group: FileGroup, columns: readonly JudgedColumn[], to: RejectTarget): Promise<SortedOut> {
    const { session, table, signal } = this.#context
    const { reading, misfit, fits, passesOver } = this.#rules
    const asked: readonly Judgement[] = [
      ...(passesOver ? [] : [{ bad: sql`not coalesce(${fits(raw('__line'))}, false)`, column: null, ...misfit }]),
      ...textJudgements(columns, reading),
    ]
    const judged = { session, table, judgements: asked, raw: raw('__line') }
    const sortOut = async (part: FileGroup) => {
      await using misfits = await Misfits.of(recordsOf(part, columns, this.#rules), judged)
      return await this.#placed(part, misfits, to)
    }
    return sortedByHalves(group, { signal, sortOut, failure: (file, message) => unreadable(file, message, reading) })
  }

  async #placed(group: FileGroup, misfits: Misfits, to: RejectTarget): Promise<SortedOut> {
    const { session } = this.#context
    const files = new Map<string, SortedFile>()
    const last = new Map<number, bigint>()
    await using places = await Places.open(session)
    for (const [index, file] of group.files.entries()) {
      const { rows, misfits: rejected } = misfits.files.get(index) ?? { rows: 0n, misfits: 0n }
      if (rejected === 0n) continue
      const numbers = await misfits.given(index, to.wanted(rejected, rows))
      await this.#find(group, { file, index }, numbers, places)
      files.set(file.path, { rows, rejected, unread: 0n })
      last.set(index, numbers.at(-1) ?? -1n)
    }
    await session.run(sql`insert into ${to.rows} by name
      select m.path, m.given as number, p.line, m.column_name, m.rule, m.reason, m.raw
      from ${misfits.upTo(last, group.files)} as m left join ${places.rows} as p on p.index = m.index and p.number = m.given`)
    return { files, failed: [] }
  }

  async place(group: FileGroup, rows: Sql): Promise<void> {
    const { session } = this.#context
    for (const [index, file] of group.files.entries()) {
      const numbers = await numbersOf(rows, file, session)
      if (numbers.length === 0) continue
      await using places = await Places.open(session)
      await this.#find(group, { file, index }, numbers, places)
      await fillIn(rows, { file, index }, places, session)
    }
  }

  /** Notes the lines of records, by their number among those of the file, ascending. */
  async #find(
    group: FileGroup,
    { file, index }: { readonly file: SourceFile; readonly index: number },
    numbers: BigInt64Array,
    places: Places,
  ): Promise<void> {
    const { session, table } = this.#context
    const records = sql`select row_number() over (order by row) - 1 as number, row, line from (${numbered(group, file, this.#rules)})
      where ${isRecord(this.#rules)}`
    const wanted = sql`select unnest([${raw(numbers.join(', '))}]::bigint[]) as number`
    const rows = await integers(sql`select row from (${records}) join (${wanted}) using (number) order by number`, session)
    const lines = await linesAt(file, rows, { group, reading: this.#rules.reading, context: this.#context })
    const texts = isMasked(table)
      ? []
      : await this.#texts(sql`select line from (${records}) join (${wanted}) using (number) order by number`)
    for (const [at, line] of lines.entries()) {
      const number = Number(numbers[at])
      places.add({ index, key: number, number, line, raw: texts[at] ?? null, utf8: true, rule: null, reason: null })
      await places.flush(false)
    }
    await places.flush(true)
  }

  async #texts(query: Sql): Promise<readonly string[]> {
    return (await this.#context.session.rows(query)).map(({ line }) => String(line))
  }
}
