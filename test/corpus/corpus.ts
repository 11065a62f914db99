import { BINARY } from './binary.ts'
import { CSV } from './csv.ts'
import { DELTA } from './delta.ts'
import { JSON_FILES } from './json.ts'
import { LINES } from './lines.ts'
import type { CorpusTable } from './make.ts'
import { PACKED } from './packed.ts'
import { PARQUET } from './parquet.ts'
import { VALUES } from './values.ts'

/** Ugly files of all formats, each with how it ends. `corpus.md` shows them as a table. */
export const CORPUS: readonly CorpusTable[] = [...CSV, ...VALUES, ...JSON_FILES, ...LINES, ...PACKED, ...PARQUET, ...BINARY, ...DELTA]
