import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { dial, open, question, readUntil, spoken } from './client.ts'
import { callOf, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider({ tokenMs: 5 })
  pair = await startPair({ provider: provider.port })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

/** Both next access lines say that the caller left, and the provider holds nothing any more. */
async function bothLeft(marks: readonly [number, number], id: string): Promise<void> {
  const lines = [await pair.sidecar.call(marks[0]), await pair.ambassador.call(marks[1])]
  assert.deepEqual(
    lines.map((line) => line['outcome']),
    ['client-left', 'client-left'],
  )
  assert.equal(lines[0]?.['call'], lines[1]?.['call'])
  await provider.whenIdle()
  const call = callOf(provider, id)
  assert.ok(
    call?.endedBy === 'client-left' || call?.endedBy === 'fault',
    call?.endedBy ?? 'no call',
  )
  assert.equal(provider.gauges().running, 0)
}

/** Resolves once the provider has the call. */
async function arrival(id: string): Promise<void> {
  while (callOf(provider, id) === undefined)
    await new Promise<void>((resolve) => setImmediate(resolve))
}

interface Question {
  readonly id: string
  readonly path: string
  readonly headers: object
  readonly body: object
}

async function leavesBeforeHead({ id, path, headers, body }: Question): Promise<void> {
  const marks = [pair.sidecar.mark, pair.ambassador.mark] as const
  const text = JSON.stringify(body)
  const socket = await dial(pair.port)
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: x',
    'content-type: application/json',
    `content-length: ${text.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n${text}`)
  await arrival(id)
  socket.destroy()
  await bothLeft(marks, id)
}

for (const dialect of spoken) {
  for (const stream of [true, false]) {
    const kind = stream ? 'stream' : 'whole answer'
    test(`a caller that leaves while the provider has no head ends the ${kind} of ${dialect}`, () =>
      leavesBeforeHead(question(dialect, { stream, fault: 'stall-head' })))

    test(`a caller that leaves in the middle of its body ends the ${kind} of ${dialect}`, async () => {
      const mark = pair.sidecar.mark
      const { path } = question(dialect)
      const socket = await dial(pair.port)
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 900\r\n\r\n`,
      )
      await once(socket, 'data')
      socket.write(`{"model":"tiny","stream":${stream}`)
      socket.destroy()
      const line = await pair.sidecar.call(mark)
      assert.equal(line['outcome'], 'client-left')
    })
  }

  test(`a caller that leaves inside the hold ends the stream of ${dialect}`, () =>
    leavesBeforeHead(
      question(dialect, { stream: true, fault: dialect === 'completions' ? 'stall=0' : 'stall=1' }),
    ))

  test(`a caller that leaves before the whole answer of ${dialect} is there ends it`, () =>
    leavesBeforeHead(question(dialect, { fault: 'stall=1' })))

  test(`a caller that leaves in mid-stream ends the stream of ${dialect}`, async () => {
    const marks = [pair.sidecar.mark, pair.ambassador.mark] as const
    const asked = question(dialect, { stream: true, fault: 'stall=4' })
    const response = await open(pair.port, asked)
    await readUntil(response, '\n\n')
    response.destroy()
    await bothLeft(marks, asked.id)
  })

  test(`a caller that leaves while ${dialect} generates ends it at the provider`, async () => {
    const marks = [pair.sidecar.mark, pair.ambassador.mark] as const
    const asked = question(dialect, { stream: true, body: { max_tokens: 2_000 } })
    const response = await open(pair.port, asked)
    await readUntil(response, '\n\n')
    response.destroy()
    await bothLeft(marks, asked.id)
  })
}

for (const [when, fault] of [
  ['while the provider has no head', 'stall-head'],
  ['before all of it is there', 'stall=1'],
]) {
  test(`a caller that leaves ${when} ends its embeddings`, () => {
    const { id, headers } = question('chat', { fault: fault ?? '' })
    const body = { model: 'tiny', input: 'hello' }
    return leavesBeforeHead({ id, headers, path: '/v1/embeddings', body })
  })
}
