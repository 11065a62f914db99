import { id, raw, type Sql, sql } from '../../engine/sql.ts'
import { isByValue } from '../../model/reject.ts'
import type { FileGroup, FormatContext, JudgedColumn, Rejecting, RejectTarget, SortedFile, SortedOut } from '../format.ts'
import { type Judgement, Misfits, sortedByHalves, typeJudgement } from '../sort-out.ts'
import { hasEndless, ISO_RULES, triedText } from '../values.ts'
import { parquetProblem } from './problem.ts'

/** Rows of Parquet are told by their number: there is no line, and no text. */
export function parquetRejecting(read: (group: FileGroup, context: FormatContext) => Sql): Rejecting {
  return {
    isAligned: () => true,
    isByValue: true,
    place: async () => {},
    sortOut: (group, columns, to, context) => {
      const sortOut = (part: FileGroup) => sortedOut(part, columns, to, { context, rows: read(part, context) })
      return sortedByHalves(group, { signal: context.signal, sortOut, failure: parquetProblem })
    },
  }
}

/** A value as another type; null where it does not fit. Numbers and texts go by their text, which is exact. */
export function convertedValue(value: Sql, from: string | null, to: string): Sql {
  if (from !== null && from !== to && isByValue(from, to)) return triedText(to, sql`${value}::varchar`, ISO_RULES)
  const converted = from === to ? value : sql`try_cast(${value} as ${raw(to)})`
  return hasEndless(to) ? sql`case when isfinite(${converted}) then ${converted} end` : converted
}

async function sortedOut(
  group: FileGroup,
  columns: readonly JudgedColumn[],
  to: RejectTarget,
  { context, rows }: { readonly context: FormatContext; readonly rows: Sql },
): Promise<SortedOut> {
  const { session, table } = context
  const own = new Map(group.columns.map(({ name, type }) => [name, type]))
  const asked: readonly Judgement[] = columns
    .filter(({ name, type }) => own.get(name) !== type || hasEndless(type))
    .map((column) => typeJudgement(column, convertedValue(id(column.name), own.get(column.name) ?? null, column.type)))
  await using misfits = await Misfits.of(rows, { session, table, judgements: asked })
  const files = new Map<string, SortedFile>()
  const last = new Map<number, bigint>()
  for (const [index, { rows: read, misfits: rejected }] of misfits.files) {
    const file = group.files[index]
    if (file === undefined || rejected === 0n) continue
    files.set(file.path, { rows: read, rejected, unread: 0n })
    const given = await misfits.given(index, to.wanted(rejected, read))
    last.set(index, given.at(-1) ?? -1n)
  }
  await session.run(sql`insert into ${to.rows} by name
    select path, given as number, column_name, rule, reason from ${misfits.upTo(last, group.files)}`)
  return { files, failed: [] }
}
