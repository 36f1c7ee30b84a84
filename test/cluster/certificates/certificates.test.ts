import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { openCluster } from '../cluster.ts'
import { systemNamespace } from '../stage/names.ts'
import { asking, create, initNames, pod } from '../stage/pods.ts'
import { Stage } from '../stage/stage.ts'
import { until } from '../until.ts'

const cluster = await openCluster()
// The same on every version, and it takes minutes.
const isRepeated = cluster.emulatedVersion !== undefined && 'seen on the version before'
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler') || isRepeated
const stage = skip
  ? undefined
  : await Stage.open(cluster, {
      syncMs: 1_000,
      // A year in a minute. A leaf is renewed with a third left, 13 s, of which a webhook takes 11.
      controller: ['--lifetimes', 'authority=60s,leaf=40s,spread=5s,skew=1s'],
    })
after(async () => {
  await stage?.close()
  await cluster.close()
})
const namespace = await cluster.namespace('rotation')
const secrets = `/api/v1/namespaces/${systemNamespace}/secrets`
const registrations = '/apis/admissionregistration.k8s.io/v1'
const names = (service: string) =>
  ['', '.svc', '.svc.cluster.local'].map((end) => `DNS:${service}.${systemNamespace}${end}`)

interface Secret {
  readonly type: string
  readonly data: Readonly<Record<string, string>>
}

interface Configuration {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle: string } }[]
}

async function leafIn(secret: string): Promise<X509Certificate> {
  const { data } = await cluster.api.get<Secret>(`${secrets}/${secret}`)
  return new X509Certificate(atob(data['tls.crt'] ?? ''))
}

/** PEM of whom the API server trusts as one of our webhooks. */
async function trusted(
  name = 'mutatingwebhookconfigurations/ambassador-outrigger-injector',
): Promise<string> {
  const { webhooks } = await cluster.api.get<Configuration>(`${registrations}/${name}`)
  return atob(webhooks[0]?.clientConfig.caBundle ?? '')
}

/** PEM of whom the sidecars of our own namespace trust. */
async function handedOut(): Promise<string> {
  const path = `/api/v1/namespaces/${systemNamespace}/configmaps/outrigger-sidecar`
  const { data } = await cluster.api.get<Secret>(path)
  return data['ca.crt'] ?? ''
}

function rootsOf(bundle: string): X509Certificate[] {
  const ends = bundle.split(/(?<=-----END CERTIFICATE-----\n)/)
  return ends.filter((part) => part.trim() !== '').map((part) => new X509Certificate(part))
}

function isSigned(leaf: X509Certificate, bundle: string): boolean {
  return rootsOf(bundle).some(({ publicKey }) => leaf.verify(publicKey))
}

/** A new connection to a webhook, as one that trusts `ca`; gives the serial number of its leaf. */
async function handshake(address: string, ca: string): Promise<string> {
  const servername = `outrigger-webhook.${systemNamespace}.svc`
  const socket = connect({ host: address, port: 10_250, ca, servername })
  await once(socket, 'secureConnect')
  const serial = socket.getPeerCertificate().serialNumber
  socket.destroy()
  return serial
}

test('from nothing: authority, leaves of webhook and ambassadors, and trust in them', {
  skip,
}, async () => {
  const bundle = await trusted()
  assert.equal(await trusted('validatingwebhookconfigurations/outrigger-config'), bundle)
  assert.equal(await handedOut(), bundle)
  for (const service of ['outrigger-webhook', 'ambassador-openai']) {
    const { type } = await cluster.api.get<Secret>(`${secrets}/${service}-tls`)
    assert.equal(type, 'kubernetes.io/tls')
    const leaf = await leafIn(`${service}-tls`)
    assert.deepEqual(leaf.subjectAltName?.split(', '), names(service))
    assert.ok(isSigned(leaf, bundle))
    assert.equal(leaf.ca, false)
  }
})

