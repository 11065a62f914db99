import { FileError } from '../../errors/errors.ts'
import { truncated, wrongFormat } from '../file-problems.ts'
import type { Format, FormatContext, SourceFile } from '../format.ts'
import { parquet } from '../parquet/parquet.ts'
import { type Part, withParts } from '../parts.ts'
import { CutShort } from '../polars/bytes.ts'
import { type Frame, loadPolars, type Polars } from '../polars/load.ts'
import { parquetParts } from '../polars/parts.ts'
import { takenParts } from '../taken-parts.ts'
import { Container, NotAvro } from './container.ts'
import { type AvroSchema, avroSchema } from './schema.ts'

/** Avro object container files: polars makes Parquet of them, block by block. */
export const avro: Format = {
  ...withParts(parquet, {
    take: async (files, context) => {
      const polars = await loadPolars('file_format: avro')
      return takenParts(files, { atOnce: 1, signal: context.signal }, (file) => partsOf(file, polars, context))
    },
    inner: (context) => context,
  }),
  name: 'avro',
}

/** Codecs of blocks: those of polars, and one that is taken off before. */
const CODECS = ['null', 'deflate', 'snappy', 'zstandard']

async function partsOf(file: SourceFile, polars: Polars, context: FormatContext): Promise<readonly Part[] | FileError> {
  if (file.size === 0n)
    return new FileError('ING-FILE-EMPTY', file.path, `${file.path}: the file has no bytes, and Avro needs a header`, {
      hint: 'deliver it again',
    })
  const container = new Container(context.io.stream(file), Number(file.size))
  try {
    return await parquetParts(
      file,
      async () => {
        const { schema, codec } = await container.header().catch((error: unknown) => problem(file, error))
        if (!CODECS.includes(codec))
          throw wrongFormat(file.path, `its blocks are compressed by ${codec}`, `write it with ${CODECS.join(', ')}`)
        const read = schemaOf(file, schema)
        return { columns: read.columns, frames: frames(container.parts(read.read, codec), file, polars) }
      },
      context,
    )
  } finally {
    await container.close()
  }
}

async function* frames(parts: AsyncIterable<Buffer>, file: SourceFile, polars: Polars): AsyncGenerator<Frame> {
  try {
    for await (const part of parts) yield polars.readAvro(part)
  } catch (error) {
    problem(file, error)
  }
}

function schemaOf(file: SourceFile, text: string): AvroSchema {
  try {
    return avroSchema(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw wrongFormat(file.path, 'its schema is no JSON')
    return problem(file, error)
  }
}

function problem(file: SourceFile, error: unknown): never {
  if (error instanceof CutShort) throw truncated(file.path, 'it stops within a block', error)
  if (error instanceof NotAvro) throw wrongFormat(file.path, error.message, 'check file_format and the file', error)
  throw error
}
