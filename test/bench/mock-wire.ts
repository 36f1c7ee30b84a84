/** What the mock writes and the load generator reads: sizes in bytes, both sides agree on them. */

/** A content event, as a chat model writes one for a short token. */
export const eventBytes = 243
const eventHead =
  'data: {"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1767225600,' +
  '"model":"bench-model","choices":[{"index":0,"delta":{"content":"@'
const eventTail = '"},"logprobs":null,"finish_reason":null}]}\n\n'
/** Stands before the sixteen digits of the moment at which the event was written. */
export const momentMark = Buffer.from('"content":"@')
export const momentDigits = 16
const padding = ' '.repeat(eventBytes - eventHead.length - momentDigits - eventTail.length)

/** Microseconds of the clock that all processes of this machine share. */
export function momentUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

export function contentEvent(): string {
  return eventHead + String(momentUs()).padStart(momentDigits, '0') + padding + eventTail
}

export function streamEnd(events: number): string {
  const usage = `{"prompt_tokens":9,"completion_tokens":${events},"total_tokens":${events + 9}}`
  const common =
    '"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1767225600,' +
    '"model":"bench-model"'
  return (
    `data: {${common},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n` +
    `data: {${common},"choices":[],"usage":${usage}}\n\ndata: [DONE]\n\n`
  )
}

/** An answer of `bytes` bytes, or the least that the shape needs. */
export function unaryAnswer(bytes: number): string {
  const head =
    '{"id":"chatcmpl-0123456789","object":"chat.completion","created":1767225600,' +
    '"model":"bench-model","choices":[{"index":0,"message":{"role":"assistant","content":"'
  const tail =
    '"},"finish_reason":"stop"}],' +
    '"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}'
  return (
    head + 'lorem ipsum '.repeat(bytes / 12 + 1).slice(0, bytes - head.length - tail.length) + tail
  )
}

/** What the mock does is told in the standard field `user`, which every hop passes on. */
export interface Wish {
  readonly bytes: number
  readonly events: number
  readonly eventsPerSecond: number
}

interface Asked extends Wish {
  readonly model?: string | undefined
}

/** A question of about `bytes` bytes. */
export function question({ bytes, events, eventsPerSecond, model }: Asked): string {
  const head =
    `{"model":"${model ?? 'bench-model'}","user":"${bytes}/${events}/${eventsPerSecond}",` +
    `"stream":${events > 0},"messages":[{"role":"user","content":"`
  const tail = '"}]}'
  const text = 'lorem ipsum '.repeat(bytes / 12 + 1)
  return head + text.slice(0, Math.max(5, bytes - head.length - tail.length)) + tail
}

export function readWish(body: Buffer): Wish {
  const found = /"user":"(\d+)\/(\d+)\/(\d+)"/.exec(body.toString('latin1', 0, 512))
  return {
    bytes: Number(found?.[1] ?? 256),
    events: Number(found?.[2] ?? 0),
    eventsPerSecond: Number(found?.[3] ?? 0),
  }
}
