import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventRewriter } from '#ambassador/stored/event-rewriter.ts'
import { type Replace, ValueRewriter } from '#ambassador/stored/id-rewriter.ts'
import { Sealer } from '#ambassador/stored/sealer.ts'
import { answerShape } from '#shared/stored/shape.ts'
import { jsonText, pieces } from '../../shared/stored/json-around.ts'

const sealer = new Sealer([Buffer.alloc(32, 7)])
const holder = { tenant: 'team-a', provider: 'openai', credential: 'main' }
const claim = { tenant: 'team-a', provider: 'openai', credentials: ['main'] }
const seal: Replace = (_place, id) => (id === '' ? undefined : sealer.seal(id, holder))
const undo: Replace = (_place, id) => (id === '' ? undefined : sealer.prove(id, claim)?.id)

type Rewriter = Pick<ValueRewriter, 'feed' | 'rest'>

function through(rewriter: Rewriter, parts: readonly Buffer[]): Buffer {
  const out = parts.map((part) => rewriter.feed(part))
  return Buffer.concat([...out, rewriter.rest()])
}

const cutting = fc.array(fc.nat(4_000), { maxLength: 8 })

/** Escapes of an id are gone with it: JSON has several spellings of one string. */
function spelled(text: string): string {
  return text.replaceAll('\\u0064"', 'd"')
}

test('a body that was sealed and undone is the same, byte for byte, however it is split', () => {
  fc.assert(
    fc.property(jsonText, cutting, cutting, (text, cuts, others) => {
      const bytes = Buffer.from(spelled(text))
      const sealed = through(new ValueRewriter(answerShape, seal), pieces(bytes, cuts))
      const back = through(new ValueRewriter(answerShape, undo), pieces(sealed, others))
      // An id with strange letters may have had escapes that nobody needs.
      assert.deepEqual(JSON.parse(back.toString()), JSON.parse(bytes.toString()))
      if (!/\\u/.test(text)) assert.equal(back.toString(), bytes.toString())
    }),
    { numRuns: 500 },
  )
})

const lineEnds = fc.constantFrom('\n', '\r\n', '\r')

/** A stream of events as one text, each value in as many lines of data as it has. */
const stream = fc
  .tuple(fc.array(jsonText, { maxLength: 5 }), lineEnds, fc.boolean())
  .map(([texts, end, isNamed]) =>
    texts
      .map((text) => {
        const lines = spelled(text)
          .split('\n')
          .map((line) => `data: ${line}`)
        return [...(isNamed ? ['event: response.x'] : [': comment']), ...lines, '', ''].join(end)
      })
      .join(''),
  )

test('events that were sealed and undone are the same, however they are split', () => {
  fc.assert(
    fc.property(stream, cutting, cutting, (text, cuts, others) => {
      const bytes = Buffer.from(text)
      const sealed = through(new EventRewriter(answerShape, seal), pieces(bytes, cuts))
      const whole = through(new EventRewriter(answerShape, seal), [bytes])
      assert.equal(sealed.toString(), whole.toString())
      const back = through(new EventRewriter(answerShape, undo), pieces(sealed, others))
      if (!/\\u/.test(text)) assert.equal(back.toString(), text)
    }),
    { numRuns: 500 },
  )
})

test('each event of a stream is sealed as its value alone is', () => {
  fc.assert(
    fc.property(fc.array(jsonText, { minLength: 1, maxLength: 4 }), cutting, (texts, cuts) => {
      const lines = texts.map((text) => JSON.stringify(JSON.parse(text)))
      const events = Buffer.from(lines.map((line) => `event: e\ndata: ${line}\n\n`).join(''))
      const sealed = lines.map((line) =>
        through(new ValueRewriter(answerShape, seal), [Buffer.from(line)]).toString(),
      )
      assert.equal(
        through(new EventRewriter(answerShape, seal), pieces(events, cuts)).toString(),
        sealed.map((line) => `event: e\ndata: ${line}\n\n`).join(''),
      )
    }),
  )
})

