import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import { begin, checkpoint, commit, files, inLog, open, padded, paths, root, setTime, simpleLog } from './log-support.ts'
import { add, writeCommit } from './support.ts'

beforeEach(begin)

test.each([
  ['cut in a line', '{"add":{"path":"x"'],
  ['filled with zeros', '\0'.repeat(64)],
  ['of another format', 'PAR1'],
  ['with an action of another shape', '{"add":"x"}'],
])('a commit that is %s is named', async (_, text) => {
  simpleLog(3)
  writeFileSync(commit(2), text)
  const failure = await open()
    .then((snapshot) => snapshot.files())
    .catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'ING-TABLE-LOG', message: expect.stringContaining(`${padded(2)}.json`) })
})

test('a commit that another writer has written by half is damage now, and read when it is whole', async () => {
  simpleLog(2)
  const snapshot = await open()
  const line = JSON.stringify(add('3'))
  writeFileSync(commit(3), line.slice(0, 20))
  await expect(snapshot.advance()).rejects.toMatchObject({ code: 'ING-TABLE-LOG' })
  expect(snapshot.state.version).toBe(2n)
  writeFileSync(commit(3), line)
  expect(await snapshot.advance()).toEqual([3n])
  expect(await paths(snapshot)).toEqual(files(3))
})

test('what was read before the rest of its commit came is never made a checkpoint', async () => {
  simpleLog(3)
  const snapshot = await open()
  expect(await paths(snapshot)).toEqual(files(3))
  appendFileSync(commit(3), `${JSON.stringify(add('late'))}\n`)
  await expect(checkpoint(snapshot)).rejects.toThrow('version 3 was written again')
  await expect(snapshot.advance()).rejects.toThrow('version 3 was written again')
  expect(await paths()).toEqual([...files(3), 'late'])
})

test('a log that is replaced by a shorter one, or by another one as long, is not gone on with', async () => {
  simpleLog(3)
  const shorter = await open()
  rmSync(commit(3))
  await expect(shorter.advance()).rejects.toMatchObject({ code: 'ING-TABLE-LOG', message: expect.stringContaining('version 3 is gone') })
  const other = await open()
  rmSync(inLog(''), { recursive: true })
  simpleLog(4)
  setTime(2, 1000)
  await expect(other.advance()).rejects.toThrow('version 2 was written again')
})

test('our own commit is known from when it is listed for the first time', async () => {
  simpleLog(1)
  const snapshot = await open()
  writeCommit(root, 2, [add('2')])
  snapshot.committed({ ...snapshot.state, version: 2n })
  expect(await snapshot.advance()).toEqual([])
  writeCommit(root, 3, [add('3')])
  expect(await snapshot.advance()).toEqual([3n])
  expect(await paths(snapshot)).toEqual(files(3))
  setTime(2, 1000)
  await expect(checkpoint(snapshot)).rejects.toThrow('version 2 was written again')
})

test('a table that comes to need what we refuse is refused again and again, not only when it is read', async () => {
  simpleLog(1)
  const snapshot = await open()
  writeCommit(root, 2, [
    { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['tomorrow'], writerFeatures: ['tomorrow'] } },
  ])
  for (let attempt = 0; attempt < 2; attempt += 1) await expect(snapshot.advance()).rejects.toMatchObject({ code: 'ING-TABLE-FEATURE' })
  expect(snapshot.state.version).toBe(1n)
})
