import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pollMs } from '#shared/config/poll.ts'
import { Volume } from '../../chaos/config-writers.ts'
import { plainProvider } from '../bad-input-idle.ts'
import { ask } from '../client.ts'
import { alias, configOf, Half } from '../harness.ts'
import { unsealed } from '../sealed-words.ts'
import { type Exchange, HeldProvider, held } from './held-provider.ts'
import { type Reader, read } from './stage.ts'
import { answerOf, asking, eventsOf, surfaceNames, surfaces } from './surfaces.ts'

let directory: string
let provider: HeldProvider
let ambassador: Half
let sidecar: Half
const volumes = { ambassador: new Volume(), sidecar: new Volume() }

/** Writes the file of a half as kubelet does, by another target of one link. */
async function mount(name: 'ambassador' | 'sidecar', more: object): Promise<string> {
  const address = name === 'sidecar' ? [`127.0.0.1:${ambassador.port}`] : []
  const options = { provider: provider.port, pool: plainProvider(provider.port) }
  const file = join(directory, name, 'outrigger.yaml')
  await volumes[name].write(
    new Map([[file, JSON.stringify({ ...configOf(options, address), ...more })]]),
  )
  return file
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'outrigger-rollout-'))
  await Promise.all(['ambassador', 'sidecar'].map((name) => mkdir(join(directory, name))))
  provider = await new HeldProvider().listen()
  ambassador = new Half('ambassador', await mount('ambassador', {}), {})
  await ambassador.whenReady()
  sidecar = new Half('sidecar', await mount('sidecar', {}), {})
  await sidecar.whenReady()
})
after(async () => {
  await sidecar?.kill()
  await ambassador?.kill()
  await provider?.close()
  await rm(directory, { recursive: true, force: true })
})

/** One stream of each surface that has shown content, and one whole answer that is under way. */
async function underWay() {
  const streams = await Promise.all(
    surfaceNames.map(async (surface) => {
      const one = asking(surface, { stream: true, headers: held })
      const reading = read(sidecar.port, one)
      const exchange = await provider.exchange(one.id)
      exchange.head()
      await exchange.write([...surfaces[surface].opening, surfaces[surface].content[0]].join(''))
      const reader = await reading
      await reader.until('plain ')
      return { exchange, reader }
    }),
  )
  const answers = await Promise.all(
    surfaceNames.map(async (surface) => {
      const one = asking(surface, { headers: held })
      const seen = ask(sidecar.port, one)
      return { exchange: await provider.exchange(one.id), seen }
    }),
  )
  return { streams, answers }
}

/** The provider comes to an end with all of them, and all of them are as it wrote them. */
async function finish({ streams, answers }: Awaited<ReturnType<typeof underWay>>): Promise<void> {
  for (const { exchange, reader } of streams) await isWhole(exchange, reader)
  for (const { exchange, seen } of answers) {
    exchange.answer()
    const { status, body, end } = await seen
    assert.deepEqual([status, end], [200, 'clean'], body)
    assert.equal(unsealed(body), answerOf(exchange.surface))
  }
}

async function isWhole({ surface, response }: Exchange, reader: Reader): Promise<void> {
  const { content, closing } = surfaces[surface]
  response.end([...content.slice(1), ...closing].join(''))
  assert.equal(await reader.ended, 'clean')
  assert.equal(unsealed(reader.text()), eventsOf(surface).join(''))
}

/** Below the time between two polls: what is sooner was seen by the watch. */
const reloadMsMax = pollMs / 2

// litellm#4910, litellm#20409, litellm#30772, litellm#40035
test('T51: a file that kubelet replaces is taken by both halves, under streams that go on', async () => {
  const open = await underWay()
  const fresh = { models: { tiny: alias, fresh: alias } }
  for (const [name, half] of Object.entries({ ambassador, sidecar })) {
    const { mark } = half
    const beganMs = performance.now()
    await mount(name === 'sidecar' ? 'sidecar' : 'ambassador', fresh)
    await half.line(({ msg }) => msg === 'configuration taken', mark)
    assert.ok(performance.now() - beganMs < reloadMsMax)
  }
  const seen = await ask(sidecar.port, asking('chat', { body: { model: 'fresh' } }))
  assert.equal(seen.status, 200, seen.body)
  await finish(open)
})

test('T51: a bad file is refused in words, and the one before stays in force', async () => {
  const open = await underWay()
  for (const [name, half] of Object.entries({ ambassador, sidecar })) {
    const { mark } = half
    await mount(name === 'sidecar' ? 'sidecar' : 'ambassador', { models: { tiny: 'nonsense' } })
    const line = await half.line(({ level }) => level === 'error', mark)
    assert.match(JSON.stringify(line), /models\.tiny/)
    const { text } = await half.page('/metrics')
    assert.match(text, /^outrigger_(?:sidecar|ambassador)_config_last_reload_successful 0$/m)
  }
  const seen = await ask(sidecar.port, asking('chat', { body: { model: 'fresh' } }))
  assert.equal(seen.status, 200, seen.body)
  await finish(open)
})

// litellm#14334, litellm#28714, litellm#29439, PostHog/posthog#73863
test('T10: halves that are told to end bring every call under way to its end, and end with 0', async () => {
  const open = await underWay()
  for (const half of [sidecar, ambassador]) {
    half.signal('SIGTERM')
    await half.line(({ msg }) => msg === 'draining')
  }
  // A pod that ends is taken out by Kubernetes itself: the sidecar's readiness is not asked for.
  assert.equal((await ambassador.page('/readyz')).status, 503)
  await finish(open)
  assert.deepEqual([await sidecar.exited(), await ambassador.exited()], [0, 0])
})
