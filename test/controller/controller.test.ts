import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleOf, defaultLifetimes, recover } from '#deploy/certificates/authorities.ts'
import { readAuthorities, readPair, writeAuthorities } from '#deploy/certificates/stored.ts'
import { factsOf } from '#deploy/certificates/x509.ts'
import { Controller } from '#deploy/controller/controller.ts'
import { trustedIn } from '#deploy/controller/distribute.ts'
import { controllerMetrics } from '#deploy/controller/metrics.ts'
import { readPlatform } from '#deploy/controller/platform.ts'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { manualClock } from '../manual-clock.ts'
import { home, listeningLog, platformText, refused, ScriptedApi } from './scripted-api.ts'

const dayMs = 24 * 3_600_000
const nowMs = manualClock().wall()
const settings = {
  namespace: home,
  instance: 'controller-0',
  transport: 'tls',
  touches: 'nothing',
  lifetimes: defaultLifetimes,
  lingerMs: 0,
} as const

/** Runs a controller beside `server` until it has ended its first turn; gives what it said. */
async function oneTurn(server: ScriptedApi): Promise<readonly string[]> {
  const clock = manualClock()
  const { said, log } = listeningLog()
  const { metrics } = controllerMetrics()
  const ended = Promise.withResolvers<void>()
  const turns = { ...metrics.turns, add: () => ended.resolve() }
  const parts = { api: server.api, clock, log, settings, metrics: { ...metrics, turns } }
  const controller = new Controller(parts)
  while (!controller.isSynced) await Promise.resolve()
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  clock.advance(0)
  await ended.promise
  await controller.close()
  return said
}

function dataOf(server: ScriptedApi, path: string) {
  const data = server.objects.get(path)?.['data']
  if (!isJsonObject(data)) return undefined
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, String(value)]))
}

function serverWith(text: string): ScriptedApi {
  const server = new ScriptedApi()
  server.put(server.configMap(home, 'outrigger'), { data: { 'outrigger.yaml': text } })
  server.put('/api/v1/namespaces/tenant/pods/one', {})
  return server
}

/** Its rotation has begun `ageMs` ago. */
async function withNext(server: ScriptedApi, ageMs: number): Promise<void> {
  const current = await recover('', nowMs - 250 * dayMs)
  const { current: next } = await recover('', nowMs - ageMs)
  const state = { ...current, next: { ...next, since: undefined } }
  server.put(server.secret('outrigger-ca'), { data: writeAuthorities(state) })
}

const sinceOf = (server: ScriptedApi) =>
  readAuthorities(dataOf(server, server.secret('outrigger-ca')))?.next?.since

test('whatever refuses a ConfigMap, every certificate is kept and webhooks are trusted', async () => {
  const webhooks = '/mutatingwebhookconfigurations/ambassador-outrigger-injector'
  const trust = `/apis/admissionregistration.k8s.io/v1${webhooks}`
  for (const refusal of [refused(403), refused(422), refused(500), refused(0)]) {
    for (const who of [home, 'tenant']) {
      const server = serverWith(platformText)
      server.put(trust, { webhooks: [{ name: 'w', clientConfig: {} }] })
      const handout = server.configMap(who, 'outrigger-sidecar')
      server.refuse = (_, path) => (path === handout ? refusal : undefined)
      const said = await oneTurn(server)
      for (const name of ['outrigger-webhook-tls', 'ambassador-openai-tls']) {
        assert.ok(readPair(dataOf(server, server.secret(name))), `${name} beside ${who}`)
      }
      assert.ok(server.asked.includes(`patch ${trust}`))
      assert.ok(said.includes('Cannot finish a turn: tried again'))
    }
  }
})

test('a refusal of one is told, keeps nothing from others, and holds back a rotation for 31 days', async () => {
  for (const { ageMs, isRefused, isNoted } of [
    { ageMs: dayMs, isRefused: false, isNoted: true },
    { ageMs: dayMs, isRefused: true, isNoted: false },
    { ageMs: 31 * dayMs, isRefused: true, isNoted: true },
  ]) {
    const server = serverWith(platformText)
    await withNext(server, ageMs)
    const handout = server.configMap(home, 'outrigger-sidecar')
    server.refuse = (_, path) => (isRefused && path === handout ? refused(403) : undefined)
    const said = await oneTurn(server)
    assert.equal(sinceOf(server) !== undefined, isNoted)
    assert.equal(said.includes('a namespace refuses its configuration'), isRefused)
    assert.ok(server.objects.has(server.configMap('tenant', 'outrigger-sidecar')))
    const events = [...server.objects.values()].map((object) => object['reason'])
    assert.equal(events.includes('ConfigurationNotGiven'), isRefused)
  }
})

test('a configuration that is bad or gone lets no certificate of an ambassador end', async () => {
  const configured = { metadata: {}, data: { 'outrigger.yaml': platformText } }
  const good = readPlatform(configured, settings)
  assert.ok(good.kind === 'valid')
  for (const isGone of [false, true]) {
    const server = serverWith('models: [')
    if (isGone) server.objects.delete(server.configMap(home, 'outrigger'))
    const data = { 'outrigger.yaml': good.projection.text }
    server.put(server.configMap(home, 'outrigger-sidecar'), { data })
    await oneTurn(server)
    assert.ok(readPair(dataOf(server, server.secret('ambassador-openai-tls'))))
  }
})

test('a Secret of authorities that nobody can read is made anew; who was trusted stays so', async () => {
  const server = serverWith(platformText)
  await oneTurn(server)
  const first = readAuthorities(dataOf(server, server.secret('outrigger-ca')))
  const leaf = readPair(dataOf(server, server.secret('ambassador-openai-tls')))
  assert.ok(first !== undefined && leaf !== undefined)
  const garbage = { current: { certificate: 'garbage', key: 'x' }, previous: [] }
  const text = Buffer.from(JSON.stringify(garbage)).toString('base64')
  server.put(server.secret('outrigger-ca'), { data: { 'authorities.json': text } })
  const said = await oneTurn(server)
  assert.ok(!said.includes('Cannot finish a turn: tried again'))
  const second = readAuthorities(dataOf(server, server.secret('outrigger-ca')))
  assert.ok(second !== undefined)
  assert.equal(second.previous[0]?.certificate.trim(), first.current.certificate.trim())
  const handout = server.objects.get(server.configMap('tenant', 'outrigger-sidecar'))
  assert.equal(trustedIn(handout), bundleOf(second))
  // Served further until the new authority is in every file.
  assert.deepEqual(readPair(dataOf(server, server.secret('ambassador-openai-tls'))), leaf)
  assert.ok(factsOf(second.current.certificate).until > nowMs)
})
