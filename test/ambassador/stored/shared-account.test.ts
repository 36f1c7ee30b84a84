import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorize } from '#ambassador/identity/authorize.ts'
import { newCall } from '#ambassador/new-call.ts'
import { sharedAccount } from '#ambassador/stored/shared-account.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import { manualClock } from '../../manual-clock.ts'
import { requestOf } from '../../sidecar/sidecar-call.ts'

const answer = { status: 200, headers: [], body: bytesBody(Buffer.alloc(0)) }

function callAt(provider: 'anthropic' | 'openai') {
  const credentials = [{ name: 'main', secret: 'KEY' }]
  const models = { m: { targets: [{ provider, model: 'm' }] } }
  const providers = { [provider]: { kind: provider, credentials } }
  const loaded = parseConfig(JSON.stringify({ models, providers }), 'test')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const secrets = { values: new Map<string, string>(), missing: [], reasons: new Map() }
  const { config } = loaded
  const snapshot = { generation: 1, hash: '', config, secrets, since: 0, from: '' }
  const of = { cancellation: new Cancellation(), clock: manualClock(), provider }
  const call = newCall({ ...of, snapshot, tokens: undefined })
  call.tenant = 'team'
  return call
}

/** The code of the refusal; undefined where the question passes. */
async function refusalOf(content: unknown): Promise<string | undefined> {
  const text = JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] })
  const request = { ...requestOf(text, []), path: '/v1/messages' }
  try {
    await sharedAccount()(async () => answer)(request, callAt('anthropic'))
    return undefined
  } catch (error) {
    assert.ok(error instanceof CallError)
    return error.code
  }
}

const file = { type: 'file', file_id: 'file_theirs' }
const image = { type: 'image', source: file }
const document = { type: 'document', source: file }
const blocks: Readonly<Record<string, unknown>> = {
  'an image': [image],
  'blocks of a source': [{ type: 'document', source: { type: 'content', content: [image] } }],
  'blocks of a source in the result of a tool': [
    {
      type: 'tool_result',
      content: [{ type: 'document', source: { type: 'content', content: [image] } }],
    },
  ],
  'a document that was fetched': [
    { type: 'web_fetch_tool_result', content: { type: 'web_fetch_result', content: document } },
  ],
  'an upload to a container': [{ type: 'container_upload', file_id: 'file_theirs' }],
}

for (const [name, content] of Object.entries(blocks)) {
  test(`a question of Messages names no file of the shared account: ${name}`, async () => {
    assert.equal(await refusalOf(content), 'stored-forbidden')
  })
}

test('what executed code has made is told, not asked for', async () => {
  const output = [{ type: 'bash_code_execution_output', file_id: 'file_1' }]
  const content = { type: 'bash_code_execution_result', content: output }
  assert.equal(await refusalOf([{ type: 'bash_code_execution_tool_result', content }]), undefined)
})

test('whether an answer runs on in the background is told by a boolean', async () => {
  const background = async (value: string) => {
    const call = callAt('openai')
    const text = `{"model":"m","input":"x","background":${value}}`
    const request = { ...requestOf(text, []), path: '/v1/responses' }
    await authorize()(async () => answer)(request, call)
    return call.background !== undefined
  }
  assert.deepEqual(
    [await background('true'), await background('false'), await background('null')],
    [true, false, false],
  )
  for (const value of ['"true"', '1', '[true]']) {
    await assert.rejects(background(value), {
      code: 'invalid-field',
      facts: { field: 'background' },
    })
  }
})
