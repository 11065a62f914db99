import { crc32 } from 'node:zlib'
import unbzip2 from 'unbzip2-stream'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { FileError } from '../errors/errors.ts'
import { plainBytes } from './compression.ts'
import { badArchive, gone, truncated, unreadable, wrongFormat } from './file-problems.ts'
import type { SourceFile, SourceIo } from './format.ts'

/** The unpacked bytes of a bzip2 file. Throws FileError where it is cut or damaged. */
export function bunzipped(file: SourceFile, io: SourceIo): AsyncGenerator<Buffer> {
  return bunzip(plainBytes(file, 'none', io), file.path)
}

async function* bunzip(packed: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Buffer> {
  const decoder = unbzip2()
  let out: Buffer[] = []
  let problem: Error | undefined
  decoder.on('data', (bytes: Buffer) => out.push(bytes))
  decoder.on('error', (error: Error) => {
    problem ??= error
  })
  const ready = function* () {
    const some = out
    out = []
    yield* some
  }
  for await (const bytes of packed) {
    decoder.write(bytes)
    yield* ready()
    if (problem) throw wrongFormat(path, 'this is not bzip2 data, or it is damaged', 'check the compression and the file', problem)
  }
  decoder.end()
  yield* ready()
  if (!problem) return
  // What is wrong within the bytes shows before their end, but for a checksum.
  const isDamaged = /crc32|magic|BZIP archive/.test(String(problem.message))
  throw isDamaged
    ? wrongFormat(path, 'this is not bzip2 data, or it is damaged', 'check the compression and the file', problem)
    : truncated(path, 'the bzip2 data stops within a block', problem)
}

/** One file in an archive. */
export interface Member {
  readonly name: string
  readonly packedSize: number
  /** The unpacked bytes, checked against their checksum. */
  bytes(): AsyncGenerator<Buffer>
}

/** Works with the files of a zip archive, in its own order, while it is open. Throws FileError where it is cut or damaged. */
export async function withZip<T>(file: SourceFile, io: SourceIo, work: (members: readonly Member[]) => Promise<T>): Promise<T> {
  let zip: ZipFile | undefined
  try {
    zip = await openPromise(file.readPath, { autoClose: false })
    const members: Member[] = []
    for await (const entry of zip.eachEntry()) if (!entry.fileName.endsWith('/')) members.push(memberOf(zip, entry, file))
    return await work(members)
  } catch (error) {
    throw await zipProblem(file, io, error)
  } finally {
    zip?.close()
  }
}

function memberOf(zip: ZipFile, entry: Entry, file: SourceFile): Member {
  const name = entry.fileName
  const path = `${file.path}!${name}`
  const content = async function* () {
    if (entry.isEncrypted()) throw badArchive(file.path, `its member ${name} is encrypted`, 'deliver it without a password')
    if (!entry.canDecodeFileData())
      throw badArchive(file.path, `its member ${name} is packed by a method that cannot be read`, 'pack it with deflate')
    let sum = 0
    for await (const bytes of await zip.openReadStreamPromise(entry)) {
      sum = crc32(bytes, sum)
      yield bytes
    }
    if (sum >>> 0 !== entry.crc32 >>> 0) throw wrongFormat(path, 'the checksum of the archive is another', 'deliver the archive again')
  }
  const bytes = name.toLowerCase().endsWith('.bz2') ? () => bunzip(content(), path) : content
  return { name, packedSize: entry.compressedSize, bytes }
}

async function zipProblem(file: SourceFile, io: SourceIo, error: unknown): Promise<unknown> {
  if (error instanceof FileError || !(error instanceof Error)) return error
  const code = 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return gone(file.path, error)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EISDIR') return unreadable(file.path, error)
  const isFile = typeof code === 'string' && /^E[A-Z]+$/.test(code)
  if (isFile) return error
  const [first, second] = await io.head(file, 2)
  if (first !== 0x50 || second !== 0x4b)
    return wrongFormat(file.path, 'this is not a zip archive', 'check the compression and the file', error)
  if (/end of central directory|truncated/i.test(error.message))
    return truncated(file.path, 'the zip archive stops before its directory', error)
  return badArchive(file.path, `the zip archive is damaged: ${error.message}`, 'deliver it again')
}
