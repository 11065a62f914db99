import { EventEmitter } from 'node:events'
import type { FSWatcher } from 'node:fs'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FolderEvents } from '../../../src/watcher/local-events.ts'
import { glanceAt } from '../../../src/watcher/local-glance.ts'
import { remoteType } from '../../../src/watcher/local-mount.ts'
import { sourceRules } from '../../../src/watcher/rules.ts'
import { tableConfig } from '../../support/table.ts'
import { land, landingFolder } from './support.ts'

const NOW = Date.now()

function rulesOf(folder: string, pattern: string, marker: string | null = null, settleMs = 0) {
  const { watch } = tableConfig()
  return sourceRules(tableConfig({ sourcePattern: join(folder, pattern), fileFormat: 'csv', watch: { ...watch, marker, settleMs } }))
}

test('events tell of paths that are looked at by the decisions of a listing', () => {
  const folder = landingFolder()
  const paths = ['a.csv', 'b.txt', '.c.csv', 'd.csv.part'].map((name) => land(join(folder, name)))
  const { files, waiting, listAll } = glanceAt(rulesOf(folder, '*.csv'), [...paths, join(folder, 'gone.csv')], NOW)
  expect(files.map(({ path }) => path)).toEqual([join(folder, 'a.csv')])
  expect([waiting, listAll]).toEqual([[], false])
})

test('a folder that came has files of which nothing was heard', () => {
  const folder = landingFolder()
  mkdirSync(join(folder, 'x.csv'))
  expect(glanceAt(rulesOf(folder, '**/*.csv'), [join(folder, 'x.csv')], NOW)).toEqual({ files: [], waiting: [], listAll: true })
  mkdirSync(join(folder, '_x'))
  expect(glanceAt(rulesOf(folder, '**/*.csv'), [join(folder, '_x')], NOW).listAll).toBe(false)
})

test('a marker stands for its file, and the marker of a folder for all that is in it', () => {
  const folder = landingFolder()
  land(join(folder, 'a.csv'))
  const marker = land(join(folder, 'a.csv.done'))
  const { files } = glanceAt(rulesOf(folder, '*.csv', '{name}.done'), [marker], NOW)
  expect(files.map(({ path }) => path)).toEqual([join(folder, 'a.csv')])
  expect(glanceAt(rulesOf(folder, '*.csv', '_SUCCESS'), [land(join(folder, '_SUCCESS'))], NOW).listAll).toBe(true)
})

test('a file that is too young is told with the time that it needs', () => {
  const folder = landingFolder()
  const path = land(join(folder, 'a.csv'), 'x', NOW - 400)
  const { files, waiting } = glanceAt(rulesOf(folder, '*.csv', null, 1000), [path], NOW)
  expect(files).toEqual([])
  // Times of files are set as fractions of a second.
  expect(Math.abs((waiting[0]?.readyInMs ?? 0) - 600)).toBeLessThanOrEqual(1)
})

test('when there are no watches left, all are given up and it is told once', () => {
  const folder = landingFolder()
  const told: string[] = []
  const closed: string[] = []
  let watches = 0
  const startWatch = (at: string | Buffer): FSWatcher => {
    watches += 1
    if (watches > 1) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    // Of a watcher nothing else is used.
    return Object.assign(new EventEmitter(), { close: () => closed.push(String(at)) }) as unknown as FSWatcher
  }
  using events = new FolderEvents({ onChange: () => {}, onLost: ({ code }) => told.push(code ?? '') }, startWatch)
  for (const name of ['a', 'b', 'c']) {
    mkdirSync(join(folder, name))
    events.watch({ shown: join(folder, name), raw: null })
  }
  expect([told, closed, events.folders]).toEqual([['ENOSPC'], [join(folder, 'a')], 0])
})

test('a folder is watched once, however often it is listed, and one that is not there not at all', () => {
  const folder = landingFolder()
  using events = new FolderEvents({ onChange: () => {}, onLost: () => {} })
  events.watch({ shown: folder, raw: null })
  events.watch({ shown: folder, raw: null })
  events.watch({ shown: join(folder, 'absent'), raw: null })
  expect(events.folders).toBe(1)
})

test('mounts that tell no events are known by their type; what is not there lies where its folder does', () => {
  const types = new Map([
    ['/mnt/nfs', 0x6969],
    ['/mnt/cifs', -11317950],
    ['/data', 0xef53],
  ])
  const typeOf = (path: string) => {
    const type = types.get(path)
    if (type === undefined) throw new Error('ENOENT')
    return type
  }
  expect(remoteType('/mnt/nfs/in/orders', typeOf)).toBe('nfs')
  expect(remoteType('/mnt/cifs', typeOf)).toBe('cifs')
  expect(remoteType('/data/in', typeOf)).toBeUndefined()
  expect(remoteType('/nowhere', typeOf)).toBeUndefined()
})
