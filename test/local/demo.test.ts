import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { demoManners } from '#deploy/local/demo/doubles.ts'
import { effectiveText } from '#deploy/local/effective.ts'
import { Planner } from '#deploy/local/plan.ts'
import { parseConfig } from '#shared/config/load.ts'
import { allSecrets, readSecrets } from '#shared/config/secrets.ts'
import {
  type LocalSystem,
  launchReady,
  pidsOf,
  post,
  printedCalls,
  untilRefused,
} from './local-system.ts'

const file = `
models:
  m: { targets: [{ provider: eu, model: gpt-5 }, { provider: other, model: x }] }
providers:
  eu:
    kind: azure
    baseUrl: https://eu.openai.azure.com
    credentials:
      - { name: a, secret: REAL_KEY, baseUrl: 'https://us.openai.azure.com' }
      - { name: b, entra: {} }
  other: { kind: openai-compatible, baseUrl: 'http://127.0.0.1:9/v1' }
`

it('a double stands for each commercial provider, with made-up keys alone', () => {
  const loaded = parseConfig(file, 'outrigger.yaml')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const { config } = loaded
  const secrets = readSecrets(allSecrets(config), '/', { REAL_KEY: 'real' })
  const plan = new Planner(5_000, demoManners).plan({ config, secrets })
  const [double, ...more] = plan.doubles
  assert.deepEqual(more, [])
  assert.deepEqual(double?.models, ['gpt-5'])
  assert.deepEqual(double?.keys[1], {
    credential: 'b',
    variable: 'DEMO_KEY_EU_2',
    key: 'demo-eu-b',
  })
  const { providers } = parse(effectiveText(file, '/', plan))
  assert.equal(providers.eu.baseUrl, `http://127.0.0.1:${double?.port}`)
  assert.deepEqual(providers.eu.credentials, [
    { name: 'a', secret: 'DEMO_KEY_EU_1' },
    { name: 'b', secret: 'DEMO_KEY_EU_2' },
  ])
  assert.equal(providers.other.baseUrl, 'http://127.0.0.1:9/v1')
})

describe('npm start -- --demo-providers', () => {
  const directory = mkdtempSync(join(tmpdir(), 'demo-test-'))
  let system: LocalSystem

  before(async () => {
    // A key that is there all the same: the doubles do not know it.
    const environment = { OPENAI_API_KEY: 'real' }
    system = await launchReady({ args: ['--demo-providers'], directory, environment })
  })

  after(() => {
    system.process.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  })

  it('answers the printed calls of both dialects from doubles', async () => {
    assert.match(system.out.text, /openai +openai +enabled: a double, 2 keys, each 30 calls/)
    const ends = [/data: \[DONE\]\n\n$/, /"type":"message_stop"\}\n\n$/]
    const served: (string | null)[] = []
    for (const [at, { url, body }] of printedCalls(system).entries()) {
      const answer = await post(url, body)
      served.push(answer.headers.get('x-outrigger-provider'))
      assert.match(await answer.text(), ends[at] ?? /never/)
    }
    assert.deepEqual(served, ['openai', 'anthropic'])
  })

  it('tells of a failing provider by its breaker and by the target passed over', async () => {
    const script = /curl -s (\S+\/sim\/script) -d '(\{"always":"status=500"\})'/
    const [, url = '', instruction = ''] = script.exec(system.out.text) ?? []
    await (await post(url, instruction)).text()
    const [chat] = printedCalls(system)
    assert.ok(chat)
    const answers = Array.from({ length: 6 }, () => post(chat.url, chat.body))
    for (const answer of await Promise.all(answers)) {
      assert.equal(answer.status, 200)
      assert.match(
        answer.headers.get('x-outrigger-passed-over') ?? '',
        /^openai\/gpt-5=unavailable/,
      )
      assert.match(await answer.text(), /\[DONE\]/)
    }
    await system.log.until(/"msg":"breaker"/)
  })

  it('ends with 0 on SIGTERM and leaves nothing behind', async () => {
    const { port } = system
    system.process.kill('SIGTERM')
    assert.equal(await system.ended, 0)
    for (const at of [port, port + 50, port + 51, port + 52, port + 100]) await untilRefused(at)
    for (const pid of pidsOf(system).values()) assert.throws(() => process.kill(pid, 0), /ESRCH/)
  })
})