/** Events as a model's words come in, with every kind of thing before and behind the id. */
const delta = fc
  .tuple(
    fc.constantFrom(
      '',
      '"type":"d"',
      '"type":"d","n":[{}]',
      '"a":{"item_id":"no"}',
      '"a\\"":"\\\\"',
    ),
    fc.constantFrom(
      '"item_id":"msg_1"',
      '"item_id": "msg_1"',
      '"item_id":"m\\u0031"',
      '"item_id":null',
    ),
    fc.constantFrom(
      '"delta":"did"',
      '"delta":",\\"item_id\\":\\"x\\""',
      '"item":{"id":"msg_1"}',
      '"x":[]',
    ),
    jsonText,
  )
  .map(([first, id, last, rest]) => {
    const value = JSON.stringify(JSON.parse(rest))
    return `{${[first, id, last].filter(Boolean).join(',')},"rest":${value}}`
  })

test('the short way of a delta ends where the long way does', () => {
  fc.assert(
    fc.property(fc.array(delta, { minLength: 1, maxLength: 4 }), (lines) => {
      const events = Buffer.from(lines.map((line) => `event: d\ndata: ${line}\n\n`).join(''))
      const sealed = lines.map((line) =>
        through(new ValueRewriter(answerShape, seal), [Buffer.from(line)]).toString(),
      )
      assert.equal(
        through(new EventRewriter(answerShape, seal), [events]).toString(),
        sealed.map((line) => `event: d\ndata: ${line}\n\n`).join(''),
      )
    }),
    { numRuns: 500 },
  )
})

test('whole events come out whole, and an event without an id is the very piece that came', () => {
  const rewriter = new EventRewriter(answerShape, seal)
  const plain = Buffer.from(': keep-alive\n\n')
  assert.equal(rewriter.feed(plain), plain)
  const delta =
    'event: d\ndata: {"type":"d","item_id":"msg_1","delta":"\\"item_id\\":\\"msg_1\\""}\n\n'
  const out = rewriter.feed(Buffer.from(delta)).toString()
  assert.ok(out.endsWith('\n\n'))
  assert.ok(out.includes('"delta":"\\"item_id\\":\\"msg_1\\""'))
  assert.ok(out.includes(`"item_id":"${sealer.seal('msg_1', holder)}"`))
  assert.equal(rewriter.feed(plain), plain)
})

test('places that hold an id are sealed, and none that only look so', () => {
  const item = {
    id: 'msg_1',
    type: 'mcp_call',
    call_id: 'call_1',
    approval_request_id: 'mcpr_1',
    container_id: 'cntr_1',
    arguments: '{"id":"msg_1"}',
    content: [{ text: 'x', annotations: [{ container_id: 'cntr_1', file_id: 'cfile_1' }] }],
  }
  const response = {
    id: 'resp_1',
    previous_response_id: 'resp_0',
    prompt_cache_options: { comparison_response_id: 'resp_0' },
    conversation: { id: 'conv_1' },
    output: [item],
    metadata: { id: 'resp_1', previous_response_id: 'resp_0' },
    text: { format: { schema: { properties: { id: 'resp_1' } } } },
    tools: [{ type: 'code_interpreter', container: 'cntr_1' }],
    prompt: { id: 'pmpt_1' },
  }
  const event = {
    type: 'x',
    item_id: 'msg_1',
    item,
    response,
    part: item.content[0],
    annotation: { container_id: 'cntr_1', file_id: 'cfile_1' },
  }
  const list = { object: 'list', data: [item], first_id: 'msg_1', last_id: 'msg_2' }
  const places = (value: object) => {
    const found: string[] = []
    const name: Replace = (place, id) => {
      found.push(`${place}:${id}`)
      return undefined
    }
    const bytes = Buffer.from(JSON.stringify(value))
    assert.equal(new ValueRewriter(answerShape, name).feed(bytes).toString(), bytes.toString())
    return found
  }
  const ofItem = ['item:msg_1', 'item:mcpr_1', 'container:cntr_1', 'container:cntr_1']
  const ofResponse = [
    'response:resp_1',
    'response:resp_0',
    'response:resp_0',
    'conversation:conv_1',
    ...ofItem,
    'container:cntr_1',
  ]
  assert.deepEqual(places(item), ['response:msg_1'])
  assert.deepEqual(places(response), ofResponse)
  assert.deepEqual(places(event), [
    'item:msg_1',
    ...ofItem,
    ...ofResponse,
    'container:cntr_1',
    'container:cntr_1',
  ])
  assert.deepEqual(places(list), [...ofItem, 'item:msg_1', 'item:msg_2'])
})
