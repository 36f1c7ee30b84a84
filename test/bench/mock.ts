import { createServer, type ServerResponse } from 'node:http'
import { listen, say } from './child.ts'
import { contentEvent, readWish, streamEnd, unaryAnswer, type Wish } from './mock-wire.ts'

/** The model provider of the bench: answers as the question's `user` field asks. */
const answers = new Map<number, Buffer>()

function unary(bytes: number): Buffer {
  const known = answers.get(bytes)
  if (known !== undefined) return known
  const made = Buffer.from(unaryAnswer(bytes))
  answers.set(bytes, made)
  return made
}

/** One event every so often; the time of a late one is made up for by the next. */
function pace(response: ServerResponse, { events, eventsPerSecond }: Wish): void {
  const startedMs = performance.now()
  const stepMs = 1_000 / eventsPerSecond
  let sent = 0
  const step = () => {
    if (response.destroyed) return
    response.write(contentEvent())
    sent++
    if (sent === events) response.end(streamEnd(events))
    else setTimeout(step, Math.max(0, startedMs + sent * stepMs - performance.now()))
  }
  step()
}

/** One event per turn of the loop, so that each is a write of its own; waits for slow readers. */
function rush(response: ServerResponse, { events }: Wish): void {
  let sent = 0
  const step = () => {
    if (response.destroyed) return
    const isTaken = response.write(contentEvent())
    sent++
    if (sent === events) response.end(streamEnd(events))
    else if (isTaken) setImmediate(step)
    else response.once('drain', step)
  }
  step()
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const wish = readWish(Buffer.concat(chunks))
    if (wish.events === 0) {
      const body = unary(wish.bytes)
      response.writeHead(200, ['content-type', 'application/json', 'content-length', body.length])
      response.end(body)
      return
    }
    response.writeHead(200, ['content-type', 'text/event-stream'])
    if (wish.eventsPerSecond > 0) pace(response, wish)
    else rush(response, wish)
  })
})
server.keepAliveTimeout = 120_000
say({ port: await listen(server) })
