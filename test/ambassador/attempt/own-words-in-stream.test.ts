import assert from 'node:assert/strict'
import { test } from 'node:test'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { commit } from '../../../ambassador/attempt/commit.ts'
import { classifyError } from '../../../ambassador/retry/classify-error.ts'
import { manualClock } from '../../manual-clock.ts'
import { callWith, snapshotOf } from '../admission/stage.ts'
import { chatRequest } from '../chat-request.ts'
import { drained } from '../retry/scripted-call.ts'

const content = 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\n'
const limits = { message: 'org-abc: Limit 30000, Used 29000', type: 'rate_limit_error' }
const quota = { message: 'org-abc', type: 'insufficient_quota', code: 'insufficient_quota' }
const snapshot = snapshotOf(
  { kind: 'openai', credentials: [{ name: 'main', secret: 'KEY' }] },
  { KEY: 'key-of-main' },
)

/** A stream that has content, and then an error of its provider. */
async function streamed(error: object, credential: string) {
  const context = callWith(manualClock(), snapshot, {
    surface: surfaceOf('/v1/chat/completions'),
    isStream: true,
    credential,
    id: 'c',
  })
  const headers = ['content-type', 'text/event-stream']
  const body = pieces(content, `data: ${JSON.stringify({ error })}\n\n`)
  const inner = async (): Promise<CallResponse> => ({ status: 200, headers, body })
  const answer = await commit()(inner)(chatRequest(Buffer.from('{}')), context)
  return { text: await drained(answer.body), context }
}

/** A body whose second part comes when it is read on. */
function pieces(first: string, second: string): Body {
  let sink: BodySink | undefined
  let rest = [second]
  return {
    pipe(to) {
      sink = to
      sink.write(Buffer.from(first))
    },
    resume() {
      const due = rest
      rest = []
      for (const text of due) sink?.write(Buffer.from(text))
    },
    cancel() {
      rest = []
    },
  }
}

const told = {
  'rate-limited': limits,
  'provider-exhausted': quota,
} as const

for (const [code, error] of Object.entries(told)) {
  test(`an error of the account in a committed stream is told as ${code}`, async () => {
    const { text, context } = await streamed(error, 'main')
    assert.ok(text.startsWith(content), text)
    const event: unknown = JSON.parse(text.slice(content.length + 'data: '.length))
    assert.ok(!text.includes('org-abc') && !text.includes('30000'), text)
    assert.match(JSON.stringify(event), new RegExp(`"code":"${code}"`))
    assert.equal(context.error?.code, code)
    assert.match(String(context.error.facts['cause']), /^429 /)
    // The verdict on the credential is that of the provider's own words.
    const kind = code === 'rate-limited' ? 'throttled' : 'exhausted'
    assert.equal(classifyError(context.error, { kind: 'openai' }).kind, kind)
  })
}

test('without a key, and of the provider’s own failures, the event passes byte for byte', async () => {
  const cases = [
    [limits, ''],
    [{ message: 'overloaded', type: 'overloaded_error' }, 'main'],
    [{ message: 'bad', type: 'invalid_request_error' }, 'main'],
  ] as const
  for (const [error, credential] of cases) {
    const { text } = await streamed(error, credential)
    assert.equal(text, `${content}data: ${JSON.stringify({ error })}\n\n`)
  }
})
