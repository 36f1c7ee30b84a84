import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestTarget } from '#shared/http/request-target.ts'

const targets: readonly (readonly [string, string, string])[] = [
  ['/', '/', ''],
  ['/v1/models?a=b?c', '/v1/models', '?a=b?c'],
  ['//x/y', '//x/y', ''],
  ['http://host:1/v1/models?a', '/v1/models', '?a'],
  ['HTTPS://HOST/v1', '/v1', ''],
  ['http://host', '/', ''],
  ['http://host?a=b', '/', '?a=b'],
  ['*', '*', ''],
  ['host:443', 'host:443', ''],
  ['ftp://host/x', 'ftp://host/x', ''],
]

for (const [url, path, query] of targets) {
  test(`${url} asks for ${path} with ${query || 'no query'}`, () => {
    assert.deepEqual(requestTarget(url), { path, query, family: undefined })
  })
}
