import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { redacted } from '#ambassador/attempt/redacted-body.ts'
import { type Body, type BodySink, readBody } from '#shared/http/body.ts'

const secret = 'sk-aabaab-secret'

/** Gives its chunks one by one, the next where the sink has room or asks for it. */
function bodyOf(chunks: readonly Buffer[]): Body {
  const left = [...chunks]
  let sink: BodySink | undefined
  const flow = () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      if (sink?.write(next) === false) return
    }
    sink?.end()
  }
  return {
    pipe(to) {
      sink = to
      flow()
    },
    resume: flow,
    cancel() {},
  }
}

test('a secret is starred out wherever it stands and however it is cut, and nothing else is', async () => {
  const part = fc.constantFrom(secret, secret.slice(0, 9), secret.slice(5), 'sk-aab', 'é', 'x')
  const cuts = fc.array(fc.nat(200), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 12 }), cuts, async (parts, places) => {
      const whole = Buffer.from(parts.join(''))
      const ends = [...places.filter((at) => at < whole.length), whole.length].toSorted(
        (one, other) => one - other,
      )
      const chunks = ends.map((end, at) => whole.subarray(ends[at - 1] ?? 0, end))
      const seen = await readBody(redacted(bodyOf(chunks), secret), 10_000)
      const stars = '*'.repeat(secret.length)
      assert.equal(seen?.toString(), whole.toString().replaceAll(secret, stars))
    }),
  )
})

test('what is too short to be a secret stays', async () => {
  const body = redacted(bodyOf([Buffer.from('a key of no length')]), 'key')
  assert.equal((await readBody(body, 100))?.toString(), 'a key of no length')
})

test('an ending waits for no reader that has paused', () => {
  const heard: string[] = []
  redacted(bodyOf([Buffer.from('a long enough text')]), secret).pipe({
    // Pauses at what was held back.
    write: (chunk) => heard.push(chunk.toString()) < 2,
    end: () => heard.push('end'),
    fail: () => heard.push('fail'),
  })
  assert.deepEqual(heard, ['a l', 'ong enough text', 'end'])
})
