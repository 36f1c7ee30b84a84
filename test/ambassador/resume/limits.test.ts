import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promptTokens, sentence } from './model-server.ts'
import { hear, ResumedCall, textOf } from './stage.ts'

const breaks = { atByte: 900, as: 'upstream-reset' } as const
const asked = { stream_options: { include_usage: true } }

test('a bound on the answer is one for all its parts', async () => {
  for (const max of [8, 12, 16, 20, 25]) {
    for (const name of ['max_tokens', 'max_completion_tokens']) {
      const question = { ...asked, [name]: max }
      const call = new ResumedCall({ servers: [{ breaks }], question })
      const heard = hear(await call.whole())
      assert.equal(heard.text, Array.from(sentence).slice(0, max).join(''), `${name} ${max}`)
      assert.deepEqual([heard.finishes, heard.errors], [['length'], 0])
      assert.deepEqual(heard.usages.at(-1)?.['completion_tokens'], max)
      call.close()
    }
  }
})

test('a cap of the sidecar is one for all parts too', async () => {
  const call = new ResumedCall({ servers: [{ breaks }], question: asked, outputCap: 20 })
  const heard = hear(await call.whole())
  assert.deepEqual([Array.from(heard.text).length, heard.finishes], [20, ['length']])
  assert.equal(call.context.outputCap, 20)
  call.close()
})

test('a stream that lacks nothing but its last events is given them here', async () => {
  const whole = new ResumedCall({ servers: [{}], question: { ...asked, max_tokens: 15 } })
  const stream = await whole.whole()
  whole.close()
  // Behind the last token, behind the reason, and behind the usage.
  const marks = ['"finish_reason":"length"', '"choices":[]', '[DONE]']
  const full = new ResumedCall({ servers: [{}], question: { ...asked, max_tokens: 15 } })
  await full.whole()
  full.close()
  const bytes = full.streams[0]?.all.toString() ?? ''
  for (const mark of marks) {
    const atByte = Buffer.byteLength(
      bytes.slice(0, bytes.lastIndexOf('data: ', bytes.indexOf(mark))),
    )
    const servers = [{ breaks: { atByte, as: 'end' } as const }]
    const call = new ResumedCall({ servers, question: { ...asked, max_tokens: 15 } })
    const heard = hear(await call.whole())
    assert.deepEqual(heard, { ...hear(stream), usages: heard.usages }, mark)
    const [usage] = heard.usages
    assert.deepEqual([usage?.['prompt_tokens'], usage?.['completion_tokens']], [promptTokens, 15])
    assert.equal(call.puts.length, 1)
    assert.equal(call.context.error, undefined)
    assert.deepEqual([call.usage.input, call.usage.output], [promptTokens, 15])
    call.close()
  }
})

test('a stream goes on as often as is allowed, each time once', async () => {
  const servers = [{ breaks }, { breaks }, { breaks }]
  const once = new ResumedCall({ servers })
  assert.deepEqual([hear(await once.whole()).errors, once.puts.length], [1, 2])
  assert.equal(once.context.resumption?.count, 1)
  const twice = new ResumedCall({ servers, provider: { resume: { times: 2 } } })
  assert.deepEqual([hear(await twice.whole()).errors, twice.puts.length], [1, 3])
  const short = servers.slice(0, 2)
  const question = asked
  const mended = new ResumedCall({ servers: short, question, provider: { resume: { times: 2 } } })
  const heard = hear(await mended.whole())
  assert.deepEqual([heard.text, heard.errors, heard.roles, heard.ids.length], [sentence, 0, 1, 1])
  const [usage] = heard.usages
  assert.deepEqual([usage?.['prompt_tokens'], mended.usage.input], [promptTokens, promptTokens])
  assert.deepEqual(
    mended.verdicts.map((line) => line.split(' ')[1]),
    ['failure', 'failure', 'success'],
  )
  for (const call of [once, twice, mended]) call.close()
})

test('the rest of a stream brings no call in, and takes from the budget what is not clearly its first replica’s', async () => {
  const limits = { budgetPercent: 20, budgetFloor: 1 }
  const silent = { atByte: 900, as: 'idle-timeout' } as const
  const taken = {
    once: [{ breaks }],
    silent: [{ breaks: silent }],
    twice: [{ breaks }, { breaks }],
  }
  for (const [name, servers] of Object.entries(taken)) {
    const call = new ResumedCall({ servers, provider: { resume: { times: 2 } } })
    const before = call.budget.balance(limits)
    await call.whole()
    assert.equal(call.budget.balance(limits), before - (name === 'once' ? 0 : 1), name)
    call.close()
  }
})

test('the time to the first content is that of the first part', async () => {
  const call = new ResumedCall({ servers: [{ breaks }, { waits: true }] })
  const { body } = await call.head()
  const ended = textOf(body)
  while (call.waiting.length === 0) await Promise.resolve()
  call.clock.advance(5_000)
  call.waiting[0]?.()
  assert.equal(hear(await ended).errors, 0)
  assert.equal(call.context.firstContentMs, 0)
  call.close()
})
