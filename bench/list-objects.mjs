// Lists a million keys from a stub that answers pages of 1,000 as S3 does, and says how much memory that took.
// Part of `npm run bench:s3`; alone: `node bench/list-objects.mjs [KEYS]` after `npm run build`.
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

const KEYS = Number(process.argv[2] ?? 1_000_000)
const PAGE = 1000

if (process.argv[3] === 'list') await list(process.argv[4])
else await measure()

async function measure() {
  const server = createServer((request, response) => {
    const from = Number(new URL(request.url, 'http://h').searchParams.get('continuation-token') ?? 0)
    response.setHeader('content-type', 'application/xml')
    response.end(page(from))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${server.address().port}`
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), String(KEYS), 'list', endpoint], { stdio: 'inherit' })
  child.on('exit', (code) => {
    server.close()
    process.exitCode = code ?? 1
  })
}

function page(from) {
  const to = Math.min(from + PAGE, KEYS)
  let contents = ''
  for (let at = from; at < to; at += 1) {
    const key = `landing/orders/2026/11/${String(at).padStart(9, '0')}.csv`
    contents += `<Contents><Key>${key}</Key><LastModified>2026-11-20T00:00:00.000Z</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>100</Size></Contents>`
  }
  const next = to < KEYS ? `<NextContinuationToken>${to}</NextContinuationToken>` : ''
  return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${to < KEYS}</IsTruncated>${next}<EncodingType>url</EncodingType>${contents}</ListBucketResult>`
}

async function list(endpoint) {
  const { openObjects } = await import('../build/blobs/open-objects.js')
  const connection = { type: 's3', endpoint, region: 'us-east-1', pathStyle: true, accessKeyId: 'a', secretAccessKey: 'b' }
  const { store } = await openObjects('s3://bucket/landing/', {
    ...connection,
    sessionToken: null,
    profile: null,
    encryption: null,
    requesterPays: false,
  })
  const began = performance.now()
  let keys = 0
  for await (const { objects } of store.list('landing/')) keys += objects.length
  const seconds = (performance.now() - began) / 1000
  const peak = process.resourceUsage().maxRSS / 1024
  console.log(`${keys} keys in ${seconds.toFixed(1)} s, ${Math.round(peak)} MiB resident at most (goal 200)`)
  if (keys !== KEYS || peak > 200) process.exitCode = 1
}
