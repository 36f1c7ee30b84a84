/** Where a call is when its application leaves. */
export const points = ['body', 'head', 'hold', 'stream'] as const
export type Point = (typeof points)[number]

/** What each point is called in the results. */
export const pointTitles: Readonly<Record<Point, string>> = {
  body: 'body being sent',
  head: 'waiting for the head',
  hold: 'in the hold',
  stream: 'mid-stream',
}

/** How an application leaves: closes, ends its side and still listens, or resets. */
export const leavings = ['close', 'half-close', 'reset'] as const
export type Leaving = (typeof leavings)[number]

type Surface = 'chat' | 'completions' | 'messages' | 'embeddings'

/** A kind of call. */
export interface Kind {
  readonly surface: Surface
  readonly isStreamed: boolean
}

export const kinds: readonly Kind[] = [
  { surface: 'chat', isStreamed: true },
  { surface: 'chat', isStreamed: false },
  { surface: 'completions', isStreamed: true },
  { surface: 'completions', isStreamed: false },
  { surface: 'messages', isStreamed: true },
  { surface: 'messages', isStreamed: false },
  { surface: 'embeddings', isStreamed: false },
]

const paths: Readonly<Record<Surface, string>> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  messages: '/v1/messages',
  embeddings: '/v1/embeddings',
}

/** Carries a call's id to the provider. */
export const idHeader = 'x-bench-call'

/** One question, in the two parts in which an application may send it. */
export interface Question {
  readonly head: string
  readonly body: string
}

/** `awaitsContinue`: the 100 shows that the sidecar has the head and waits for the body. */
export function questionOf(kind: Kind, id: string, awaitsContinue: boolean): Question {
  const { surface, isStreamed } = kind
  const turns = [{ role: 'user', content: 'hello' }]
  const asked =
    surface === 'embeddings'
      ? { input: 'hello' }
      : surface === 'completions'
        ? { prompt: 'hello', stream: isStreamed }
        : { messages: turns, stream: isStreamed }
  const body = JSON.stringify({ model: 'bench-model', max_tokens: 100, ...asked })
  const lines = [
    `POST ${paths[surface]} HTTP/1.1`,
    'host: localhost',
    'content-type: application/json',
    `${idHeader}: ${id}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...(awaitsContinue ? ['expect: 100-continue'] : []),
  ]
  return { head: `${lines.join('\r\n')}\r\n\r\n`, body }
}

/** Stands in what has to reach the application, and nowhere before it. */
export const contentMark = 'bench-content'

/** What a provider writes up to a point, and then nothing more. */
export interface HeldAnswer {
  readonly headers: readonly string[]
  readonly bytes: string
}

/** Above the ambassador's hold of 64 KiB: a longer answer goes on before it has ended. */
const passingBytes = 128 * 1_024

/** Of the points after the head. */
export function heldAnswer({ surface, isStreamed }: Kind, point: 'hold' | 'stream'): HeldAnswer {
  if (!isStreamed) {
    const bytes = point === 'hold' ? '{"id":"' : `{"${contentMark}":"${'x'.repeat(passingBytes)}`
    // Longer than what is written: the answer has not ended.
    const length = String(2 * passingBytes)
    return { headers: ['content-type', 'application/json', 'content-length', length], bytes }
  }
  const before = eventsBefore(surface)
  return {
    headers: ['content-type', 'text/event-stream'],
    bytes: point === 'hold' ? before : before + contentEvent(surface),
  }
}

function chatEvent(delta: object): string {
  const choices = [{ index: 0, delta, finish_reason: null }]
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices })}\n\n`
}

function textEvent(text: string): string {
  const choices = [{ index: 0, text, finish_reason: null }]
  return `data: ${JSON.stringify({ id: 'c', object: 'text_completion', choices })}\n\n`
}

function messagesEvent(type: string, more: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
}

/** Events that hold no content yet. */
function eventsBefore(surface: Surface): string {
  if (surface === 'chat') return chatEvent({ role: 'assistant', content: '' })
  if (surface === 'completions') return textEvent('')
  const message = { id: 'm', type: 'message', role: 'assistant', content: [] }
  const block = { index: 0, content_block: { type: 'text', text: '' } }
  return messagesEvent('message_start', { message }) + messagesEvent('content_block_start', block)
}

function contentEvent(surface: Surface): string {
  if (surface === 'chat') return chatEvent({ content: contentMark })
  if (surface === 'completions') return textEvent(contentMark)
  const delta = { type: 'text_delta', text: contentMark }
  return messagesEvent('content_block_delta', { index: 0, delta })
}
