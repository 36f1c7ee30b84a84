import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { paths, type Question, questionOf } from './questions.ts'

/** Where a stream is when its caller leaves. */
const points = ['head', 'stream', 'last'] as const
type Point = (typeof points)[number]

/** Long enough that the caller has gone before the last event, short enough for ten thousand. */
const tokens = 24

/** Content has come; the last event has begun to come. Of all dialects. */
const marks: Readonly<Record<'stream' | 'last', RegExp>> = {
  stream: /"content":"[^"]|text_delta|output_text\.delta/,
  last: /"finish_reason":"|event: message_delta|event: response\.(?:completed|incomplete)/,
}

function requestOf({ path, body }: Question, fault: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${fault}` +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

/**
 * Opens a stream and leaves it, by closing or by a reset in turn. Gives whether it left at `point`:
 * not where the answer ended before.
 */
async function leaveOne(port: number, at: number): Promise<Point | undefined> {
  const point = points[at % points.length] ?? 'head'
  const path = paths[Math.floor(at / points.length) % paths.length] ?? '/v1/chat/completions'
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  // Leaving is the point: the sidecar may answer it with a reset.
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  // Before the head there has to be a time in which there is none.
  const fault = point === 'head' ? 'x-sim-fault: latency=200\r\n' : ''
  socket.write(requestOf(questionOf(path, { isStreamed: true, tokens }), fault))
  let hasLeft = false
  const leave = () => {
    hasLeft = true
    if (at % 2 === 0) socket.destroy()
    else socket.resetAndDestroy()
  }
  if (point === 'head') {
    // From not read at all to asked of the provider.
    await wait(at % 32)
    leave()
  } else {
    let text = ''
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
      if (marks[point].test(text)) leave()
      // An error, or an answer whose mark did not come.
      else if (text.includes('\r\n0\r\n\r\n')) socket.destroy()
    })
  }
  await closed
  return hasLeft ? point : undefined
}

/** Opens `count` streams, so many at a time, and leaves each; how many were left, by where. */
export async function leaveMany(
  port: number,
  count: number,
  atOnce: number,
): Promise<Readonly<Record<Point, number>>> {
  const left: Record<Point, number> = { head: 0, stream: 0, last: 0 }
  let begun = 0
  const work = async () => {
    while (begun < count) {
      const point = await leaveOne(port, begun++)
      if (point !== undefined) left[point]++
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return left
}
