import { createServer, type ServerResponse } from 'node:http'
import { isFields, parseJson } from '#deploy/simulator/narrow.ts'
import { chatAnswer, chatEvents } from '#test/clients/provider/chat-wire.ts'
import { messagesAnswer, messagesEvents } from '#test/clients/provider/messages-wire.ts'
import { type Question, readQuestion, type WireDialect } from '#test/clients/provider/question.ts'
import { responsesAnswer, responsesEvents } from '#test/clients/provider/responses-wire.ts'
import type { Said } from '#test/clients/provider/scenario.ts'

/*
 * A process that answers as a provider of three dialects would, at a cost that leaves the machine to
 * the halves: each answer is written once and kept. Faults are those of the simulated vLLM server that
 * `x-sim-fault` names, as far as a soak asks for them. Prints `{"port":…}` once it listens.
 */

const wires = {
  chat: { answer: chatAnswer, events: chatEvents },
  messages: { answer: messagesAnswer, events: messagesEvents },
  responses: { answer: responsesAnswer, events: responsesEvents },
} as const

const dialectOf: Readonly<Record<string, WireDialect>> = {
  '/v1/chat/completions': 'chat',
  '/v1/messages': 'messages',
  '/v1/responses': 'responses',
}

interface Made {
  readonly type: string
  /** Events of a stream, or one whole answer. */
  readonly pieces: readonly string[]
}

const made = new Map<string, Made>()

function madeFor(path: string, text: string): Made | undefined {
  const known = made.get(path + text)
  if (known !== undefined) return known
  const dialect = dialectOf[path]
  const body = parseJson(text)
  if (dialect === undefined || !isFields(body)) return undefined
  const question: Question = readQuestion(dialect, body)
  const tokens = Number(body['max_tokens'] ?? body['max_output_tokens'] ?? 4)
  const said: Said = { calls: [], text: 'word '.repeat(tokens).trimEnd() }
  const wire = wires[dialect]
  const answer: Made = question.streams
    ? { type: 'text/event-stream', pieces: wire.events(question, said) }
    : { type: 'application/json', pieces: [JSON.stringify(wire.answer(question, said))] }
  made.set(path + text, answer)
  return answer
}

/** What a fault does to an answer; its number is of milliseconds, bytes, or pieces. */
const faults: Readonly<
  Record<string, (response: ServerResponse, answer: Made, n: number) => void>
> = {
  status(response, _answer, status) {
    const error = { message: 'a fault', type: 'server_error', param: null, code: null }
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error }))
  },
  latency: (response, answer, ms) => void setTimeout(() => whole(response, answer), ms),
  reset: (response, answer, n) =>
    broken(response, answer, n, () => response.socket?.resetAndDestroy()),
  eof: (response, answer, n) => broken(response, answer, n, () => response.end()),
  garbage: (response, answer, n) =>
    broken(response, answer, n, () => response.end('data: {"x\n\n')),
  stall: (response, answer, n) => broken(response, answer, n, () => undefined),
  'stall-head': () => undefined,
  cut(response, { type, pieces }, bytes) {
    response.writeHead(200, { 'content-type': type })
    response.write(pieces.join('').slice(0, bytes), () => response.destroy())
  },
}

function whole(response: ServerResponse, { type, pieces }: Made): void {
  response.writeHead(200, { 'content-type': type })
  response.end(pieces.join(''))
}

/** Its first `n` pieces, of a whole answer the first half, and then the fault. */
function broken(
  response: ServerResponse,
  { type, pieces }: Made,
  n: number,
  then: () => void,
): void {
  if (n === 0) {
    then()
    return
  }
  const [first = ''] = pieces
  const before = pieces.length > 1 ? pieces.slice(0, n).join('') : first.slice(0, first.length / 2)
  response.writeHead(200, { 'content-type': type })
  response.write(before, then)
}

const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  request.on('end', () => {
    const answer = madeFor(request.url ?? '', text)
    if (answer === undefined) {
      response.writeHead(request.method === 'GET' ? 200 : 404).end('{}')
      return
    }
    const asked = request.headers['x-sim-fault']
    const [name = '', value = '1'] = typeof asked === 'string' ? asked.split('=') : []
    const fault = faults[name]
    if (fault === undefined) whole(response, answer)
    else fault(response, answer, Number(value))
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object')
    process.stdout.write(`${JSON.stringify({ port: address?.port })}\n`)
})
