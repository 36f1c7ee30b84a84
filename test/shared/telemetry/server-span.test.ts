import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { describeEnding, describeRequest } from '#shared/telemetry/server-span.ts'
import type { AttributeValue, CallSpan } from '#shared/telemetry/tracing.ts'

function kept() {
  const attributes: Record<string, AttributeValue> = {}
  const seen = { name: '', failed: '', attributes }
  const span: CallSpan = {
    isRecording: true,
    isDeferred: false,
    keep: () => {},
    remember: () => {},
    context: () => undefined,
    rename(name) {
      seen.name = name
    },
    set(key, value) {
      if (value !== undefined) attributes[key] = value
    },
    event: () => {},
    fail(errorType) {
      seen.failed = errorType
    },
    end: () => {},
  }
  return { span, seen }
}

test('a span is named for method and route, and the caller cannot make up a name', () => {
  const named = {
    'POST /v1/messages': ['POST', '/v1/messages'],
    'GET /v1/models/{id}': ['GET', '/v1/models/tiny'],
    'HEAD /': ['HEAD', '/'],
    'POST /v1/moderations': ['POST', '/v1/moderations'],
    'GET /v1/files/{id}/content': ['GET', '/v1/files/file-1/content'],
    POST: ['POST', '/v1/anything'],
    'HTTP /v1/models': ['PURGE', '/v1/models'],
  } as const
  for (const [name, [method, path]] of Object.entries(named)) {
    const { span, seen } = kept()
    describeRequest(span, { method, path })
    assert.equal(seen.name, name)
    assert.equal(seen.attributes['url.path'], path)
  }
})

test('of an unknown path no more than its beginning is kept', () => {
  const { span, seen } = kept()
  describeRequest(span, { method: 'M-SEARCH', path: `/${'x'.repeat(1_000)}` })
  assert.equal(String(seen.attributes['url.path']).length, 64)
  assert.equal(seen.attributes['http.route'], undefined)
  assert.equal(seen.attributes['http.request.method'], '_OTHER')
})

test("what fails a span is ours or the provider's, never the caller's", () => {
  const ended = (status: number, error?: CallError) => {
    const { span, seen } = kept()
    describeEnding(span, status, error)
    return [seen.failed, seen.attributes['error.type']]
  }
  assert.deepEqual(ended(200), ['', undefined])
  assert.deepEqual(ended(429), ['', '429'])
  assert.deepEqual(ended(503), ['503', undefined])
  assert.deepEqual(ended(404, new CallError('model-not-found', 'x')), ['', 'model-not-found'])
  assert.deepEqual(ended(499, new CallError('client-left', 'x')), ['', 'client-left'])
  assert.deepEqual(ended(200, new CallError('upstream-reset', 'x')), ['upstream-reset', undefined])
})
