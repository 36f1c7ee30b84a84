import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { defaultSettings } from '#deploy/inject/settings.ts'
import { openCluster } from '../cluster/cluster.ts'
import { container } from '../cluster/stage/pods.ts'
import { type Provider, startProvider } from '../pair/harness.ts'
import { type InjectedOptions, Platform } from './platform.ts'
import { type Relay, startRelay } from './relay.ts'

const cluster = await openCluster()
let provider: Provider
let relay: Relay
let platform: Platform

before(async () => {
  provider = await startProvider()
  relay = await startRelay(provider.port)
  platform = await Platform.open(cluster, relay.url)
})
after(async () => {
  relay?.close()
  await provider?.close()
  await cluster.close()
})

const { userId } = defaultSettings
const own = Object(container()['securityContext'])
const asSidecar = { securityContext: { ...own, runAsUser: userId } }

const cases: readonly {
  readonly name: string
  readonly what: string
  readonly options?: InjectedOptions
  readonly mode: string
}[] = [
  {
    name: 'group',
    what: 'of the group where the pod has an fsGroup',
    options: { spec: { securityContext: { fsGroup: 3_000 } } },
    mode: '0640 0:3000',
  },
  {
    name: 'one-user',
    what: 'of the user where all containers have one',
    options: { members: asSidecar },
    mode: `0600 ${userId}:0`,
  },
  { name: 'users', what: 'for everyone where users differ', mode: '0644 0:0' },
]

for (const { name, what, options = {}, mode } of cases) {
  test(`the token is ${what}, and the ambassador takes it from the sidecar`, async () => {
    const pod = await platform.createInjected(name, options)
    await pod.whenReady()
    assert.equal(await pod.modeOf('kubernetes.io~projected/outrigger-token', 'token'), mode)
    const { facts } = await pod.whenTold('application', { what: 'first' })
    assert.equal(facts['status'], 200)
  })
}
