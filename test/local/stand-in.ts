import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { TLSSocket } from 'node:tls'
import type { Certificate } from './certificate.ts'

/** A request as it came to the stand-in. */
export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The name that the caller asked for in its TLS greeting. */
  readonly serverName: string | false | undefined
}

/** A TLS server on loopback that answers in place of hosted providers. */
export interface StandIn {
  readonly port: number
  readonly received: readonly Received[]
  /** Shows `certificate` from the next call on. */
  show(certificate: Certificate): void
  close(): Promise<void>
}

/** Starts one that shows `certificate`; a call whose `user` begins with `refused` gets a 401. */
export async function startStandIn(certificate: Certificate): Promise<StandIn> {
  const received: Received[] = []
  const server = createServer(certificate, (request, response) => {
    void answer(request, response, received)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: portOf(server),
    received,
    show: (next) => server.setSecureContext(next),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Cannot listen on a port')
  return address.port
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  received: Received[],
): Promise<void> {
  request.setEncoding('utf8')
  let body = ''
  for await (const chunk of request) body += chunk
  const { socket, url: path = '', headers } = request
  const serverName = socket instanceof TLSSocket ? socketName(socket) : undefined
  // An ambassador asks now and then whether anybody is there.
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' })
    response.end('{"object":"list","data":[]}')
    return
  }
  received.push({ path, headers, body, serverName })
  const fields = JSON.parse(body)
  const [type, text] = fields.stream === true ? streamOf(path) : wholeOf(path, fields)
  response.writeHead(type === 'refused' ? 401 : 200, {
    'content-type': type === 'stream' ? 'text/event-stream' : 'application/json',
    // Each call shakes hands anew: none finds a connection of an earlier certificate.
    connection: 'close',
  })
  response.end(text)
}

/** https://nodejs.org/api/tls.html#tlssocketservername, which the types leave out. */
function socketName(socket: TLSSocket): string | false | undefined {
  const name: unknown = 'servername' in socket ? socket.servername : undefined
  return typeof name === 'string' || name === false ? name : undefined
}

type Answer = readonly ['whole' | 'stream' | 'refused', string]

const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-opus-4-1' }

function wholeOf(path: string, fields: { readonly user?: string }): Answer {
  if (String(fields.user).startsWith('refused')) {
    const error = { message: 'Incorrect API key provided', type: 'invalid_request_error' }
    return ['refused', JSON.stringify({ error: { ...error, code: 'invalid_api_key' } })]
  }
  if (path === '/v1/embeddings') {
    const data = [{ object: 'embedding', index: 0, embedding: [0.5] }]
    return ['whole', JSON.stringify({ object: 'list', model: 'm', data, usage })]
  }
  if (path === '/v1/messages') {
    const content = [{ type: 'text', text: 'real' }]
    const end = { stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } }
    return ['whole', JSON.stringify({ ...message, content, ...end })]
  }
  const choice = { index: 0, message: { role: 'assistant', content: 'real' } }
  const choices = [{ ...choice, finish_reason: 'stop' }]
  return ['whole', JSON.stringify({ id: 'c', object: 'chat.completion', choices, usage })]
}

function streamOf(path: string): Answer {
  if (path === '/v1/messages') return ['stream', messagesStream]
  const chunk = (choice: object) => {
    const choices = [{ index: 0, finish_reason: null, delta: {}, ...choice }]
    return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices })}\n\n`
  }
  const content = ['re', 'al'].map((text) => chunk({ delta: { content: text } })).join('')
  return ['stream', `${content}${chunk({ finish_reason: 'stop' })}data: [DONE]\n\n`]
}

const messagesStream = [
  {
    type: 'message_start',
    message: { ...message, content: [], usage: { input_tokens: 1, output_tokens: 0 } },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'real' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } },
  { type: 'message_stop' },
]
  .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  .join('')
