import { crc32 } from 'node:zlib'
import { BitmapDamage } from './bitmap.ts'
import type { DeletionVector } from './descriptor.ts'

/** A file of deletion vectors: its version, then of each vector the size, the bitmap and a checksum, in network order. */
const VERSION = 1
const FIRST = 1

/** The bitmap of a vector in a file. BitmapDamage where the file does not hold it whole. */
export function bitmapIn(file: Uint8Array, { offset, sizeInBytes }: DeletionVector): Uint8Array {
  const start = offset ?? FIRST
  const end = start + 4 + sizeInBytes
  if (file[0] !== VERSION) throw new BitmapDamage(`it has version ${file[0] ?? 'none'}, and only ${VERSION} is known`)
  if (start < FIRST || end + 4 > file.length) throw new BitmapDamage('its end is missing')
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (view.getInt32(start) !== sizeInBytes) throw new BitmapDamage('its size is not that of the log')
  const bitmap = file.subarray(start + 4, end)
  if (view.getUint32(end) !== crc32(bitmap)) throw new BitmapDamage('its checksum is wrong')
  return bitmap
}

/** The bytes of a file, and where in it each bitmap begins. */
export function fileOf(bitmaps: readonly Uint8Array[]): { readonly content: Uint8Array; readonly offsets: readonly number[] } {
  const content = new Uint8Array(bitmaps.reduce((sum, bitmap) => sum + bitmap.length + 8, FIRST))
  const view = new DataView(content.buffer)
  content[0] = VERSION
  let at = FIRST
  const offsets = bitmaps.map((bitmap) => {
    const start = at
    view.setInt32(start, bitmap.length)
    content.set(bitmap, start + 4)
    view.setUint32(start + 4 + bitmap.length, crc32(bitmap))
    at += bitmap.length + 8
    return start
  })
  return { content, offsets }
}
