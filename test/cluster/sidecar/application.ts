import { createServer } from 'node:http'

/**
 * An application that knows one address, that of its variable. It calls once when it starts, for
 * whoever asks for it on port 8080, and while it ends; `--once` ends after the
 * first call. Its lines are JSON.
 */
const base = process.env['ANTHROPIC_BASE_URL'] ?? ''
const isOnce = process.argv.includes('--once')

const messages = [{ role: 'user', content: 'hello' }]
const open = new Set<Promise<unknown>>()

interface Answer {
  readonly status: number
  readonly text: string
}

/** `tokens` take 100 ms each of the provider's time. */
async function call(tokens: number, isStream = false): Promise<Answer> {
  try {
    const answer = await fetch(`${base}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'tiny', messages, max_tokens: tokens, stream: isStream }),
    })
    return { status: answer.status, text: await answer.text() }
  } catch (error) {
    return { status: 0, text: String(error) }
  }
}

function tell(what: string, facts: object): void {
  process.stdout.write(`${JSON.stringify({ what, ...facts })}\n`)
}

const first = await call(1)
tell('first', { status: first.status })
if (isOnce) process.exit(first.status === 200 ? 0 : 1)

async function stream(tokens: number): Promise<void> {
  const { status, text } = await call(tokens, true)
  tell('stream', { status, isWhole: text.trimEnd().endsWith('data: [DONE]') })
}

/** `/call`, or `/stream/100` of so many tokens. */
const server = createServer((request, response) => {
  const [, kind, tokens = '1'] = (request.url ?? '').split('/')
  if (kind === 'call') {
    void call(1).then((answer) => response.end(JSON.stringify(answer)))
    return
  }
  open.add(stream(Number(tokens)))
  response.end('{}')
})
server.listen(8_080)

/** As one does that finishes its work: with new calls, and with what is under way. */
async function finish(): Promise<void> {
  for (let count = 0; count < 5; count++) {
    tell('ending', { status: (await call(1)).status })
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  await Promise.all(open)
  tell('last', { status: (await call(1)).status })
  process.exit(0)
}

process.on('SIGTERM', () => void finish())
tell('up', {})
