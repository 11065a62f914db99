import type { FileError } from '../../errors/errors.ts'
import type { TableConfig } from '../../model/table.ts'
import { bounded } from '../bounded.ts'
import { badArchive, truncated, wrongFormat } from '../file-problems.ts'
import type { Format, FormatContext, SourceFile } from '../format.ts'
import { ndjson } from '../json/json.ts'
import { flagOption, listOption, numberOption, textOption } from '../options.ts'
import { type Part, withParts } from '../parts.ts'
import { takenParts } from '../taken-parts.ts'
import { parseRange, type Range, rowsOf } from './sheet.ts'
import { readWorkbook, type Sheet, type Workbook } from './workbook.ts'

/**
 * Sheets of Excel workbooks. The engine reads none, so their rows pass through here, one piece of a sheet at a time, into
 * files of JSON that the load makes for itself; these are read like any others.
 */
export const xlsx: Format = {
  ...withParts(ndjson, {
    take: (files, context) => takenParts(files, { atOnce: 1, signal: context.signal }, (file) => converted(file, context)),
    inner: (context) => ({ ...context, table: rowsTable(context.table) }),
  }),
  name: 'xlsx',
}

function rowsTable(table: TableConfig): TableConfig {
  return { ...table, fileFormat: 'ndjson', formatOptions: { compression: 'none' }, watch: { ...table.watch, requireFinalNewline: false } }
}

const EVERYTHING: Range = { left: 1, top: 1, right: null, bottom: null }

async function converted(file: SourceFile, { io, table }: FormatContext): Promise<readonly Part[] | FileError> {
  if (file.size === 0n) return truncated(file.path, 'it has no bytes')
  const { withZip } = await import('../unpack.ts')
  const [first, second] = await io.head(file, 2)
  if (first === 0xd0 && second === 0xcf)
    return badArchive(file.path, 'this is an encrypted workbook, or one of Excel before 2007', 'save it as .xlsx without a password')
  return withZip(file, io, async (members) => {
    const workbook = await readWorkbook(
      members.map((member) => ({ ...member, bytes: () => bounded(member.bytes(), limitsOf(file, member.packedSize, table)) })),
    )
    if (workbook === undefined) throw wrongFormat(file.path, 'this is a zip archive, but no workbook of Excel')
    const parts: Part[] = []
    for (const sheet of wantedSheets(file, workbook, table)) parts.push(await rowsPart(file, sheet, workbook, { io, table }))
    return parts
  })
}

function limitsOf(file: SourceFile, packed: number, table: TableConfig): Parameters<typeof bounded>[1] {
  return { file, packed, most: numberOption(table, 'max_unpacked_size'), before: () => 0 }
}

async function rowsPart(
  file: SourceFile,
  sheet: Sheet,
  workbook: Workbook,
  { io, table }: Pick<FormatContext, 'io' | 'table'>,
): Promise<Part> {
  const written = textOption(table, 'range')
  const options = {
    path: `${file.path}!${sheet.name}`,
    range: (written === undefined ? undefined : parseRange(written)) ?? EVERYTHING,
    header: flagOption(table, 'header') ?? true,
    errorsAreNull: textOption(table, 'cell_errors') === 'empty',
  }
  return { ...(await io.interim(rowsOf(sheet, workbook, options))), member: sheet.name }
}

/** The sheets that `sheet` names, all that are shown for `*`, or the first. */
function wantedSheets(file: SourceFile, { sheets }: Workbook, table: TableConfig): readonly Sheet[] {
  const asked = listOption(table, 'sheet')
  const shown = sheets.filter(({ isHidden }) => !isHidden)
  const wanted =
    asked === undefined
      ? shown.slice(0, 1)
      : asked.flatMap((name) => (name === '*' ? shown : [sheets.find((sheet) => sheet.name.toLowerCase() === name.toLowerCase())]))
  const missing = asked?.[wanted.indexOf(undefined)]
  const found = wanted.filter((sheet) => sheet !== undefined)
  if (missing === undefined && found.length > 0) return [...new Set(found)]
  const has = sheets.map(({ name }) => JSON.stringify(name)).join(', ')
  throw wrongFormat(
    file.path,
    `it has no sheet ${missing === undefined ? 'that is shown' : JSON.stringify(missing)}; it has ${has}`,
    'set format_options: {sheet: NAME}',
  )
}
