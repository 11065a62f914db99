import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'

/** Types of file systems whose changes are made elsewhere, and tell no events here; names as `stat -f -c %T` has them. */
const REMOTE = new Map<number, string>([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x65735546, 'fuse'],
  [0x01021997, '9p'],
  [0x00c36400, 'ceph'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'afs'],
  [0x73757245, 'coda'],
  [0x01161970, 'gfs2'],
  [0x7461636f, 'ocfs2'],
  [0x0bd00bd0, 'lustre'],
  [0x786f4256, 'vboxsf'],
  [0xbacbacbc, 'vmhgfs'],
  [0x47504653, 'gpfs'],
  [0x19830326, 'fhgfs'],
])

/** The type of a file system that tells no events; undefined where it is a local one. A path that is not there lies where its folder does. */
export function remoteType(path: string, typeOf: (path: string) => number = (at) => statfsSync(at).type): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    try {
      return REMOTE.get(typeOf(at) >>> 0)
    } catch {
      // Not there yet, or not for us: what lies above it tells as much.
      if (at === dirname(at)) return undefined
    }
  }
}
