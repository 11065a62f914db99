import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { mirroredFolder } from '../support/mirrored-folder.ts'
import { blobsContract } from './blobs.contract.ts'

const scratch = mkdtempSync(join(tmpdir(), 'ingestd-mirrored-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function newRoot(): string {
  const root = join(scratch, `root-${readdirSync(scratch).length}`)
  mkdirSync(root)
  return root
}

blobsContract({
  open: async () => mirroredFolder(newRoot(), scratch),
  // Real stores are raced for by processes in the tests of services; here it is many writers in one.
  race: async (root, paths, writers) =>
    Promise.all(
      Array.from({ length: writers }, async (_, index) => {
        const blobs = mirroredFolder(root.slice('s3://bucket'.length), scratch)
        const content = `${index} `.repeat(2000)
        const answers: string[] = []
        for (const path of paths) answers.push(await blobs.putIfAbsent(path, new TextEncoder().encode(content)))
        return { answers, content }
      }),
    ),
})
