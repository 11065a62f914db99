import { describe, expect, test } from 'vitest'

import { load, problems } from './support.ts'

const one = async (connections: string, table: string) => {
  const text = `connections: ${connections}\ntables:\n- {table_name: a, ${table}}`
  const [only] = (await load(text)).tables
  if (only === undefined) throw new Error('no table')
  return only
}

describe('addresses in object stores', () => {
  test.each([
    ['s3://bucket/a/*.csv', 's3://bucket/a/*.csv'],
    ['S3A://bucket/a/*.csv', 's3://bucket/a/*.csv'],
    ['s3n://bucket/a b/c%20d.csv', 's3://bucket/a b/c%20d.csv'],
    ['gs://bucket/a.csv', 'gs://bucket/a.csv'],
    ['abfss://c@acc.dfs.core.windows.net/a/*.csv', 'abfss://c@acc.dfs.core.windows.net/a/*.csv'],
    ['abfs://c@Acc.dfs.core.windows.net/a.csv', 'abfss://c@acc.dfs.core.windows.net/a.csv'],
    ['wasbs://c@acc.blob.core.windows.net/a.csv', 'abfss://c@acc.dfs.core.windows.net/a.csv'],
    ['https://acc.blob.core.windows.net/c/a%20b.csv', 'abfss://c@acc.dfs.core.windows.net/a b.csv'],
    ['https://acc.dfs.core.windows.net/c/a.csv', 'abfss://c@acc.dfs.core.windows.net/a.csv'],
    [
      'abfss://workspace@onelake.dfs.fabric.microsoft.com/l.Lakehouse/Files/a.csv',
      'abfss://workspace@onelake.dfs.fabric.microsoft.com/l.Lakehouse/Files/a.csv',
    ],
    ['az://c/a.csv', 'az://c/a.csv'],
  ])('%s is kept as %s', async (written, kept) => {
    const at = await one(
      '{lake: {type: adls, account_url: "https://acc.blob.core.windows.net"}}',
      `source_path_pattern: "${written}"`,
    ).catch(() => one('{}', `source_path_pattern: "${written}"`))
    expect(at.sourcePattern).toBe(kept)
    expect(at.unsupported).toEqual([])
  })

  test.each([
    ['s3://bucket:pw@host/x.csv', 's3://***@host/x.csv has credentials in it'],
    ['s3:///x.csv', 's3:///x.csv names no bucket'],
    ['abfss://c:secret@acc.dfs.core.windows.net/x.csv', 'abfss://***@acc.dfs.core.windows.net/x.csv has credentials in it'],
    ['abfss://acc.dfs.core.windows.net/x.csv', 'abfss://acc.dfs.core.windows.net/x.csv names no container of an account'],
    ['https://acc.blob.core.windows.net/c/x.csv?sv=1&sig=abc', 'the URL has parameters'],
    ['https://acc.blob.core.windows.net/c/%zz.csv', 'a % in the URL must be followed by two hexadecimal digits'],
  ])('%s is refused: %s', async (written, message) => {
    const [first] = await problems(`tables:\n- {table_name: a, source_path_pattern: "${written}"}`)
    expect(first).toContain(message)
    expect(first).not.toMatch(/secret|abc|pw@/)
  })

  test('below raw_data_path and processed_data_path are joined, and their glob characters stand for themselves', async () => {
    const config = await load(
      `raw_data_path: "s3://bucket/[raw]/"\nprocessed_data_path: s3a://bucket/tables\ntables:\n- {table_name: a, source_path_pattern: ./a/*.csv}`,
    )
    expect(config.tables[0]).toMatchObject({ sourcePattern: 's3://bucket/\\[raw\\]/a/*.csv', targetPath: 's3://bucket/tables/default/a' })
    expect(await problems('raw_data_path: s3://bucket/raw\ntables:\n- {table_name: a, source_path_pattern: ../a/*.csv}')).toEqual([
      '3:40 tables[0].source_path_pattern: .. cannot stand in a path below s3://bucket/raw; write the whole URL [ING-CONFIG-VALUE]',
    ])
  })

  test('of tables are folders of their own in a bucket', async () => {
    const target = (path: string) => problems(`tables:\n- {table_name: a, source_path_pattern: a.csv, target_path: "${path}"}`)
    expect(
      (await load('tables:\n- {table_name: a, source_path_pattern: a.csv, target_path: "s3://bucket/a/"}')).tables[0]?.targetPath,
    ).toBe('s3://bucket/a')
    expect((await target('s3://bucket/'))[0]).toContain('a table cannot be a whole bucket')
    expect((await target('s3://bucket/a//b'))[0]).toContain('names a folder that has no name, or is . or ..')
    expect((await target('s3://bucket/a/../b'))[0]).toContain('names a folder that has no name, or is . or ..')
  })

  test('collide as folders do', async () => {
    const tables = (two: string) =>
      problems(`tables:\n- {table_name: a, source_path_pattern: a.csv, target_path: s3://b/t}\n- {table_name: b, ${two}}`)
    expect((await tables('source_path_pattern: b.csv, target_path: s3a://b/t/inner'))[0]).toContain('lies in the folder of default.a')
    expect((await tables('source_path_pattern: "s3://b/**/*.parquet"'))[0]).toContain('would look into the folder of default.a')
  })
})

