import type { GlobalInput } from '../schema.ts'
import type { Desk } from './draft.ts'

/** Of a Postgres identifier, with room for what the names of indexes add. */
const LONGEST = 40

/** A URL of Postgres; nothing of it is repeated, since it may hold a password wherever it is wrong. */
export function checkTrackerUrl(
  { tracker_url: url, file_tracker_table: table, file_tracker_database: database }: GlobalInput,
  desk: Desk,
): void {
  if (url === null) return
  const problem = problemOf(url)
  if (problem !== undefined) {
    const fix = 'write postgres://user:password@host:port/database'
    desk.issues.add(desk.places, ['tracker_url'], { problem, fix, code: 'ING-CONFIG-VALUE' })
  }
  for (const [key, name, longest] of [
    ['file_tracker_table', table, LONGEST],
    ['file_tracker_database', database, 63],
  ] as const) {
    if (Buffer.byteLength(name) <= longest) continue
    desk.issues.add(desk.places, [key], {
      problem: `must have at most ${longest} bytes with tracker_url, has ${Buffer.byteLength(name)}`,
      fix: 'choose a shorter name',
      code: 'ING-CONFIG-COMBINATION',
    })
  }
}

function problemOf(url: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(url)) return 'must be a URL that begins with postgres://'
  // Whatever a password or the folder of a socket looks like; only the hosts are of interest.
  const hosts = url
    .replace(/^[a-z]+:\/\//, '')
    .replace(/[/?#].*$/s, '')
    .replace(/^.*@/s, '')
  if (hosts.includes(',')) return 'names several hosts, which is not supported: name one, or an address that follows the primary'
  if (!URL.canParse(url) && hosts !== '') return 'is no URL'
  // One that the driver does not know would leave the connection open to all.
  const mode = /[?&]sslmode=([^&#]*)/.exec(url)?.[1]
  return mode === undefined || SSL_MODES.includes(mode) ? undefined : `has an sslmode that is none of ${SSL_MODES.join(', ')}`
}

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']
