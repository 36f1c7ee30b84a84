import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import type { CallRequest } from '#shared/http/call.ts'
import { commit } from '../../../ambassador/attempt/commit.ts'
import { newCall } from '../../../ambassador/new-call.ts'
import { manualClock } from '../../manual-clock.ts'

/** A body that does as it is told. */
class Told implements Body {
  sink: BodySink | undefined

  pipe(sink: BodySink): void {
    this.sink = sink
  }

  resume(): void {}
  cancel(): void {}
}

test('an answer too long to be held that fails before anybody reads on fails for who does', async () => {
  const text =
    'providers: { p: { kind: vllm, replicas: { addresses: ["http://127.0.0.1:1"] }, commit: { holdBytes: 8B } } }'
  const loaded = parseConfig(text, 'test')
  assert.ok(loaded.ok)
  const secrets = { values: new Map<string, string>(), missing: [], reasons: new Map() }
  const snapshot = {
    generation: 1,
    hash: '',
    config: loaded.config,
    secrets,
    since: 0,
    from: '',
  }
  const opening = { clock: manualClock(), cancellation: new Cancellation(), snapshot }
  const call = newCall({ ...opening, provider: 'p', tokens: undefined })
  call.surface = surfaceOf('/v1/chat/completions')
  const upstream = new Told()
  const headers = ['content-type', 'application/json']
  const layer = commit()(() => Promise.resolve({ status: 200, headers, body: upstream }))
  const answering = layer({} as CallRequest, call)
  await Promise.resolve()
  upstream.sink?.write(Buffer.from('{"more than eight bytes"'))
  upstream.sink?.fail(new CallError('upstream-reset', 'Cannot go on: reset'))
  const seen: string[] = []
  const { body } = await answering
  body.pipe({
    write: (chunk) => seen.push(chunk.toString()) > 0,
    end: () => seen.push('end'),
    fail: ({ code }) => seen.push(code),
  })
  assert.deepEqual(seen, ['{"more than eight bytes"', 'upstream-reset'])
})
