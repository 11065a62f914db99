import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, expect, test } from 'vitest'
import { localBlobs } from '../../src/blobs/local.ts'
import { blobsContract } from './blobs.contract.ts'

const scratch = mkdtempSync(join(tmpdir(), 'ingestd-blobs-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

let roots = 0
function newRoot(): string {
  roots += 1
  const root = join(scratch, `root-${roots}`)
  mkdirSync(root)
  return root
}

/** Writers wait for the word before they put, so that they all run by then. */
const WRITER = `
import { localBlobs } from './blobs/local.js'
const [root, content, ...paths] = process.argv.slice(2)
process.once('message', async () => {
  const blobs = localBlobs(root)
  const answers = []
  for (const path of paths) answers.push(await blobs.putIfAbsent(path, new TextEncoder().encode(content)).catch((error) => error.code))
  process.send({ answers, content }, () => process.exit(0))
})
process.send('ready')
`

/** The module as plain JavaScript, for processes that run without a compiler. */
function compiled(): string {
  const folder = join(scratch, 'js')
  if (existsSync(folder)) return join(folder, 'writer.js')
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, rewriteRelativeImportExtensions: true }
  for (const file of ['blobs/local', 'blobs/blobs', 'errors/errors', 'errors/codes', 'errors/redact']) {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    writeFileSync(
      join(folder, `${file}.js`),
      ts.transpileModule(readFileSync(join('src', `${file}.ts`), 'utf8'), { compilerOptions: options }).outputText,
    )
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'writer.js'), WRITER)
  return join(folder, 'writer.js')
}

interface Answers {
  readonly answers: readonly string[]
  readonly content: string
}

async function race(root: string, paths: readonly string[], writers: number, uid = process.getuid?.()): Promise<readonly Answers[]> {
  const script = compiled()
  const owner = uid === undefined ? {} : { uid }
  const children = Array.from({ length: writers }, (_, index) => fork(script, [root, `${index} `.repeat(2000), ...paths], owner))
  await Promise.all(children.map((child) => once(child, 'message')))
  const answers = children.map(async (child): Promise<Answers> => (await once(child, 'message'))[0])
  for (const child of children) child.send('go')
  return await Promise.all(answers)
}

blobsContract({ open: async () => localBlobs(newRoot()), race })

test('no temporary file is left behind', async () => {
  const root = newRoot()
  const blobs = localBlobs(root)
  await blobs.putIfAbsent('a', new Uint8Array(1))
  await blobs.putIfAbsent('a', new Uint8Array(1))
  await blobs.put('a', new Uint8Array(1))
  expect(readdirSync(root)).toEqual(['a'])
})

test('a stale checksum of Hadoop goes with the content that it was of', async () => {
  const root = newRoot()
  const blobs = localBlobs(root)
  for (const name of ['_last_checkpoint', 'gone']) writeFileSync(join(root, `.${name}.crc`), 'x')
  await blobs.put('_last_checkpoint', new Uint8Array(1))
  await blobs.remove('gone')
  expect(readdirSync(root)).toEqual(['_last_checkpoint'])
})

test('a folder without write permission is read-only storage', async () => {
  const root = newRoot()
  chmodSync(root, 0o555)
  chmodSync(scratch, 0o755)
  // Permissions do not bind root, so root asks as nobody.
  const [denied] = await race(root, ['a'], 1, process.getuid?.() === 0 ? 65_534 : undefined)
  expect(denied?.answers).toEqual(['ING-STORAGE-READ-ONLY'])
})

test('a file where a folder should be is an error of the storage', async () => {
  const root = newRoot()
  writeFileSync(join(root, 'file'), 'x')
  const blobs = localBlobs(join(root, 'file'))
  expect(await blobs.list('_delta_log')).toEqual([])
  await expect(blobs.putIfAbsent('_delta_log/0.json', new Uint8Array(1))).rejects.toMatchObject({ code: 'ING-STORAGE' })
})
