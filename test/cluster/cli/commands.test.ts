import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { readMark } from '#deploy/inject/mark.ts'
import type { KubernetesObject } from '../api.ts'
import { until } from '../until.ts'
import { application, openInstalled } from './installed.ts'

const { cluster, skip, installation } = await openInstalled()
const { api } = cluster

function firstPod(name: string): Promise<KubernetesObject> {
  return until(`a pod of ${name}`, 60_000, async () => {
    const { namespace } = installation()
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=app=${name}`
    return (await api.list(path))[0]
  })
}

const hashOf = ({ metadata }: KubernetesObject) =>
  readMark(metadata.annotations?.['outrigger.dev/template'])?.hash

test('the command and the annotation give pods of the same template', { skip }, async () => {
  const { namespace } = installation()
  const original = application(namespace, 'by-command', 'silent')
  const { exit, out, told } = await installation().pipe(JSON.stringify(original), 'inject', '-')
  assert.equal(exit, 0, told)
  const applied = await api.apply(JSON.parse(out))
  const [byCommand, byAnnotation] = [await firstPod('by-command'), await firstPod('web')]
  assert.match(hashOf(byCommand) ?? '', /^[0-9a-f]{12}$/)
  assert.equal(hashOf(byCommand), hashOf(byAnnotation))
  const back = await installation().pipe(JSON.stringify(applied), 'uninject', '-')
  const { metadata, spec } = parse(back.out)
  assert.equal(metadata.name, 'by-command')
  assert.equal(spec.template.spec.initContainers, undefined)
  assert.deepEqual(spec.template.metadata, { labels: { app: 'by-command' } })
  await api.remove(`/apis/apps/v1/namespaces/${namespace}/deployments/by-command`)
  await until('the end of its pods', 60_000, async () => {
    const pods = await api.list(`/api/v1/namespaces/${namespace}/pods`)
    return pods.every(({ metadata }) => metadata.labels?.['app'] !== 'by-command')
  })
})

test('a pod of the cluster is explained rule by rule', { skip }, async () => {
  const { namespace } = installation()
  const { metadata } = await firstPod('web')
  const { exit, out } = await installation().run('explain', 'pod', metadata.name, '-n', namespace)
  assert.equal(exit, 0)
  assert.match(out, /^opted-in +pass/m)
  assert.match(out, /^why +Nothing is changed: the sidecar is there, of template/m)
  const absent = await installation().run('explain', 'pod', 'nobody', '-n', namespace)
  assert.equal(absent.exit, 2)
  assert.match(absent.told, /There is no pod 'nobody'/)
})

test('status tells components and sidecars', { skip }, async () => {
  const { namespace } = installation()
  const { exit, out } = await installation().run('status')
  assert.equal(exit, 0)
  assert.match(out, /^outrigger-controller +2\/2 .*outrigger-controller-\S+ leads$/m)
  assert.match(out, /^outrigger-webhook +2\/2 +\S+ +\d\dd/m)
  assert.match(out, /^ambassador-openai +1\/1 .*configuration valid and current$/m)
  assert.match(out, new RegExp(`^${namespace} +1 +\\d+\\.\\d+\\.\\d+ +[0-9a-f]{8}$`, 'm'))
})

test('a pushed configuration is waited for until every pod runs it', { skip }, async () => {
  const file = await installation().file('next.yaml', installation().platformText('7m'))
  const differs = await installation().run('config', 'diff', file)
  assert.equal(differs.exit, 1)
  assert.match(differs.out, /^sidecar\.deadline +"10m" +"7m"$/m)
  const pushed = await installation().run('config', 'push', '--now', file)
  assert.equal(pushed.exit, 0, pushed.out + pushed.told)
  assert.match(pushed.out, /2 pods touched/)
  const { exit, out } = await installation().run('config', 'status', '--wait', '--timeout', '40s')
  assert.equal(exit, 0, out)
  assert.match(out, /^1 of 1 pod run [0-9a-f]{8}\.\n$/)
})

test('a configuration with mistakes is not pushed', { skip }, async () => {
  const { exit, out } = await installation().pipe('modles: {}\n', 'config', 'push', '-')
  assert.equal(exit, 1)
  assert.match(out, /modles .*\n?Nothing was written\./)
})

test('a wait in vain ends with who is behind, and why', { skip }, async () => {
  const { namespace } = installation()
  // A pod that no scheduler binds never runs anything.
  const metadata = { name: 'never', annotations: { 'outrigger.dev/inject': 'true' } }
  const spec = {
    containers: [{ name: 'app', image: 'app' }],
    schedulingGates: [{ name: 'test.outrigger.dev/never' }],
  }
  const pods = `/api/v1/namespaces/${namespace}/pods`
  await api.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec })
  const args = ['config', 'status', '--wait', '--timeout', '3s']
  const { exit, out } = await installation().run(...args)
  assert.equal(exit, 1)
  assert.match(out, /^1 of 2 pods run /)
  assert.match(out, new RegExp(`^${namespace}/never +- +- +its sidecar has not started`, 'm'))
  assert.match(out, /Not all of them within 3s\./)
  await api.remove(`${pods}/never`, { gracePeriodSeconds: 0 })
})

test('an API server that is away is said to be, with its own exit code', { skip }, async () => {
  const text = cluster.kubeconfig().replace(/https:\/\/[^\s'"]+/, 'https://127.0.0.1:9')
  const file = await installation().file('nowhere', text)
  for (const command of [['check'], ['status'], ['diff']]) {
    const { exit, out, told } = await installation().run(...command, '--kubeconfig', file)
    assert.equal(exit, 3, out)
    assert.match(out + told, /ECONNREFUSED/)
  }
})

test('credentials of a plugin are used', { skip }, async () => {
  const token = await cluster.token(installation().namespace, 'default')
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token },
  }
  const script = `process.stdout.write(${JSON.stringify(JSON.stringify(credential))})`
  const config = parse(cluster.kubeconfig())
  config.users[0].user = {
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      interactiveMode: 'Never',
    },
  }
  const file = await installation().file('plugin', JSON.stringify(config))
  const { exit, told } = await installation().run('diff', '--kubeconfig', file)
  // It is known as who it is, and that one may nothing.
  assert.equal(exit, 3)
  assert.match(told, /system:serviceaccount:cli-\w+:default.* cannot (?:list|get)/)
})
