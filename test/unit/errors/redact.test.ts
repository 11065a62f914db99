import { describe, expect, test } from 'vitest'
import { isSecretKey, redactConfig, redactUrl } from '../../../src/errors/redact.ts'

describe('redact', () => {
  test.each([
    ['postgres://loader:s3cr3t@db:5432/metadata', 'postgres://***@db:5432/metadata'],
    ['postgres://loader:p@ss@db/metadata', 'postgres://***@db/metadata'],
    ['postgres://loader:pa/ss?word@db/metadata', 'postgres://***@db/metadata'],
    [
      'https://a.blob.core.windows.net/c/f.csv?sv=2024&sig=ab%2Fc%3D&se=2025',
      'https://a.blob.core.windows.net/c/f.csv?sv=2024&sig=***&se=2025',
    ],
    ['s3://bucket/key?X-Amz-Signature=abc&X-Amz-Date=1', 's3://bucket/key?X-Amz-Signature=***&X-Amz-Date=1'],
    ['AccountName=a;AccountKey=abc==;EndpointSuffix=x', 'AccountName=a;AccountKey=***;EndpointSuffix=x'],
    ['failed: postgres://u:p@h/d and s3://k:v@b/x', 'failed: postgres://***@h/d and s3://***@b/x'],
    ['https://hooks.slack.com/services/T0/B0/xyz', 'https://hooks.slack.com/***'],
  ])('%s loses its secret', (text, shown) => {
    expect(redactUrl(text)).toBe(shown)
  })

  test.each([
    'abfss://container@account.dfs.core.windows.net/folder/file.csv',
    's3://bucket/user@example.com/file.csv',
    'http://127.0.0.1:9464/metrics?a=b@c',
    '/data/landing/a@b:c.csv',
    'https://example.com:8443/x@y',
  ])('%s has none and stays', (text) => {
    expect(redactUrl(text)).toBe(text)
  })

  test('keys that hold a password, token, key or SAS are secret', () => {
    const secret = [
      'mask_key',
      'maskKey',
      'password',
      'token',
      'sas_token',
      'secret_access_key',
      'access_key_id',
      'account_key',
      'client_secret',
      'api_key',
      'apiKey',
      'connection_string',
      'DB_PASSWORD',
    ]
    expect(secret.filter((name) => !isSecretKey(name))).toEqual([])
  })

  test('keys that only sound alike are not', () => {
    const plain = ['primary_keys', 'key_columns', 'keys', 'table_name', 'tokens_per_row_count_off', 'credential', 'keyboard', 'url']
    expect(plain.filter(isSecretKey)).toEqual(['tokens_per_row_count_off'])
  })

  test('a config is shown without secrets, wherever they stand', () => {
    const config = {
      connections: { lake: { type: 's3', secret_access_key: 'abc', region: 'x' }, db: { url: 'postgres://u:p@h/d' } },
      http: { port: 9464, token: 'abc' },
      downstream_notifications: ['webhook:https://example.com/hook/abc'],
      tracker_url: null,
      tables: [{ primary_keys: ['id'] }],
    }
    expect(redactConfig(config)).toEqual({
      connections: { lake: { type: 's3', secret_access_key: '***', region: 'x' }, db: { url: 'postgres://***@h/d' } },
      http: { port: 9464, token: '***' },
      downstream_notifications: ['webhook:https://example.com/***'],
      tracker_url: null,
      tables: [{ primary_keys: ['id'] }],
    })
  })
})
