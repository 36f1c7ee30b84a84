import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalPath } from '#shared/http/canonical-path.ts'

const rows: readonly (readonly [written: string, path: string, family?: 'openai' | 'anthropic'])[] =
  [
    ['/v1/chat/completions', '/v1/chat/completions'],
    ['/chat/completions', '/v1/chat/completions'],
    ['/openai/v1/chat/completions', '/v1/chat/completions', 'openai'],
    ['/openai/chat/completions', '/v1/chat/completions', 'openai'],
    ['/anthropic/v1/messages', '/v1/messages', 'anthropic'],
    ['/anthropic/v1/models', '/v1/models', 'anthropic'],
    ['/openai/v1/models', '/v1/models', 'openai'],
    ['/messages/count_tokens', '/v1/messages/count_tokens'],
    ['/responses/resp_1.pool~a.b/cancel', '/v1/responses/resp_1.pool~a.b/cancel'],
    ['/models', '/v1/models'],
    ['/audio/speech', '/v1/audio/speech'],
    ['/rerank', '/v1/rerank'],
    ['/v2/rerank', '/v2/rerank'],
    // Nothing else is guessed.
    ['/', '/'],
    ['/api/hello', '/api/hello'],
    ['/v1', '/v1'],
    ['/v1/', '/v1/'],
    ['/v1//models', '/v1//models'],
    ['/Chat/completions', '/Chat/completions'],
    ['/chatter', '/chatter'],
    ['/openai', '/openai'],
    ['/openai/nothing', '/openai/nothing', 'openai'],
    ['/openai/deployments/x/chat/completions', '/openai/deployments/x/chat/completions', 'openai'],
    ['/openai/openai/v1/models', '/openai/openai/v1/models', 'openai'],
    ['/azure/v1/models', '/azure/v1/models'],
    ['//chat/completions', '//chat/completions'],
    ['*', '*'],
  ]

for (const [written, path, family] of rows) {
  test(`${written} is ${path}`, () => {
    assert.deepEqual(canonicalPath(written), { path, family })
    // Once is enough.
    if (family === undefined) assert.equal(canonicalPath(path).path, path)
  })
}
