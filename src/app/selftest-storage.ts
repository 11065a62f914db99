import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type Blobs, STAGE_FOLDER } from '../blobs/blobs.ts'

/** One thing that was tried, and whether it held. */
export interface Guarantee {
  readonly name: string
  readonly holds: boolean
  readonly detail: string
}

const KEYS = 20
const WRITERS = 8
/** Large enough to be sent in parts. */
const LARGE_BYTES = 24 * 1024 * 1024

interface Trial {
  readonly name: string
  readonly promise: string
  /** What went against the promise; empty where it held. */
  readonly run: (open: () => Promise<Blobs>, folder: string) => Promise<readonly string[]>
}

const TRIALS: readonly Trial[] = [
  { name: 'conditional-put', promise: `of ${WRITERS} writers of one new name one is told that it made it, ${KEYS} times`, run: race },
  { name: 'read-after-write', promise: `what was written, replaced or removed is read so at once, ${KEYS} times`, run: readAfterWrite },
  { name: 'listing', promise: `what was written or removed is listed so at once, ${KEYS} times`, run: listing },
  {
    name: 'large-file',
    promise: `a file of ${LARGE_BYTES / 1024 / 1024} MiB comes back as it went, and is not overwritten`,
    run: largeFile,
  },
]

/** Tries what tables rest on, in a folder of its own. `open` gives the storage as another process would see it. */
export async function trialsOfStorage(
  open: () => Promise<Blobs>,
  folder: string,
  told: (one: Guarantee) => Promise<void>,
): Promise<readonly Guarantee[]> {
  const guarantees: Guarantee[] = []
  for (const { name, promise, run } of TRIALS) {
    const problems = await run(open, `${folder}/${name}`)
    const one = { name, holds: problems.length === 0, detail: problems.length === 0 ? promise : problems.slice(0, 3).join('; ') }
    guarantees.push(one)
    await told(one)
  }
  return guarantees
}

async function race(open: () => Promise<Blobs>, folder: string): Promise<readonly string[]> {
  const writers = await Promise.all(Array.from({ length: WRITERS }, open))
  const problems: string[] = []
  for (let key = 0; key < KEYS; key += 1) {
    const path = `${folder}/${key}.json`
    const contents = writers.map((_, index) => bytes(`writer ${index} of ${key} ${randomBytes(8).toString('hex')}`))
    const answers = await Promise.all(writers.map((writer, index) => writer.putIfAbsent(path, contents[index] ?? bytes(''))))
    const winners = answers.flatMap((answer, index) => (answer === 'created' ? [index] : []))
    if (winners.length !== 1) problems.push(`${winners.length} of ${WRITERS} writers of ${path} were told that they made it`)
    const winner = contents[winners[0] ?? -1]
    if (winner !== undefined && !(await holds(writers[0], path, winner))) problems.push(`${path} does not hold what its winner wrote`)
  }
  return problems
}

async function readAfterWrite(open: () => Promise<Blobs>, folder: string): Promise<readonly string[]> {
  const [writer, reader] = [await open(), await open()]
  const problems: string[] = []
  for (let key = 0; key < KEYS; key += 1) {
    const path = `${folder}/${key}`
    for (const text of ['first', 'second']) {
      await writer.put(path, bytes(text))
      if (!(await holds(reader, path, bytes(text)))) problems.push(`${path} was read without what was just written`)
    }
    await writer.remove(path)
    if ((await reader.read(path)) !== undefined) problems.push(`${path} was read after it was removed`)
  }
  return problems
}

async function listing(open: () => Promise<Blobs>, folder: string): Promise<readonly string[]> {
  const [writer, reader] = [await open(), await open()]
  const problems: string[] = []
  const expected: string[] = []
  const check = async (what: string) => {
    const listed = (await reader.list(folder)).map(({ path }) => path)
    if (listed.join('\n') !== expected.join('\n'))
      problems.push(`${folder} was listed with ${listed.length} of ${expected.length} names after ${what}`)
  }
  for (let key = 0; key < KEYS; key += 1) {
    const path = `${folder}/${String(key).padStart(4, '0')}`
    await writer.put(path, bytes('x'))
    expected.push(path)
    await check('a write')
  }
  while (expected.length > 0) {
    await writer.remove(expected.pop() ?? '')
    await check('a removal')
  }
  return problems
}

async function largeFile(open: () => Promise<Blobs>, folder: string): Promise<readonly string[]> {
  const [writer, reader] = [await open(), await open()]
  const stage = `${STAGE_FOLDER}/selftest`
  const content = randomBytes(LARGE_BYTES)
  const path = `${folder}/large`
  const send = async () => {
    await writer.createFolder(stage)
    await writeFile(writer.localPath(`${stage}/large`), content)
    await writer.publish([{ from: `${stage}/large`, to: path }])
  }
  try {
    await send()
    // Not by the copy that the writer has kept.
    const stored = await reader.read(path)
    if (stored === undefined || hashOf(stored) !== hashOf(content)) return [`${path} is not what was sent`]
    const [copy = ''] = await reader.fetch([path], [BigInt(LARGE_BYTES)])
    if ((await hashOfFile(copy)) !== hashOf(content)) return [`the copy of ${path} is not what was sent`]
    return await send().then(
      () => [`${path} was overwritten`],
      () => [],
    )
  } finally {
    await writer.removeFolder(stage)
  }
}

async function holds(blobs: Blobs | undefined, path: string, content: Uint8Array): Promise<boolean> {
  const found = await blobs?.read(path)
  return found !== undefined && Buffer.compare(found, content) === 0
}

function hashOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
