import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { CheckReport } from '../../src/model/report.ts'
import { type Project, project } from '../support/project.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { type Azurite, type S3Server, startAzurite, startS3 } from './servers.ts'

describe('ingest check of buckets and containers', () => {
  let s3: S3Server
  let azurite: Azurite
  let proxy: FaultProxy
  beforeAll(async () => {
    s3 = await startS3()
    azurite = await startAzurite()
    proxy = await startFaultProxy(s3.endpoint)
    await s3.createBucket('lake')
    await azurite.createContainer('lake')
  })
  afterAll(async () => {
    await proxy.stop()
    await s3.stop()
    await azurite.stop()
  })

  const checksOf = async (lake: Readonly<Record<string, unknown>>, table: Readonly<Record<string, unknown>>) => {
    const at: Project = project({ connections: { lake }, tables: [{ table_name: 't', source_path_pattern: '*.csv', ...table }] })
    at.write('landing/a.csv', 'id\n1\n')
    const { stdout } = await at.run(['check', '--json'])
    const { checks } = JSON.parse(stdout) as CheckReport
    return checks
      .filter(({ check }) => check === 'storage')
      .map(({ ok, detail, hint }) => `${ok ? 'ok' : 'FAILED'} ${detail} (${hint ?? ''})`)
  }

  test('says what works', async () => {
    expect(await checksOf(s3.config, { target_path: 's3://lake/t' })).toEqual([
      'ok target: s3://lake can be listed, written and cleaned, and keeps conditions ()',
    ])
    expect(await checksOf(azurite.config, { target_path: 'az://lake/t' })).toEqual([
      'ok target: az://lake can be listed, written and cleaned, and keeps conditions ()',
    ])
  })

  test.each([
    ['the secret', { secret_access_key: 'wrong' }, 's3://lake/t', /the secret access key is wrong.*CREDENTIALS\] \(mend the credentials/],
    ['the key', { access_key_id: 'nobody' }, 's3://lake/t', /the access key is not known.*CREDENTIALS\]/],
    ['the bucket', {}, 's3://nowhere/t', /there is no such bucket.*BUCKET\] \(create it/],
    ['the host', { endpoint: 'http://127.0.0.1:1' }, 's3://lake/t', /no answer \(ECONNREFUSED\).*UNREACHABLE\]/],
  ])('says that %s is wrong', async (_, changes, target, message) => {
    const [said] = await checksOf({ ...s3.config, ...changes }, { target_path: target })
    expect(said).toMatch(message)
    expect(said).toMatch(/^FAILED target: s3/)
  })

  test('says that a container or the key of an account is wrong', async () => {
    const [bucket] = await checksOf(azurite.config, { target_path: 'az://nowhere/t' })
    expect(bucket).toMatch(/^FAILED target: az:\/\/nowhere: there is no such container \[ING-STORAGE-BUCKET\]/)
    const [key] = await checksOf({ ...azurite.config, account_key: 'd3Jvbmc=' }, { target_path: 'az://lake/t' })
    expect(key).toMatch(/^FAILED target: az:\/\/lake: .*\[ING-STORAGE-(CREDENTIALS|DENIED)\]/)
  })

  test('says that the region, the clock, a permission or the condition is wrong', async () => {
    const told = async (code: string, status: number, isTaken: (method: string) => boolean = () => true) => {
      const body = status === 200 ? '' : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>about it</Message></Error>`
      const headers: Record<string, string> = status === 200 ? { etag: '"x"' } : { 'content-type': 'application/xml' }
      proxy.setRules([{ when: ({ method }) => isTaken(method), fault: { kind: 'status', status, headers, body } }])
      const [said] = await checksOf({ ...s3.config, endpoint: proxy.endpoint }, { target_path: 's3://lake/t' })
      return said
    }
    expect(await told('AuthorizationHeaderMalformed', 400)).toMatch(/ING-STORAGE-REGION\] \(set region/)
    expect(await told('RequestTimeTooSkewed', 403)).toMatch(/ING-STORAGE-CLOCK\] \(set the clock/)
    expect(await told('AccessDenied', 403, (method) => method === 'PUT')).toMatch(/ING-STORAGE-DENIED\] \(grant/)
    expect(await told('', 200, (method) => method === 'PUT')).toMatch(/ING-STORAGE-CONDITION\] \(use another store for tables/)
  }, 180_000)
})
