// What a user of the SDK would write to have objects on the disk, in a process of its own, as many requests at the same time as ours.
// node bench/s3-plain.mjs ENDPOINT BUCKET PREFIX FOLDER [KEY: one object in ranges]
import { createWriteStream, mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { GetObjectCommand, HeadObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { plainClient } from './s3-server.mjs'

const OBJECTS = 96
const RANGES = 8
const RANGE_BYTES = 8 * 1024 * 1024

const [endpoint, Bucket, Prefix, folder, key] = process.argv.slice(2)
const client = plainClient(endpoint)
mkdirSync(folder, { recursive: true })
if (key === undefined) await objects()
else await ranges(join(folder, 'object'))
client.destroy()

async function objects() {
  const limit = pLimit(OBJECTS)
  const work = []
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix }))
    for (const { Key } of Contents) work.push(limit(() => object(Key)))
  await Promise.all(work)
}

async function object(Key) {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  await writeFile(join(folder, Key.slice(Prefix.length)), await Body.transformToByteArray())
}

async function ranges(path) {
  const { ContentLength, ETag } = await client.send(new HeadObjectCommand({ Bucket, Key: key }))
  await writeFile(path, '')
  const starts = Array.from({ length: Math.ceil(ContentLength / RANGE_BYTES) }, (_, index) => index * RANGE_BYTES)
  await pLimit(RANGES).map(starts, async (start) => {
    const Range = `bytes=${start}-${Math.min(start + RANGE_BYTES, ContentLength) - 1}`
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key, Range, IfMatch: ETag }))
    await pipeline(Body, createWriteStream(path, { flags: 'r+', start }))
  })
}
