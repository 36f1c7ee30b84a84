import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { type LocalSystem, launchReady, post } from '../local/local-system.ts'
import { Browser } from './browser.ts'
import { chromium } from './chromium.ts'
import type { Tab } from './tab.ts'

const found = await chromium()
const skip = found.kind === 'absent' ? found.reason : false
const story = Array.from({ length: 600 }, (_, at) => `chapter ${at}`).join(' ')

describe('the local system, seen on its live page', { skip }, () => {
  let system: LocalSystem
  let browser: Browser
  let tab: Tab
  let client: OpenAI
  before(async () => {
    assert.ok(found.kind === 'unpacked')
    system = await launchReady()
    const page = /Live, in a browser\n +llama-pool +(http:\S+\/pool)$/m.exec(system.out.text)?.[1]
    const baseURL = `http://127.0.0.1:${system.port}/v1`
    client = new OpenAI({ apiKey: 'own', baseURL, maxRetries: 0 })
    browser = await Browser.start(found)
    tab = await browser.open({ width: 1280, height: 1000 })
    await tab.goTo(String(page))
    await tab.until(`document.querySelectorAll('#replicas tr').length === 3`)
    // Whatever a row says while the test looks elsewhere is kept.
    await tab.value(`(() => {
      window.seen = []
      const look = () => {
        for (const row of document.querySelectorAll('#replicas tr')) {
          window.seen.push(row.querySelector('.mono').textContent + ' ' +
            row.querySelector('.state').textContent)
        }
      }
      const all = { subtree: true, childList: true, characterData: true }
      new MutationObserver(look).observe(document.querySelector('#replicas'), all)
    })()`)
  })
  after(async () => {
    await browser?.close()
    system?.process.kill('SIGTERM')
    await system?.ended
  })

  /** One streamed answer; `onChunk` is awaited at each event that carries text. */
  async function ask(
    messages: OpenAI.ChatCompletionMessageParam[],
    onChunk: (count: number, replica: string) => Promise<void> = async () => {},
  ) {
    const { data, response } = await client.chat.completions
      .create({
        model: 'assistant',
        max_tokens: 120,
        messages,
        stream: true,
        stream_options: { include_usage: true },
      })
      .withResponse()
    const replica = String(response.headers.get('x-outrigger-replica'))
    const call = String(response.headers.get('x-outrigger-call'))
    const ids = new Set<string>()
    let [text, reason, chunks, cached] = ['', '', 0, 0]
    for await (const { id, choices, usage } of data) {
      ids.add(id)
      const [choice] = choices
      text += choice?.delta.content ?? ''
      reason = choice?.finish_reason ?? reason
      cached = usage?.prompt_tokens_details?.cached_tokens ?? cached
      if (choice?.delta.content) await onChunk(++chunks, replica)
    }
    return { call, replica, ids, text, reason, cached }
  }

  /** Ends the process behind `replica` at once, as its own fault does. */
  async function kill(replica: string): Promise<void> {
    // It ends before it answers.
    await post(`${replica}/sim/faults`, JSON.stringify({ fault: 'kill' })).catch(() => undefined)
  }

  it('a second turn lands where its prefix is, and the page says so', async () => {
    const question = { role: 'user', content: story } as const
    const first = await ask([question])
    const reply = { role: 'assistant', content: first.text } as const
    const second = await ask([question, reply, { role: 'user', content: 'And then?' }])
    assert.equal(second.replica, first.replica)
    assert.ok(second.cached > 1_000, String(second.cached))
    await tab.until(`document.querySelectorAll('#decisions > li').length === 2`)
    const newest = await tab.text('#decisions > li:first-child summary')
    assert.match(newest, /^(now|\d+ s ago)\s+local · interactive\s+\S+ tokens, \S+k cached/)
    assert.ok(newest.includes(new URL(first.replica).host), newest)
    assert.deepEqual(tab.complaints, [])
  })

  it('a replica is killed in the middle of an answer: seen on the page, and by no client', async () => {
    const question = { role: 'user', content: 'Tell me of the sea' } as const
    // The launcher starts it again, after one second, and the next time after two.
    const { replica } = await ask([question])
    await kill(replica)
    await system.log.until(/is back, pid/)
    const host = new URL(replica).host
    await tab.until(
      `[...document.querySelectorAll('#replicas tr')].every((row) => row.className === '')`,
    )
    let victim = ''
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) =>
        ask(
          [{ role: 'user', content: `${at} times: ${question.content}` }],
          async (count, there) => {
            if (count !== 20 || victim !== '' || there !== replica) return
            victim = there
            await kill(there)
          },
        ),
      ),
    )
    assert.equal(victim, replica)
    for (const { ids, reason, text } of answers) {
      assert.deepEqual([ids.size, reason], [1, 'length'])
      assert.ok(text.length > 100)
    }
    const moved = answers.filter((answer) => answer.replica === replica)
    await tab.until(
      `/\\d+ calls? went on elsewhere/.test(document.querySelector('#ttft').innerText)`,
    )
    await tab.until(`window.seen.some((words) =>
      words.startsWith(${JSON.stringify(host)}) && !words.endsWith('serving'))`)
    // One call, two places: where it was cut, and where it went on.
    const calls = `[...document.querySelectorAll('#decisions summary .where')].map((one) => one.innerText)`
    const places = await tab.value(calls)
    assert.ok(Array.isArray(places) && places.filter((at) => at === host).length >= moved.length)
    assert.ok(places.length >= 3 + answers.length + moved.length, String(places))
    await tab.until(
      `[...document.querySelectorAll('#replicas tr')].every((row) => row.className === '')`,
    )
    assert.deepEqual(tab.complaints, [])
    assert.deepEqual(tab.failures, [])
  })
})
