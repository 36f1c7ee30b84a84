import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { spanName } from '#shared/telemetry/gen-ai.ts'
import { formatTraceparent, parseTraceparent } from '#shared/telemetry/traceparent.ts'
import { noTracer } from '#shared/telemetry/tracing.ts'

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...Array.from('0123456789abcdef')), {
      minLength: length,
      maxLength: length,
    })
    .map((digits) => digits.join(''))
    .filter((text) => /[^0]/.test(text))
const parent = fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean() })
const valid = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test('what is written is read back', () => {
  fc.assert(
    fc.property(parent, (context) => {
      assert.deepEqual(parseTraceparent(formatTraceparent(context)), { ...context })
    }),
  )
})

test('one wrong character anywhere is refused or changes only what it stands for', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: valid.length - 1 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      (at, c) => {
        const changed = valid.slice(0, at) + c + valid.slice(at + 1)
        const read = parseTraceparent(changed)
        if (read === undefined) return
        assert.match(read.traceId, /^[0-9a-f]{32}$/)
        assert.match(read.spanId, /^[0-9a-f]{16}$/)
        assert.equal(read.traceId, changed.slice(3, 35))
        assert.equal(read.spanId, changed.slice(36, 52))
      },
    ),
  )
})

test('any text is read or refused, never thrown at', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseTraceparent(text, text)))
})

test('invalid headers are ignored', () => {
  for (const header of [
    undefined,
    '',
    valid.replace(/^00/, 'ff'),
    valid.toUpperCase(),
    `${valid}-extra`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
    valid.slice(0, -1),
    valid.replaceAll('-', '_'),
    `${valid}, ${valid}`,
    `cc-${valid.slice(3)}-${'x'.repeat(1_000)}`,
  ]) {
    assert.equal(parseTraceparent(header), undefined, String(header))
  }
})

test('a later version may say more after the flags', () => {
  const read = parseTraceparent(`cc-${valid.slice(3)}-what-the-future-holds`)
  assert.equal(read?.traceId, '0af7651916cd43dd8448eb211c80319c')
  assert.equal(parseTraceparent(`cc-${valid.slice(3)}.x`), undefined)
})

test('only the lowest flag says sampled', () => {
  assert.equal(parseTraceparent(valid.replace(/01$/, 'fe'))?.sampled, false)
  assert.equal(parseTraceparent(valid.replace(/01$/, '03'))?.sampled, true)
})

test('tracestate is passed on up to 512 characters and dropped alone beyond', () => {
  const exact = `a=${'x'.repeat(510)}`
  assert.equal(parseTraceparent(valid, exact)?.tracestate, exact)
  for (const bad of [`${exact}y`, '', 'a=b\r\nx: y', 'a=é']) {
    const read = parseTraceparent(valid, bad)
    assert.equal(read?.spanId, 'b7ad6b7169203331')
    assert(read !== undefined && !('tracestate' in read))
  }
})

test('without tracing the caller context passes on unchanged', () => {
  const given = parseTraceparent(valid, 'a=b')
  const span = noTracer.start('chat m', { kind: 'server', ...(given && { parent: given }) })
  assert.deepEqual(span.context(), given)
  const alone = noTracer.start('chat m', { kind: 'server' })
  assert.equal(alone.context(), undefined)
  assert.equal(alone, noTracer.start('other', { kind: 'client' }))
  for (const each of [span, alone]) {
    assert.equal(each.isRecording, false)
    each.set('a', 1)
    each.event('b')
    each.rename('c')
    each.fail('d')
    each.end()
  }
})

test('a span is named for operation and model', () => {
  assert.equal(spanName('chat', 'gpt-5'), 'chat gpt-5')
  assert.equal(spanName('embeddings', ''), 'embeddings')
  assert.equal(spanName('chat', 'x'.repeat(1_000)).length, 'chat '.length + 128)
})
