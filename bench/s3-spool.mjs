// The spool's download of one object, in a process of its own. node bench/s3-spool.mjs ENDPOINT BUCKET KEY FOLDER
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openObjects } from '../build/blobs/open-objects.js'

const [endpoint, bucket, key, folder] = process.argv.slice(2)
const { store } = await openObjects(`s3://${bucket}/`, {
  type: 's3',
  endpoint,
  region: 'us-east-1',
  pathStyle: true,
  accessKeyId: 'bench-key-id',
  secretAccessKey: 'bench-secret-key',
  sessionToken: null,
  profile: null,
  encryption: null,
  requesterPays: false,
})
mkdirSync(folder, { recursive: true })
const entry = await store.head(key)
const outcome = await store.download(entry, join(folder, 'object'))
if (outcome !== 'read') throw new Error(outcome)
process.exit(0)
