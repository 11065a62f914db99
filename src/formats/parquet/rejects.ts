import { id, join, literalList, raw, type Sql, sql } from '../../engine/sql.ts'
import { isByValue } from '../../model/reject.ts'
import { messageOf, throwForeign } from '../engine-message.ts'
import type { FileGroup, FormatContext, JudgedColumn, Rejecting, RejectTarget, SortedFile, SortedOut } from '../format.ts'
import { type Judgement, Misfits } from '../sort-out.ts'
import { ISO_RULES, triedText } from '../values.ts'
import { parquetProblem } from './problem.ts'

/** Rows of Parquet are told by their number: there is no line, and no text. */
export function parquetRejecting(read: (group: FileGroup, context: FormatContext) => Sql): Rejecting {
  return {
    isAligned: () => true,
    isByValue: true,
    place: async () => {},
    sortOut: async (group, columns, to, context) => {
      context.signal.throwIfAborted()
      try {
        return await sortedOut(group, columns, to, { context, rows: read(group, context) })
      } catch (error) {
        throwForeign(error)
        const [only] = group.files
        if (only !== undefined && group.files.length === 1) return { files: new Map(), failed: [parquetProblem(only, messageOf(error))] }
        const parts: SortedOut[] = []
        for (const file of group.files) parts.push(await parquetRejecting(read).sortOut({ ...group, files: [file] }, columns, to, context))
        return { files: new Map(parts.flatMap(({ files }) => [...files])), failed: parts.flatMap(({ failed }) => failed) }
      }
    },
  }
}

/** A value as another type; null where it does not fit. Numbers and texts go by their text, which is exact. */
export function convertedValue(value: Sql, from: string | null, to: string): Sql {
  if (from === to) return value
  if (from !== null && isByValue(from, to)) return triedText(to, sql`${value}::varchar`, ISO_RULES)
  return sql`try_cast(${value} as ${raw(to)})`
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
    .filter(({ name, type }) => own.get(name) !== type)
    .map(({ name, type }) => ({
      bad: sql`(${id(name)} is not null and ${convertedValue(id(name), own.get(name) ?? null, type)} is null)`,
      column: name,
      rule: 'type',
      reason: `not ${/^[AEIOU]/i.test(type) ? 'an' : 'a'} ${type}`,
    }))
  await using misfits = await Misfits.of(rows, { session, table, judgements: asked })
  const files = new Map<string, SortedFile>()
  const limits = [raw('(-1, -1)')]
  for (const [index, { rows: read, misfits: rejected }] of misfits.files) {
    const file = group.files[index]
    if (file === undefined || rejected === 0n) continue
    files.set(file.path, { rows: read, rejected, unread: 0n })
    const given = await misfits.given(index, to.wanted(rejected, read))
    limits.push(raw(`(${index}, ${given.at(-1) ?? -1n})`))
  }
  const paths = literalList(group.files.map(({ path }) => path))
  await session.run(sql`insert into ${to.rows} by name
    select (${paths})[m.index + 1] as path, m.given as number, m.column_name, m.rule, m.reason
    from ${misfits.rows} as m join (values ${join(limits)}) as l(index, last) on l.index = m.index and m.given <= l.last`)
  return { files, failed: [] }
}