describe('archives in object stores', () => {
  const archived = (archive: string, globals = 'raw_data_path: s3://b/raw') =>
    `${globals}\ntables:\n- {table_name: a, source_path_pattern: "s3://b/raw/a/*.csv", after_load: {archive: "${archive}"}}`

  test('are in the bucket of the source, and keep the path below raw_data_path', async () => {
    expect((await load(archived('s3://b/archive/'))).tables[0]?.afterLoad).toEqual({ archive: 's3://b/archive', below: 's3://b/raw' })
    expect((await load(archived('s3://b/archive', ''))).tables[0]?.afterLoad).toEqual({ archive: 's3://b/archive', below: '' })
    for (const elsewhere of ['s3://c/archive', './archive', 'az://b/archive'])
      expect((await problems(archived(elsewhere)))[0]).toContain('must be in the store of the files, s3://b')
    expect((await problems(archived('s3://b/raw/a')))[0]).toContain('would hold the landing files of default.a')
  })
})

describe('connections of tables', () => {
  const S3 =
    '{type: s3, endpoint: "http://h:1", access_key_id: id, secret_access_key: secret, sse: {type: AES256}, requester_pays: true, cache_size: 1MB, prefetch_size: 2MB}'

  test('are the only one of the type, the one that is named, or left to the SDK', async () => {
    const only = await one(`{lake: ${S3}, db: {type: postgres, url: x}}`, 'source_path_pattern: s3://b/*.csv')
    expect(only.storage).toEqual({
      source: {
        type: 's3',
        endpoint: 'http://h:1',
        region: null,
        pathStyle: false,
        accessKeyId: 'id',
        secretAccessKey: 'secret',
        sessionToken: null,
        profile: null,
        encryption: { type: 'AES256', kmsKeyId: null },
        requesterPays: true,
      },
      target: null,
      cacheFolder: expect.stringMatching(/\/cache$/) as string,
      cacheBytes: 1_000_000n,
      prefetchBytes: 2_000_000n,
    })
    const named = await one(
      `{x: ${S3}, y: {type: s3, region: r}}`,
      'connection: y, source_path_pattern: s3://b/*.csv, target_path: s3://c/t',
    )
    expect(named.storage.source).toMatchObject({ region: 'r', accessKeyId: null })
    expect(named.storage.target).toEqual(named.storage.source)
    const none = await one('{}', 'source_path_pattern: s3://b/*.csv')
    expect(none.storage.source).toMatchObject({ type: 's3', endpoint: null, region: null, accessKeyId: null })
  })

  test.each([
    [`{x: ${S3}, y: ${S3}}`, 'source_path_pattern: s3://b/*.csv', 'there are several connections of type s3: x, y; name one of them'],
    ['{x: {type: adls}}', 'source_path_pattern: s3://b/*.csv, connection: x', '"x" is of type adls, but s3:// needs one of type s3'],
    [
      `{x: ${S3}}`,
      'source_path_pattern: a.csv, connection: x',
      'nothing of this table is reached through "x": source and target are local',
    ],
    ['{}', 'source_path_pattern: az://c/a.csv', 'az://c does not tell the account'],
    [
      '{x: {type: adls, account_url: "https://other.blob.core.windows.net"}}',
      'source_path_pattern: "abfss://c@acc.dfs.core.windows.net/a.csv"',
      'the URL is in the account acc, and its connection in another one',
    ],
    [
      '{x: {type: adls, container: other}}',
      'source_path_pattern: "abfss://c@acc.dfs.core.windows.net/a.csv"',
      'the connection is for the container other, and the URL is in c',
    ],
    [
      '{x: {type: adls, credential: service_principal, tenant_id: t}}',
      'source_path_pattern: "abfss://c@acc.dfs.core.windows.net/a.csv"',
      'a service principal needs tenant_id, client_id and client_secret',
    ],
    [
      '{x: {type: s3, access_key_id: a}}',
      'source_path_pattern: s3://b/a.csv',
      'access_key_id and secret_access_key are set together, or neither',
    ],
  ])('%s with {%s} is refused: %s', async (connections, table, message) => {
    expect((await problems(`connections: ${connections}\ntables:\n- {table_name: a, ${table}}`)).join('\n')).toContain(message)
  })

  test('that come from defaults may be for other tables', async () => {
    const text = `connections: {x: ${S3}}\ndefaults: {connection: x}\ntables:\n- {table_name: a, source_path_pattern: a.csv}`
    expect((await load(text)).tables[0]?.storage.source).toBeNull()
  })
})
