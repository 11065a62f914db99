import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { localBlobs } from '../../../../src/blobs/local.ts'
import { BitmapWriter } from '../../../../src/delta/deletion-vectors/bitmap.ts'
import { fileOf } from '../../../../src/delta/deletion-vectors/container.ts'
import { type DeletionVector, encodedUuid, fileName } from '../../../../src/delta/deletion-vectors/descriptor.ts'
import { deletedRows } from '../../../../src/delta/deletion-vectors/read.ts'
import { encodeZ85 } from '../../../../src/delta/deletion-vectors/z85.ts'
import { id, literal, raw, type Sql, sql } from '../../../../src/engine/sql.ts'
import { session as openSession } from '../../../support/session.ts'

const UUID = '0f3a2b1c-4d5e-4f70-8192-a3b4c5d6e7f8'
const VECTOR = 'STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR, "offset" INTEGER, "sizeInBytes" INTEGER, "cardinality" BIGINT)'

async function table() {
  const root = mkdtempSync(join(tmpdir(), 'ingestd-dv-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const session = await openSession()
  const name = id(session.temporaryName('files'))
  await session.run(sql`create temp table ${name} (path varchar, dv varchar, "add" struct("deletionVector" ${raw(VECTOR)}))`)
  const add = (path: string, vector: DeletionVector | null) =>
    session.run(
      vector === null
        ? sql`insert into ${name} values (${path}, '', {'deletionVector': null::${raw(VECTOR)}})`
        : sql`insert into ${name} values (${path}, 'x', {'deletionVector': {'storageType': ${vector.storageType}, 'pathOrInlineDv': ${vector.pathOrInlineDv}, 'offset': ${vector.offset}, 'sizeInBytes': ${vector.sizeInBytes}, 'cardinality': ${vector.cardinality}}::${raw(VECTOR)}})`,
    )
  const io = { name: 'shop.orders', blobs: localBlobs(root), session }
  const rows = async (files: Sql = name) => {
    const deleted = await deletedRows(files, io)
    return deleted === null
      ? null
      : (await session.rows(sql`select * from ${deleted} order by all`)).map((row) => [row['path'], row['row']])
  }
  return { root, session, name, add, io, rows }
}

function bitmap(positions: readonly bigint[]): Uint8Array {
  const writer = new BitmapWriter()
  writer.add(BigInt64Array.from(positions))
  return writer.finish()
}

describe('the rows that deletion vectors delete', () => {
  it('come from the log, from files beside the data, in a folder and by an absolute path', async () => {
    const { root, add, rows } = await table()
    expect(await rows()).toBeNull()
    await add('plain.parquet', null)
    expect(await rows()).toBeNull()
    // As a public writer made it.
    const inline = '^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L'
    await add('a%20b.parquet', { storageType: 'i', pathOrInlineDv: inline, offset: null, sizeInBytes: 44, cardinality: 6n })
    const parts = [bitmap([0n, 99n]), bitmap([7n, 1n << 33n])]
    const { content, offsets } = fileOf(parts)
    mkdirSync(join(root, 'ab'))
    writeFileSync(join(root, 'ab', fileName(UUID)), content)
    mkdirSync(join(root, 'a b'))
    writeFileSync(join(root, 'a b', 'alone.bin'), fileOf([bitmap([5n])]).content)
    const vector = (index: number) => ({ offset: offsets[index] ?? null, sizeInBytes: parts[index]?.length ?? 0, cardinality: 2n })
    await add('u1.parquet', { storageType: 'u', pathOrInlineDv: `ab${encodedUuid(UUID)}`, ...vector(1) })
    await add('u0.parquet', { storageType: 'u', pathOrInlineDv: `ab${encodedUuid(UUID)}`, ...vector(0) })
    const absolute = `file://${root}/a%20b/alone.bin`
    await add('p.parquet', { storageType: 'p', pathOrInlineDv: absolute, offset: null, sizeInBytes: bitmap([5n]).length, cardinality: 1n })
    expect(await rows()).toEqual([
      ...[3n, 4n, 7n, 11n, 18n, 29n].map((row) => ['a%20b.parquet', row]),
      ['p.parquet', 5n],
      ['u0.parquet', 0n],
      ['u0.parquet', 99n],
      ['u1.parquet', 7n],
      ['u1.parquet', 1n << 33n],
    ])
  })

  it('are refused with the file and the table where a vector is missing, cut, changed or not what the log says', async () => {
    const good = bitmap([1n, 2n, 3n])
    const { content } = fileOf([good])
    const flipped = content.slice()
    flipped[20] = (flipped[20] ?? 0) ^ 4
    const base = { storageType: 'u' as const, pathOrInlineDv: encodedUuid(UUID), offset: 1, sizeInBytes: good.length, cardinality: 3n }
    const inline = { ...base, storageType: 'i' as const, pathOrInlineDv: encodeZ85(good), offset: null }
    const cases: readonly (readonly [Uint8Array | undefined, DeletionVector, RegExp])[] = [
      [undefined, base, /is missing/],
      [content.subarray(0, content.length - 1), base, /its end is missing/],
      [flipped, base, /its checksum is wrong/],
      [content, { ...base, sizeInBytes: 12 }, /its size is not that of the log/],
      [content, { ...base, cardinality: 4n }, /it deletes 3 rows, the log says 4/],
      [content, { ...base, pathOrInlineDv: 'nothing' }, /names no file/],
      [undefined, { ...base, storageType: 'p', pathOrInlineDv: 'file:///etc/passwd' }, /version 114, and only 1 is known/],
      [undefined, { ...base, storageType: 'p', pathOrInlineDv: 'file:///no/where.bin' }, /is missing/],
      [undefined, { ...base, storageType: 'p', pathOrInlineDv: 's3://bucket/x.bin' }, /names no file/],
      [undefined, { ...inline, pathOrInlineDv: inline.pathOrInlineDv.slice(5) }, /in the log is damaged/],
      [undefined, { ...inline, sizeInBytes: good.length - 1 }, /its end is missing/],
    ]
    for (const [bytes, vector, problem] of cases) {
      const { root, add, rows } = await table()
      if (bytes) writeFileSync(join(root, fileName(UUID)), bytes)
      await add('part-1.parquet', vector)
      await expect(rows()).rejects.toMatchObject({
        code: 'ING-TABLE-DATA-FILE',
        message: expect.stringMatching(new RegExp(`shop\\.orders.*part-1\\.parquet.*${problem.source}`)),
      })
    }
  })

  it('are read a page at a time, thousands of vectors of one file', async () => {
    const { root, session, name, rows } = await table()
    const parts = Array.from({ length: 5000 }, (_, index) => bitmap([BigInt(index)]))
    const { content, offsets } = fileOf(parts)
    writeFileSync(join(root, fileName(UUID)), content)
    const size = parts[0]?.length ?? 0
    const step = (offsets[1] ?? 0) - (offsets[0] ?? 0)
    await session.run(sql`insert into ${name} select 'f' || i, 'x', {'deletionVector': {'storageType': 'u', 'pathOrInlineDv': ${literal(encodedUuid(UUID))},
      'offset': 1 + ${step} * i, 'sizeInBytes': ${size}, 'cardinality': 1}::${raw(VECTOR)}} from range(5000) as r(i)`)
    const found = await rows()
    expect(found?.length).toBe(5000)
    expect(found?.every(([path, row]) => path === `f${row}`)).toBe(true)
  })
})
