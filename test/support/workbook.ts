import { zipOf } from './zip.ts'

export interface SheetParts {
  readonly name: string
  /** The rows in XML. */
  readonly rows: string
  readonly state?: string
}

export interface WorkbookParts {
  readonly strings?: readonly string[]
  /** Codes of number formats; the style of a cell is the position here, after 0 (plain), 1 (date), 2 (date and time), 3 (time of day). */
  readonly formats?: readonly string[]
  readonly is1904?: boolean
}

/** An Excel workbook, part by part as Excel writes it. */
export function workbook(sheets: readonly SheetParts[], { strings = [], formats = [], is1904 = false }: WorkbookParts = {}): Buffer {
  const custom = formats.map((code, index) => `<numFmt numFmtId="${200 + index}" formatCode="${code}"/>`).join('')
  const cells = [0, 14, 22, 21, ...formats.map((_code, index) => 200 + index)].map((id) => `<xf numFmtId="${id}"/>`).join('')
  const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
  const parts = sheets.map(
    ({ name, state }, index) => `<sheet name="${name}" sheetId="${index + 1}"${state ? ` state="${state}"` : ''} r:id="rId${index + 1}"/>`,
  )
  const relations = sheets.map(
    (_sheet, index) => `<Relationship Id="rId${index + 1}" Type="worksheet" Target="worksheets/sheet${index + 1}.xml"/>`,
  )
  return zipOf([
    { name: '[Content_Types].xml', content: '<Types/>' },
    {
      name: 'xl/workbook.xml',
      content: `<?xml version="1.0"?><workbook ${main} xmlns:r="r"><workbookPr${is1904 ? ' date1904="1"' : ''}/><sheets>${parts.join('')}</sheets></workbook>`,
    },
    {
      name: 'xl/_rels/workbook.xml.rels',
      content: `<Relationships>${relations.join('')}<Relationship Id="s" Target="sharedStrings.xml"/><Relationship Id="t" Target="/xl/styles.xml"/></Relationships>`,
    },
    {
      name: 'xl/styles.xml',
      content: `<styleSheet><numFmts>${custom}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>${cells}</cellXfs></styleSheet>`,
    },
    { name: 'xl/sharedStrings.xml', content: `<sst ${main}>${strings.map((text) => `<si>${text}</si>`).join('')}</sst>` },
    ...sheets.map(({ rows }, index) => ({
      name: `xl/worksheets/sheet${index + 1}.xml`,
      content: `<?xml version="1.0" encoding="UTF-8"?>\n<worksheet ${main}><sheetData>${rows}</sheetData></worksheet>`,
    })),
  ])
}

/** Rows of numbers, texts (as inline strings) and empty cells, from A1 on. */
export function plainRows(rows: readonly (readonly (number | string | null)[])[]): string {
  const cell = (value: number | string | null) => {
    if (value === null) return '<c/>'
    return typeof value === 'number' ? `<c><v>${value}</v></c>` : `<c t="inlineStr"><is><t>${value}</t></is></c>`
  }
  return rows.map((row) => `<row>${row.map(cell).join('')}</row>`).join('')
}
