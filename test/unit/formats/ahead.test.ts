import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { localLanding } from '../../../src/blobs/landing.ts'
import { FileError } from '../../../src/errors/errors.ts'
import { type AheadLook, LookAhead } from '../../../src/formats/ahead.ts'
import type { FileGroup, Format, FormatContext, SourceFile } from '../../../src/formats/format.ts'
import type { BatchFile } from '../../../src/model/file.ts'

/** A format that counts how often it is asked, and finds one column. */
class Counting {
  readonly asked: string[] = []
  readonly format = {
    name: 'csv',
    inspect: async (files: readonly SourceFile[], context: FormatContext) => {
      this.asked.push(`inspect ${files.map(({ path }) => path)}`)
      if (files.some(({ path }) => path.endsWith('.zip'))) await context.io.interim(async () => {})
      if (files.some(({ path }) => path.endsWith('.xlsx'))) {
        // As formats do that tell of a file which they cannot convert.
        const failed = await context.io
          .interim(async () => {})
          .then(
            () => [],
            () => [new FileError('ING-FILE-FORMAT', '/a.xlsx', '')],
          )
        if (failed.length > 0) return { groups: [], failed, reader: null }
      }
      return { groups: [group(files)], failed: [], reader: { dialect: ',' } }
    },
    infer: async (groups: readonly FileGroup[]) => {
      this.asked.push(`infer ${groups.flatMap(({ files }) => files.map(({ path }) => path))}`)
      return [{ name: 'id', type: 'BIGINT' }]
    },
  } as unknown as Format

  look(infers = true): () => Promise<AheadLook> {
    return async () => ({ format: this.format, context: { io: {} } as unknown as FormatContext, infers })
  }

  /** What a load asks, of files that were looked at ahead or not. */
  async load(ahead: LookAhead, files: readonly BatchFile[]): Promise<readonly string[]> {
    this.asked.length = 0
    const context = {} as FormatContext
    const { groups } = await ahead.of(this.format).inspect(opened(files), context)
    // The pipeline makes groups anew when it leaves files out.
    const columns = await ahead.of(this.format).infer(
      groups.map((one) => ({ ...one, files: one.files.filter(() => true) })),
      context,
    )
    expect(columns).toEqual([{ name: 'id', type: 'BIGINT' }])
    return this.asked
  }
}

function group(files: readonly SourceFile[]): FileGroup {
  return { files, columns: [{ name: 'id', type: null }], empty: false }
}

function opened(files: readonly BatchFile[]): readonly SourceFile[] {
  return files.map((file) => ({ ...file, readPath: file.path }))
}

function file(path: string, ordinal: number, more: Partial<BatchFile> = {}): BatchFile {
  return { path, rawPath: null, size: 1n, modifiedNs: 1n, version: '1-1', unit: path, ordinal, ...more }
}

const A = file('/a', 0)
const B = file('/b', 1)

describe('files that were looked at before their batch', () => {
  test('are not looked at again', async () => {
    const counting = new Counting()
    const ahead = new LookAhead(localLanding(join(tmpdir(), 'ingestd-ahead-of-nothing')))
    ahead.begin([A, B], counting.look())
    await ahead.done
    expect(counting.asked).toEqual(['inspect /a,/b', 'infer /a,/b'])
    expect(await counting.load(ahead, [A, B])).toEqual([])
  })

  test('are looked at before what else the load will want, which fails nothing', async () => {
    const counting = new Counting()
    const ahead = new LookAhead(localLanding(join(tmpdir(), 'ingestd-ahead-of-nothing')))
    const besides = async () => {
      counting.asked.push('besides')
      throw new Error('the log is damaged')
    }
    ahead.begin([A], async () => ({ ...(await counting.look()()), besides }))
    await ahead.done
    expect(counting.asked).toEqual(['inspect /a', 'infer /a', 'besides'])
    expect(await counting.load(ahead, [A])).toEqual([])
  })

  test.each([
    ['another file', [A, B, file('/c', 2)]],
    ['fewer files', [A]],
    ['another content', [A, { ...B, version: '2-2' }]],
    ['another place in the batch', [A, { ...B, ordinal: 2 }]],
    ['another snapshot', [A, { ...B, unit: '/folder' }]],
    ['a file that is loaded whatever the guard says', [A, { ...B, approved: true }]],
  ])('are when the batch has %s', async (_, files) => {
    const counting = new Counting()
    const ahead = new LookAhead(localLanding(join(tmpdir(), 'ingestd-ahead-of-nothing')))
    ahead.begin([A, B], counting.look())
    await ahead.done
    const paths = files.map(({ path }) => path)
    expect(await counting.load(ahead, files)).toEqual([`inspect ${paths}`, `infer ${paths}`])
  })

  test('are when they left something behind that goes with the look', async () => {
    const counting = new Counting()
    const ahead = new LookAhead(localLanding(join(tmpdir(), 'ingestd-ahead-of-nothing')))
    const files = [file('/a.zip', 0)]
    ahead.begin(files, counting.look())
    await ahead.done
    counting.format.inspect = async (given) => ({ groups: [group(given)], failed: [], reader: null })
    expect(await counting.load(ahead, files)).toEqual(['infer /a.zip'])
  })

  test('a format that tells of a refused copy as a fault of the file is asked again', async () => {
    const counting = new Counting()
    const ahead = new LookAhead(localLanding(join(tmpdir(), 'ingestd-ahead-of-nothing')))
    const files = [file('/a.xlsx', 0)]
    ahead.begin(files, counting.look())
    await ahead.done
    counting.format.inspect = async (given) => ({ groups: [group(given)], failed: [], reader: null })
    expect(await counting.load(ahead, files)).toEqual(['infer /a.xlsx'])
  })

  test('are when they have been loaded', async () => {
    const counting = new Counting()
    const ahead = new LookAhead(localLanding(join(tmpdir(), 'ingestd-ahead-of-nothing')))
    ahead.begin([A], counting.look())
    await ahead.done
    await ahead.forget()
    expect(await counting.load(ahead, [A])).toEqual(['inspect /a', 'infer /a'])
  })

  test('have no types where the table has them', async () => {
    const counting = new Counting()
    const ahead = new LookAhead(localLanding(join(tmpdir(), 'ingestd-ahead-of-nothing')))
    ahead.begin([A], counting.look(false))
    await ahead.done
    expect(counting.asked).toEqual(['inspect /a'])
    expect(await counting.load(ahead, [A])).toEqual(['infer /a'])
  })
})
