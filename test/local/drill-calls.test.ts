import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { it } from 'node:test'
import { callOnce } from '#deploy/cli/drill/call.ts'

const content = 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\n'
const last = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
const head = { 'content-type': 'text/event-stream', 'x-outrigger-provider': 'p' }

const answers: Record<string, { reply: (response: ServerResponse) => void; as: string }> = {
  whole: { as: 'answered ', reply: (to) => void to.writeHead(200, head).end(content + last) },
  'an error event': {
    as: 'cut upstream-reset',
    reply: (to) =>
      void to.writeHead(200, head).end(`${content}data: {"error":{"code":"upstream-reset"}}\n\n`),
  },
  'an end without a terminator': {
    as: 'cut-silently status-200',
    reply: (to) => void to.writeHead(200, head).end(content),
  },
  'a reset': {
    as: 'cut UND_ERR_SOCKET',
    reply: (to) => void to.writeHead(200, head).write(content, () => to.socket?.destroy()),
  },
  'an error before content': {
    as: 'failed breaker-open',
    reply: (to) => void to.writeHead(503).end('{"error":{"code":"breaker-open"}}'),
  },
  'a stream without content': {
    as: 'failed status-200',
    reply: (to) => void to.writeHead(200, head).end('data: [DONE]\n\n'),
  },
  'a refusal by the tenant’s limit': {
    as: 'refused tenant-limit',
    reply: (to) => void to.writeHead(429).end('{"error":{"code":"tenant-limit"}}'),
  },
}

for (const [name, { reply, as }] of Object.entries(answers)) {
  it(`a drill takes ${name} for ${as.split(' ')[0]}`, async () => {
    const server = createServer((request, response) => {
      request.resume().on('end', () => reply(response))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const plan = { port: address.port, model: 'm', dialect: 'chat', callClass: 'batch' } as const
    const record = await callOnce(plan, 'during')
    assert.equal(`${record.outcome} ${record.code}`, as)
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
}
