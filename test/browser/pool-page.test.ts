import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { build } from 'esbuild'
import { Browser } from './browser.ts'
import { chromium } from './chromium.ts'
import { busyPool, foreign, PageStage } from './page-stage.ts'
import type { Tab } from './tab.ts'

const found = await chromium()
const skip = found.kind === 'absent' ? found.reason : false
const size = { width: 1280, height: 900 }

/** On the page, before its script: `watched` has the turns to come, and what was asked. */
function countTurns() {
  const { setTimeout: later, clearTimeout: undo, fetch: ask } = globalThis
  const turns = new Set<unknown>()
  const counted = (action: () => void, ms: number) => {
    if (ms < 1_000) return later(action, ms)
    // The page has read its answer.
    watched.isAsking = false
    const turn = later(() => {
      turns.delete(turn)
      action()
    }, ms)
    turns.add(turn)
    return turn
  }
  const watched = { turns, asked: 0, isAsking: false }
  Object.assign(globalThis, {
    watched,
    setTimeout: counted,
    clearTimeout(turn: unknown) {
      turns.delete(turn)
      undo(Number(turn))
    },
    fetch(...words: Parameters<typeof fetch>) {
      watched.asked++
      watched.isAsking = true
      return ask(...words)
    },
  })
}

describe("a pool's page in a browser", { skip }, () => {
  let browser: Browser
  before(async () => {
    assert.ok(found.kind === 'unpacked')
    browser = await Browser.start(found)
  })
  after(() => browser?.close())

  /** The page over 64 replicas, read once. */
  async function look(): Promise<{ stage: PageStage; tab: Tab }> {
    const stage = new PageStage(busyPool(64))
    await stage.open()
    const tab = await browser.open(size)
    await tab.goTo(stage.url)
    await tab.until(`document.querySelectorAll('#replicas tr').length === 64`)
    return { stage, tab }
  }

  it('shows 64 replicas with their load, and who is out and why', async () => {
    const { stage, tab } = await look()
    assert.match(
      await tab.text('#serving'),
      /^Replicas serving\s+61 of 64\s+1 not answering, 1 out/,
    )
    assert.match(
      await tab.text('#replicas tr:nth-child(4)'),
      /10\.4\.0\.23:8000eu-1b\s+serving\s+21 of 24\s+12k\s+11 % of 410k\s+59 %\s+93 %\s+now/,
    )
    assert.match(await tab.text('#replicas tr:nth-child(2)'), /does not answer.*42 s$/s)
    assert.match(await tab.text('#notices'), /connection refused\.\s+10\.4\.0\.21:8000/)
    assert.match(await tab.text('#notices'), /10\.4\.0\.20:8000, .* and 60 others/)
    assert.deepEqual(tab.complaints, [])
    await stage.close()
  })

  it('shows what callers named as text, whatever it says', async () => {
    const { stage, tab } = await look()
    assert.match(await tab.text('#tenants tr:nth-child(2) th'), new RegExp(`^${foreign}`))
    assert.match(await tab.text('#times tr:first-child th'), new RegExp(`^${foreign}`))
    assert.match(
      await tab.text('#times tr:nth-child(2)'),
      /search\s+interactive\s+3\s+36\.0 s\s+0 ms/,
    )
    assert.ok((await tab.text('#decisions')).includes(foreign))
    assert.equal(await tab.value(`document.querySelectorAll('img').length`), 0)
    assert.equal(await tab.value('window.wasRun === undefined'), true)
    assert.deepEqual(tab.complaints, [])
    await stage.close()
  })

  it('runs and loads nothing that is not its own', async () => {
    const { stage, tab } = await look()
    const attempts = `(() => {
      const script = document.createElement('script')
      script.textContent = 'window.wasRun = true'
      document.body.append(script)
    })()`
    await assert.rejects(tab.value(attempts), /TrustedScript/)
    await assert.rejects(tab.value(`document.body.innerHTML = '<b>x</b>'`), /TrustedHTML/)
    assert.equal(await tab.value('window.wasRun === undefined'), true)
    assert.equal(
      await tab.value(`performance.getEntriesByType('resource').every(({ name }) =>
        name === ${JSON.stringify(`${stage.url}.json`)})`),
      true,
    )
    await stage.close()
  })

  it('explains a decision by keyboard, and leaves it open while figures change', async () => {
    const { stage, tab } = await look()
    await tab.value(`document.querySelector('#decisions summary').focus()`)
    await tab.press('Enter')
    await tab.until(`document.querySelectorAll('.costs tbody tr').length === 8`)
    assert.match(await tab.text('.costs tr.chosen'), /10\.4\.0\.20:8000 ?\s+62 ms\s+40 ms\s+22 ms/)
    assert.match(await tab.text('.costs tr.next'), /981 ms\s+311 ms.*no: KV cache full/s)
    assert.match(
      await tab.text('.why p'),
      /Bound at once\. Chosen of 64 replicas at a cost of 62 ms/,
    )
    const { decisions } = stage.data
    const [first] = decisions
    assert.ok(first !== undefined)
    const newest = { ...first, id: 'newest', ageMs: 0 }
    stage.data = { ...stage.data, decisions: [newest, ...decisions] }
    await tab.until(
      `document.querySelectorAll('#decisions > li').length === ${decisions.length + 1}`,
    )
    assert.equal(
      await tab.value(`document.querySelector('#decisions > li:nth-child(2) details').open`),
      true,
    )
    assert.deepEqual(tab.complaints, [])
    await stage.close()
  })

  it('says when the ambassador is gone, asks on, and recovers', async () => {
    const { stage, tab } = await look()
    await stage.close()
    await tab.until(`document.querySelector('#link').textContent.startsWith('no answer for')`)
    await tab.until(
      `document.querySelector('#told').textContent === 'The ambassador does not answer'`,
    )
    await stage.open()
    await tab.until(`document.querySelector('#link').textContent === 'live'`)
    assert.equal(await tab.text('#told'), 'The ambassador answers again')
    assert.ok(tab.failures.length > 0)
    assert.deepEqual(tab.complaints, [])
    await stage.close()
  })

  it('is the same in the bundle that the image runs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-page-'))
    const entry = join(import.meta.dirname, '..', '..', 'ambassador/pool/page/page-html.ts')
    const outfile = join(folder, 'page.mjs')
    // As deploy/image/app/bundle.ts has it.
    const minify = { minifyWhitespace: true, minifySyntax: true } as const
    const format = { format: 'esm', platform: 'node', target: 'node26' } as const
    await build({ entryPoints: [entry], outfile, bundle: true, ...format, ...minify })
    const { htmlPage } = await import(outfile)
    rmSync(folder, { recursive: true })
    const stage = new PageStage(busyPool(3), htmlPage())
    await stage.open()
    const tab = await browser.open(size)
    await tab.goTo(stage.url)
    await tab.until(`document.querySelectorAll('#replicas tr').length === 3`)
    await tab.value(`document.querySelector('#decisions summary').click()`)
    await tab.until(`document.querySelectorAll('.costs tbody tr').length === 3`)
    assert.match(await tab.text('#ttft'), /2 calls went on elsewhere; 1 failed: 1 overloaded/)
    assert.deepEqual(tab.complaints, [])
    await stage.close()
  })

  it('asks nothing while nobody looks', async () => {
    const stage = new PageStage(busyPool(64))
    await stage.open()
    const tab = await browser.open(size)
    await tab.beforePages(`(${countTurns.toString()})()`)
    await tab.goTo(stage.url)
    await tab.until(`document.querySelectorAll('#replicas tr').length === 64`)
    await tab.until('watched.turns.size > 0')
    const turn = (hidden: boolean) =>
      tab.value(`(() => {
        Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
        return watched.asked
      })()`)
    await turn(true)
    await tab.until('watched.turns.size === 0 && !watched.isAsking')
    const { asked } = stage
    stage.data = { ...stage.data, replicas: stage.data.replicas.slice(0, 3) }
    // At once, and for the first time since.
    assert.equal(await turn(false), asked + 1)
    await tab.until(`document.querySelectorAll('#replicas tr').length === 3`)
    assert.match(await tab.text('#told'), /10\.4\.3\.35:8000: gone from the pool$/)
    await stage.close()
  })

  it('fits a telephone, and a dark room', async () => {
    const { stage, tab } = await look()
    await tab.resize({ width: 390, height: 800 })
    await tab.until('document.documentElement.scrollWidth <= 390')
    const ground = () => tab.value('getComputedStyle(document.body).backgroundColor')
    const light = await ground()
    await tab.prefer('dark')
    assert.notEqual(await ground(), light)
    await stage.close()
  })
})