test('authority and leaves rotate while pods are created, and neither a pod nor a handshake fails', {
  skip,
}, async (context) => {
  const [first] = rootsOf(await trusted())
  const failures: string[] = []
  const leaves = new Set<string>()
  const over = new AbortController()
  let [pods, handshakes] = [0, 0]
  const createPods = async () => {
    for (; !over.signal.aborted; pods++) {
      try {
        const made = await create(cluster, namespace, pod(asking()))
        assert.deepEqual(initNames(made), ['outrigger-sidecar'])
        const path = `/api/v1/namespaces/${namespace}/pods/${made.metadata.name}`
        await cluster.api.remove(path, { gracePeriodSeconds: 0 })
      } catch (error) {
        failures.push(String(error))
      }
    }
  }
  const shakeHands = async () => {
    for (; !over.signal.aborted; handshakes++) {
      const bundle = await trusted()
      for (const { address } of stage?.players('webhook') ?? []) {
        await handshake(address, bundle).then(
          (serial) => leaves.add(serial),
          (error: unknown) => failures.push(String(error)),
        )
      }
    }
  }
  const rotated = until('everything signed by another authority', 120_000, async () => {
    const [current] = rootsOf(await trusted())
    if (current === undefined || current.fingerprint256 === first?.fingerprint256) return false
    const own = await leafIn('outrigger-webhook-tls')
    const theirs = await leafIn('ambassador-openai-tls')
    if (![own, theirs].every((leaf) => leaf.verify(current.publicKey))) return false
    return leaves.has(own.serialNumber)
  })
  await Promise.all([createPods(), shakeHands(), rotated.finally(() => over.abort())])
  context.diagnostic(`${pods} pods, ${handshakes} rounds of handshakes, ${leaves.size} leaves`)
  assert.deepEqual(failures.slice(0, 3), [])
  assert.ok(pods > 100 && leaves.size >= 3)
})

test('a Secret that is deleted is made again, and pods are created all the while', {
  skip,
}, async () => {
  const before = await leafIn('outrigger-webhook-tls')
  await cluster.api.remove(`${secrets}/outrigger-webhook-tls`)
  await create(cluster, namespace, pod(asking()))
  const next = await until('another leaf', 60_000, () => leafIn('outrigger-webhook-tls'))
  assert.notEqual(next.serialNumber, before.serialNumber)
  assert.ok(isSigned(next, await trusted()))
  await create(cluster, namespace, pod(asking()))
})

test('trust that somebody takes out of a webhook’s configuration is put back', {
  skip,
}, async () => {
  const before = await trusted()
  const path = `${registrations}/mutatingwebhookconfigurations/ambassador-outrigger-injector`
  const operation = { op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }
  await cluster.api.patch(path, [operation], 'json')
  await until('trust', 60_000, async () => (await trusted()) === before)
})

test('where the authority’s Secret is garbage another one is made, and trusted everywhere', {
  skip,
}, async () => {
  const before = await trusted()
  await cluster.api.patch(`${secrets}/outrigger-ca`, { data: { 'authorities.json': btoa('{]') } })
  const bundle = await until('another authority', 60_000, async () => {
    const next = await trusted()
    return !before.includes(rootsOf(next)[0]?.toString() ?? '') && next
  })
  await until('pods by its leaf', 60_000, async () => {
    const made = await create(cluster, namespace, pod(asking()), 'dry')
    return initNames(made).length === 1
  })
  const [root] = rootsOf(bundle)
  assert.ok(root !== undefined)
  // Who was trusted stays so until the other is in every file and has signed.
  assert.ok(rootsOf(bundle).some((each) => before.includes(each.toString())))
  for (const secret of ['outrigger-webhook-tls', 'ambassador-openai-tls']) {
    assert.ok(isSigned(await leafIn(secret), bundle))
    await until('a leaf of the other', 60_000, async () => {
      return (await leafIn(secret)).verify(root.publicKey)
    })
  }
  assert.ok((await handedOut()).includes(root.toString()))
})
