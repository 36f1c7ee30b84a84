import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { withoutEnd } from '#ambassador/pool/tokens/grown-conversation.ts'
import { readAnswer, tokenizeOver } from '#ambassador/pool/tokens/tokenize.ts'
import { systemClock } from '#shared/call/clock.ts'
import { Origins } from '#shared/http/client.ts'

/** Answers of vLLM 0.32.0, as recorded. */
const recorded = {
  prompt:
    '{"count":11,"max_model_len":2048,"tokens":[86,74,71,4068,67,3324,71,280,84,2280,90],"token_strs":["t","h","e","Ġc","a","ch","e","Ġp","r","efi","x"]}',
  chat: '{"count":38,"max_model_len":2048,"tokens":[1,87,749,201,50,785,67,566,288,684,816,915,279,74,260,86,769,3485,956,3318,4068,67,3324,71,280,84,2280,90,16,2,201,1,67,85,559,266,86,201],"token_strs":null}',
  absent: '{"detail":"Not Found"}',
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function serve(t: TestContext, handler: Handler): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return `http://127.0.0.1:${address.port}`
}

function tokenizer(t: TestContext) {
  const origins = new Origins()
  t.after(() => origins.destroy())
  return tokenizeOver({ origins, clock: systemClock })
}

test('recorded answers are read', () => {
  assert.deepEqual(
    [...(readAnswer(Buffer.from(recorded.prompt)) ?? [])],
    [86, 74, 71, 4068, 67, 3324, 71, 280, 84, 2280, 90],
  )
  const chat = readAnswer(Buffer.from(recorded.chat))
  assert.equal(chat?.length, 38)
  // "<|im_start|>assistant\n" behind the last message.
  const end = Uint32Array.of(1, 67, 85, 559, 266, 86, 201)
  assert.equal(withoutEnd(chat ?? end, end)?.length, 31)
})

test('what holds no tokens is none', () => {
  const garbage = [
    recorded.absent,
    '',
    '<html>',
    '[]',
    '{"tokens":[1]}',
    '{"count":2,"tokens":[1]}',
  ]
  for (const bytes of [...garbage, '{"count":1,"tokens":[-1]}', '{"count":1,"tokens":["1"]}']) {
    assert.equal(readAnswer(Buffer.from(bytes)), undefined)
  }
  assert.equal(readAnswer(undefined), undefined)
  assert.equal(readAnswer(Buffer.from('{"count":0,"tokens":[]}'))?.length, 0)
})

test('a replica is asked in its own words', async (t) => {
  const asked: string[] = []
  const origin = await serve(t, (request, response) => {
    const answer = async () => {
      asked.push(`${request.method} ${request.url} ${await text(request)}`)
      response.end(recorded.prompt)
    }
    void answer()
  })
  const ids = await tokenizer(t)(origin, { model: 'm', prompt: 'the cache prefix' })
  assert.equal(ids?.length, 11)
  assert.deepEqual(asked, ['POST /tokenize {"model":"m","prompt":"the cache prefix"}'])
})

test('a refusal is none, and all else rejects', async (t) => {
  let status = 400
  let body = '{"error":{}}'
  const origin = await serve(t, (request, response) => {
    request.resume()
    response.writeHead(status).end(body)
  })
  const tokenize = tokenizer(t)
  assert.equal(await tokenize(origin, {}), undefined)
  for (const [nextStatus, nextBody] of [
    [404, recorded.absent],
    [500, 'oops'],
    [200, '<html>'],
  ] as const) {
    status = nextStatus
    body = nextBody
    await assert.rejects(tokenize(origin, {}), { code: 'upstream-garbage' })
  }
})

test('a replica that hangs up or is not there rejects', async (t) => {
  const origin = await serve(t, (request) => {
    request.socket.destroy()
  })
  const tokenize = tokenizer(t)
  await assert.rejects(tokenize(origin, {}), { code: 'upstream-reset' })
  await assert.rejects(tokenize('http://127.0.0.1:1', {}), { code: 'connect-failed' })
})
