import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ask, codeIn } from '../client.ts'
import { unsealed } from '../sealed-words.ts'
import { stage } from './one-stage.ts'
import { lastOf, streamOn, tokensOf } from './stage.ts'
import { asking, billed, eventsOf, type Surface, surfaceNames, surfaces } from './surfaces.ts'

describe('a stream', { concurrency: true }, () => {
  for (const surface of surfaceNames) {
    const { opening, content, closing } = surfaces[surface]

    // litellm#6957, litellm#26067
    test(`T6: a stream of ${surface} has no status before its first content`, async () => {
      const { provider, pair } = stage()
      const { exchange, reading } = await streamOn(stage(), surface)
      let hasHead = false
      const begun = reading.then((reader) => {
        hasHead = true
        return reader
      })
      exchange.head()
      exchange.response.flushHeaders()
      if (opening.length > 0) await exchange.write(opening.join(''))
      // Others pass meanwhile, so that what was written has been read.
      for (let round = 0; round < 3; round++) {
        assert.equal((await ask(pair.port, asking(surface, { stream: true }))).status, 200)
      }
      assert.equal(hasHead, false)
      await exchange.write(content.join(''))
      assert.equal((await begun).response.statusCode, 200)
      exchange.response.end(closing.join(''))
      assert.equal(await (await begun).ended, 'clean')
      assert.equal(provider.tries(String(exchange.headers['x-request-id'])), 1)
    })

    // ray#59681, MiniMax-AI/MiniMax-M3#22
    test(`T9: each event of ${surface} that comes apart leaves apart`, async () => {
      const { exchange, reading } = await streamOn(stage(), surface)
      exchange.head()
      const [first = '', ...rest] = [...content, ...closing]
      await exchange.write([...opening, first].join(''))
      const reader = await reading
      await reader.until('plain ')
      for (const event of rest) {
        const before = reader.pieces.length
        await exchange.write(event)
        await reader.until(event.slice(-40))
        assert.deepEqual(reader.pieces.slice(before).map(unsealed), [event])
      }
      exchange.response.end()
      assert.equal(await reader.ended, 'clean')
      // What was held for its first content comes with it.
      assert.equal(unsealed(reader.text()), eventsOf(surface).join(''))
    })

    for (const [form, bytes] of Object.entries(formsOf(surface))) {
      // higress#2882, higress#4620, higress#4728, higress#2918, higress#4146
      test(`T7: a stream of ${surface} with ${form} comes whole, split at every byte`, async () => {
        const { pair } = stage()
        const { exchange, reading } = await streamOn(stage(), surface)
        exchange.head()
        const buffer = Buffer.from(bytes)
        for (let at = 0; at < buffer.length; at++) await exchange.write(buffer.subarray(at, at + 1))
        exchange.response.end()
        const reader = await reading
        assert.equal(await reader.ended, 'clean')
        assert.equal(unsealed(reader.text()), bytes)
        const call = String(reader.response.headers['x-outrigger-call'])
        for (const line of Object.values(await pair.linesOf(call))) {
          assert.deepEqual(tokensOf(line), { ...billed, isExact: true })
          assert.equal(line['outcome'], 'ok')
        }
      })
    }
  }
})

/** The same events in forms that the standard allows: https://html.spec.whatwg.org/multipage/server-sent-events.html */
function formsOf(surface: Surface): Readonly<Record<string, string>> {
  const events = eventsOf(surface)
  const joined = events.join('')
  return {
    'line feeds': joined,
    'carriage returns and line feeds': joined.replaceAll('\n', '\r\n'),
    comments: events.map((event) => `: ping\n\n: a\n${event}`).join(''),
    'data on several lines': joined.replace(/(?<=^data: \{)"/gm, '\ndata: "'),
    'a byte order mark': `\ufeff${joined}`,
    'no space behind the colon': joined.replace(/^(data|event): /gm, '$1:'),
  }
}

/** The exact members of an error, by their names. */
const shapes: Readonly<Record<Surface, object>> = {
  chat: { error: ['code', 'message', 'param', 'type'] },
  completions: { error: ['code', 'message', 'param', 'type'] },
  messages: { error: ['code', 'message', 'type'], request_id: 'string', type: 'string' },
  responses: { error: ['code', 'message', 'param', 'type'] },
}

/** What `value` is made of: names of an object's members, or the type. */
function shapeOf(value: object): object {
  const shaped = Object.entries(value).map(([name, part]) => [
    name,
    typeof part === 'object' && part !== null ? Object.keys(part).toSorted() : typeof part,
  ])
  return Object.fromEntries(shaped)
}

// litellm#38606, mnfst/llm-gateway#1656
for (const surface of surfaceNames) {
  const { opening, content } = surfaces[surface]
  for (const stream of [true, false]) {
    const what = `${stream ? 'a stream' : 'a whole answer'} of ${surface}`

    test(`T12: what the sidecar refuses in place of ${what} is an error of the dialect`, async () => {
      const { pair } = stage()
      const seen = await ask(pair.port, asking(surface, { stream, body: { model: 'nowhere' } }))
      assert.deepEqual([seen.status, codeIn(seen.body)], [404, 'model-not-found'])
      assert.equal(seen.headers['content-type'], 'application/json')
      assert.deepEqual(shapeOf(JSON.parse(seen.body)), shapes[surface])
    })

    test(`T12: what fails behind the ambassador in place of ${what} is an error of the dialect`, async () => {
      const { provider, pair } = stage()
      // One that is not tried again.
      provider.onCall = ({ response }) => response.writeHead(307, { location: '/' }).end()
      const seen = await ask(pair.port, asking(surface, { stream }))
      provider.onCall = (exchange) => exchange.answer()
      assert.deepEqual([seen.status, codeIn(seen.body)], [502, 'upstream-redirect'])
      assert.equal(seen.headers['content-type'], 'application/json')
      assert.deepEqual(shapeOf(JSON.parse(seen.body)), shapes[surface])
    })
  }

  test(`T12: a stream of ${surface} that breaks ends with an error event of the dialect`, async () => {
    const { exchange, reading } = await streamOn(stage(), surface)
    exchange.head()
    await exchange.write([...opening, ...content].join(''))
    const reader = await reading
    await reader.until('\u{1f680}')
    exchange.response.socket?.resetAndDestroy()
    assert.equal(await reader.ended, 'clean')
    const { name, data } = lastOf(reader.text())
    const isNamed = surface === 'messages' || surface === 'responses'
    assert.equal(name, isNamed ? 'event: error\n' : '')
    if (surface === 'responses') {
      const { type, code, message, param, sequence_number: number, ...more } = data
      const seen = [type, code, typeof message, param, number, more]
      assert.deepEqual(seen, ['error', 'upstream-reset', 'string', null, 5, {}])
    } else assert.deepEqual(shapeOf(data), shapes[surface])
  })
}
