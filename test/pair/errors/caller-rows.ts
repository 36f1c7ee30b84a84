import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { callOf } from '../harness.ts'
import { until } from './occupy.ts'
import { type Row, type Rows, refusing } from './row.ts'
import { asking, heard, posting, type SdkName, type Sdks, saying, sdksOf } from './sdks.ts'
import { type ApplicationStage, applicationLimits } from './stages.ts'

/** Whatever the SDKs ask, these bytes behind its path are what the sidecar hears. */
function hearing(method: string, rest: string): Pick<RowOfCaller, SdkName> {
  const { openai, anthropic } = asking({})
  const mute = ({ pair }: ApplicationStage, path: string): Sdks =>
    sdksOf(pair.port, saying(pair.port, `${method} ${path} HTTP/1.1\r\nhost: x\r\n${rest}`))
  return {
    openai: (_sdks, stage) => openai(mute(stage, '/v1/chat/completions')),
    anthropic: (_sdks, stage) => anthropic(mute(stage, '/v1/messages')),
  }
}

type RowOfCaller = Extract<Row<ApplicationStage>, { openai: unknown }>

/** A body that begins and does not go on. */
const endless = () =>
  new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{')) })

const tooMany = 'x'.repeat(applicationLimits.bodyBytes + 1)

/** To a model that has no tools. */
const toBlind = { model: 'blind', messages: [{ role: 'user' as const, content: 'hello' }] }
const parameters = { type: 'object' as const, properties: {} }

/** What a caller did wrong, provoked by it. */
export const callerRows = {
  'malformed-request': {
    // Two readers of it would disagree on where the next request begins.
    ...hearing('POST', 'content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
    writer: 'parser',
  },
  'invalid-json': posting(() => '{"model":"tiny",,}'),
  'invalid-field': refusing({ model: '' }),
  'context-window-exceeded': { observe: tellsBothNumbers },
  'capability-missing': {
    openai: ({ openai }) =>
      openai.chat.completions.create({
        ...toBlind,
        tools: [{ type: 'function', function: { name: 'look', parameters } }],
      }),
    anthropic: ({ anthropic }) =>
      anthropic.messages.create({
        ...toBlind,
        max_tokens: 5,
        tools: [{ name: 'look', input_schema: parameters }],
      }),
  },
  'dialect-not-spoken': {
    openai: asking({ model: 'other-dialect' }).openai,
    anthropic: asking({ model: 'one-dialect' }).anthropic,
  },
  unauthenticated: refusing({ model: 'guarded' }),
  'workload-forbidden': refusing({ model: 'clustered' }),
  'model-forbidden': refusing({ model: 'gold' }),
  'cross-site': { ...refusing({ headers: { 'sec-fetch-site': 'cross-site' } }), writer: 'parser' },
  'model-not-found': refusing({ model: 'assistent' }),
  'path-not-found': {
    openai: ({ openai }) => openai.post('/nothing', { body: {} }),
    anthropic: ({ anthropic }) => anthropic.post('/v1/nothing', { body: {} }),
  },
  'method-not-allowed': {
    openai: async ({ openai }) => openai.chat.completions.list(),
    anthropic: ({ anthropic }) => anthropic.get('/v1/messages'),
  },
  'head-slow': { ...hearing('POST', ''), writer: 'parser' },
  'body-slow': posting(endless),
  'body-too-large': refusing({ content: tooMany }),
  'encoding-unsupported': refusing({ headers: { 'content-encoding': 'snappy' } }),
  'upgrade-refused': {
    ...hearing('GET', 'connection: upgrade\r\nupgrade: websocket\r\n\r\n'),
    writer: 'parser',
  },
  'head-too-large': {
    ...refusing({ headers: { 'x-long': 'x'.repeat(20_000) } }),
    writer: 'parser',
  },
  'client-left': { observe: leave },
  'stored-not-found': { observe: findsNothing },
  'stored-forbidden': { observe: tellsWhy },
} as const satisfies Rows<ApplicationStage>

const aborts = {
  openai: [OpenAI.APIUserAbortError, 'chat'],
  anthropic: [Anthropic.APIUserAbortError, 'messages'],
} as const

/** The caller hears of its own leaving only; both halves write it down. */
async function leave({ sdks, provider, pair }: ApplicationStage): Promise<void> {
  for (const sdk of ['openai', 'anthropic'] as const) {
    const [raised, dialect] = aborts[sdk]
    const marks = [pair.sidecar.mark, pair.ambassador.mark]
    const controller = new AbortController()
    const { signal } = controller
    const headers = { 'x-request-id': `leaves-${sdk}`, 'x-sim-fault': 'stall-head' }
    const call = assert.rejects(asking({ headers, signal })[sdk](sdks), raised)
    await until(() => callOf(provider, `leaves-${sdk}`) !== undefined)
    controller.abort()
    await call
    for (const [at, half] of [pair.sidecar, pair.ambassador].entries()) {
      const line = await half.line((line) => line['error'] === 'client-left', marks[at] ?? 0)
      const seen = [line['dialect'], line['outcome'], line['status']]
      assert.deepEqual(seen, [dialect, 'client-left', 499])
    }
  }
}

/** In OpenAI's words: no other dialect has what is stored. */
async function findsNothing({ sdks }: ApplicationStage): Promise<void> {
  const { status, thrown, body } = await heard('openai', sdks.openai.responses.retrieve('resp_x'))
  assert.deepEqual([status, thrown.constructor], [404, OpenAI.NotFoundError])
  assert.match(JSON.stringify(body), /"Response with id 'resp_x' not found\."/)
}

async function tellsWhy({ sdks }: ApplicationStage): Promise<void> {
  const question = { model: 'tiny', input: 'x', prompt: { id: 'pmpt_x' } }
  const asked = sdks.openai.responses.create(question)
  const { status, thrown, body } = await heard('openai', asked)
  assert.deepEqual([status, thrown.constructor], [403, OpenAI.PermissionDeniedError])
  assert.match(JSON.stringify(body), /all tenants share the account/)
}

/** In the words by which clients of either dialect know it. */
async function tellsBothNumbers({ sdks }: ApplicationStage): Promise<void> {
  const question = asking({ model: 'narrow', content: 'one two three four five six seven' })
  const openai = await heard('openai', question.openai(sdks))
  assert.deepEqual([openai.status, openai.thrown.constructor], [400, OpenAI.BadRequestError])
  assert.match(
    JSON.stringify(openai.body),
    /maximum context length is 6 tokens\. However, your messages resulted in 1\d tokens\..*"code":"context_length_exceeded"/,
  )
  const anthropic = await heard('anthropic', question.anthropic(sdks))
  assert.deepEqual(
    [anthropic.status, anthropic.thrown.constructor],
    [400, Anthropic.BadRequestError],
  )
  assert.match(JSON.stringify(anthropic.body), /prompt is too long: 1\d tokens > 6 maximum/)
}
