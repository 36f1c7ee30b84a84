import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ask } from '../client.ts'
import { unsealed } from '../sealed-words.ts'
import { held } from './held-provider.ts'
import { stage } from './one-stage.ts'
import { tokensOf } from './stage.ts'
import {
  answerOf,
  asking,
  billed,
  eventsOf,
  type Surface,
  surfaceNames,
  surfaces,
} from './surfaces.ts'

/** Asks for an answer that the test writes, and gives both access lines with it. */
async function settled(surface: Surface, stream: boolean, bytes: string) {
  const { provider, pair } = stage()
  const one = asking(surface, { stream, headers: held })
  const seen = ask(pair.port, one)
  const exchange = await provider.exchange(one.id)
  exchange.head()
  exchange.response.end(bytes)
  const { status, body, headers } = await seen
  assert.equal(status, 200, body)
  assert.equal(unsealed(body), bytes)
  const { sidecar, ambassador } = await pair.linesOf(String(headers['x-outrigger-call']))
  return [sidecar, ambassador] as const
}

/** The bytes of an answer of which the provider tells no usage, or only what a stream begins with. */
function untold(surface: Surface, stream: boolean): string {
  const { opening, content, closingUntold, answer } = surfaces[surface]
  if (!stream) return JSON.stringify(answer)
  return [...opening, ...content, ...closingUntold].join('')
}

/** Events that tell a running usage beside the content, as some providers do; the last one is right. */
function running(surface: Surface): string {
  const { content, usage } = surfaces[surface]
  const whole = eventsOf(surface)
  const later = whole.map((event) => {
    if (!content.includes(event)) return event
    const less = JSON.stringify(usage).replace(`:${billed.output}`, ':1')
    return event.replace(/\}\n\n$/, `,"usage":${less}}\n\n`)
  })
  return later.join('')
}

/** As Groq writes it: the usage stands in the chunk that has the reason of the end. */
function besideTheEnd(surface: 'chat' | 'completions'): string {
  const { usage } = surfaces[surface]
  return eventsOf(surface)
    .filter((event) => !event.includes('"choices":[],'))
    .map((event) =>
      event.includes('"stop"')
        ? event.replace(/\}\n\n$/, `,"usage":${JSON.stringify(usage)}}\n\n`)
        : event,
    )
    .join('')
}

// An access line waits for others of its moment: one test after another would wait for each.
describe('what is counted', { concurrency: true }, () => {
  for (const surface of surfaceNames) {
    for (const stream of [true, false]) {
      const what = `${stream ? 'a stream' : 'a whole answer'} of ${surface}`

      // litellm#37923
      test(`T23: ${what} counts what the provider says`, async () => {
        const bytes = stream ? eventsOf(surface).join('') : answerOf(surface)
        for (const line of await settled(surface, stream, bytes)) {
          assert.deepEqual(tokensOf(line), { ...billed, isExact: true })
        }
      })

      test(`T23: ${what} without a usage counts an estimate, and says so`, async () => {
        const [sidecar, ambassador] = await settled(surface, stream, untold(surface, stream))
        for (const { input, output, isExact } of [sidecar, ambassador].map(tokensOf)) {
          assert.deepEqual([input > 0, output > 1, isExact], [true, true, false])
        }
      })
    }

    // litellm#36168
    test(`T24: of several usages in a stream of ${surface} the last one counts`, async () => {
      for (const line of await settled(surface, true, running(surface))) {
        assert.deepEqual(tokensOf(line), { ...billed, isExact: true })
      }
    })
  }

  for (const surface of ['chat', 'completions'] as const) {
    test(`T24: a usage of ${surface} that comes beside a choice counts`, async () => {
      for (const line of await settled(surface, true, besideTheEnd(surface))) {
        assert.deepEqual(tokensOf(line), { ...billed, isExact: true })
      }
    })
  }
})
