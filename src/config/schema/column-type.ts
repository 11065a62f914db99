import { mapType, parseType, TypeTextError } from '../../model/type-text.ts'
import { nearest } from '../nearest.ts'

const TYPES = [
  'BOOLEAN',
  'BOOL',
  'LOGICAL',
  'TINYINT',
  'INT1',
  'SMALLINT',
  'INT2',
  'SHORT',
  'INTEGER',
  'INT',
  'INT4',
  'SIGNED',
  'BIGINT',
  'INT8',
  'LONG',
  'HUGEINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
  'UHUGEINT',
  'FLOAT',
  'FLOAT4',
  'REAL',
  'DOUBLE',
  'FLOAT8',
  'DOUBLE PRECISION',
  'DECIMAL',
  'DEC',
  'NUMERIC',
  'VARCHAR',
  'TEXT',
  'STRING',
  'CHAR',
  'BPCHAR',
  'BLOB',
  'BYTEA',
  'BINARY',
  'VARBINARY',
  'DATE',
  'TIME',
  'TIMESTAMP',
  'DATETIME',
  'TIMESTAMP_NTZ',
  'TIMESTAMP_S',
  'TIMESTAMP_MS',
  'TIMESTAMP_NS',
  'TIMESTAMPTZ',
  'TIMESTAMP WITH TIME ZONE',
  'UUID',
  'JSON',
]

const SIZED = /^(DECIMAL|DEC|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$/
const LENGTH = /^(VARCHAR|CHAR|BPCHAR|TEXT|STRING)\s*\(\s*\d+\s*\)$/

/** Why a text under `columns` is no type that a column can be read as; undefined when it is one. */
export function columnTypeProblem(text: string): { readonly problem: string; readonly fix: string } | undefined {
  const plains: string[] = []
  try {
    mapType(parseType(text.trim()), (plain) => {
      plains.push(plain.toUpperCase().replace(/\s+/g, ' '))
      return plain
    })
  } catch (error) {
    if (!(error instanceof TypeTextError)) throw error
    return {
      problem: `${JSON.stringify(text)} is not a type`,
      fix: 'write a DuckDB type, as BIGINT, DECIMAL(18,2), VARCHAR[] or STRUCT(a BIGINT)',
    }
  }
  for (const plain of plains) {
    const problem = plainProblem(plain)
    if (problem !== undefined) return problem
  }
  return undefined
}

function plainProblem(plain: string): { readonly problem: string; readonly fix: string } | undefined {
  if (TYPES.includes(plain) || LENGTH.test(plain)) return undefined
  const [, name, width, scale = '0'] = SIZED.exec(plain) ?? []
  if (name !== undefined) {
    const fits = Number(width) >= 1 && Number(width) <= 38 && Number(scale) <= Number(width)
    return fits
      ? undefined
      : { problem: `${plain} is no decimal`, fix: 'write DECIMAL(width,scale) with a width up to 38 and a scale up to the width' }
  }
  const proposal = nearest(plain.replace(/\(.*$/, ''), TYPES)
  const fix =
    proposal === undefined ? 'write a DuckDB type, as BIGINT, DECIMAL(18,2), VARCHAR[] or STRUCT(a BIGINT)' : `did you mean ${proposal}?`
  return { problem: `${plain} is not a type`, fix }
}
