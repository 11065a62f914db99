import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { localLanding } from '../../../src/blobs/landing.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ingestd-landing-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function landed(content: string) {
  const path = join(folder, 'a.csv')
  writeFileSync(path, content)
  const { size, mtimeNs } = statSync(path, { bigint: true })
  return { path, readPath: path, rawPath: null, size, modifiedNs: mtimeNs, version: `${size}-${mtimeNs}` }
}

test('the version is that of the listing, another after a change, and none when the file is gone', () => {
  const landing = localLanding(join(folder, 'spool'))
  const file = landed('id\n1\n')
  expect(landing.versionOf(file)).toBe(file.version)
  writeFileSync(file.path, 'id\n1\n2\n')
  expect(landing.versionOf(file)).not.toBe(file.version)
  rmSync(file.path)
  expect(landing.versionOf(file)).toBeUndefined()
})

test('head and tail give as many bytes as there are', async () => {
  const landing = localLanding(join(folder, 'spool'))
  const file = landed('0123456789')
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  expect([text(await landing.head(file, 3)), text(await landing.tail(file, 3))]).toEqual(['012', '789'])
  expect([text(await landing.head(file, 99)), text(await landing.tail(file, 99))]).toEqual(['0123456789', '0123456789'])
})

test('a file that is gone fails with a code of its own', async () => {
  const landing = localLanding(join(folder, 'spool'))
  const file = landed('x')
  rmSync(file.path)
  await expect(landing.head(file, 1)).rejects.toMatchObject({ code: 'ING-FILE-GONE', file: file.path })
})
