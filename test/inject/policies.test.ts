import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inject } from '#deploy/inject/inject.ts'
import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import {
  backstopBinding,
  backstopPolicy,
  mutatingWebhook,
  policies,
  validatingWebhook,
} from '#deploy/inject/policies.ts'
import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { evaluate } from './cel.ts'
import { asking, askingPods, place, podWith, settings } from './pods.ts'

const parts = { namespace: 'outrigger-system', service: 'outrigger-webhook' }

const mutating = objectsOf(mutatingWebhook(parts)['webhooks'])[0] ?? {}
const validating = objectsOf(validatingWebhook(parts)['webhooks'])[0] ?? {}
const backstop = objectAt(backstopPolicy(parts), 'spec') ?? {}

function hold(expressions: unknown, object: unknown): boolean {
  return objectsOf(expressions).every(
    ({ expression }) => evaluate(String(expression), { object }) === true,
  )
}

const reachesWebhook = (pod: unknown) => hold(mutating['matchConditions'], pod)
const isDenied = (pod: unknown) =>
  hold(backstop['matchConditions'], pod) && !hold(backstop['validations'], pod)

test('the injector’s name sorts before those of meshes', () => {
  const name = String(objectAt(mutatingWebhook(parts), 'metadata')?.['name'])
  const names = [
    'istio-sidecar-injector',
    'linkerd-proxy-injector-webhook-config',
    'kuma-admission',
  ]
  assert.equal([...names, name].toSorted()[0], name)
})

test('the injector fails closed, is called again, and answers within 5 s', () => {
  assert.deepEqual(
    [
      mutating['failurePolicy'],
      mutating['reinvocationPolicy'],
      mutating['timeoutSeconds'],
      mutating['sideEffects'],
      mutating['matchPolicy'],
    ],
    ['Fail', 'IfNeeded', 5, 'NoneOnDryRun', 'Equivalent'],
  )
})

test('only pods that speak of Outrigger reach the injector', () => {
  const metadata = (annotations?: JsonObject, labels?: JsonObject) => ({
    metadata: {
      ...(annotations === undefined ? {} : { annotations }),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: {},
  })
  for (const [pod, isExpected] of [
    [metadata(), false],
    [metadata({}, {}), false],
    [metadata({ 'example.com/inject': 'true' }, { app: 'x' }), false],
    [metadata({ 'outrigger.dev/inject': 'true' }), true],
    [metadata({ 'outrigger.dev/inject': 'false' }), false],
    [metadata({ 'outrigger.dev/inject': 'yes' }), true],
    [metadata({ 'outrigger.dev/injct': 'true' }), true],
    [metadata(undefined, { 'outrigger.dev/inject': 'true' }), true],
    [metadata({ 'outrigger.dev/inject': 'true', 'kubernetes.io/config.mirror': 'x' }), false],
  ] as const) {
    assert.equal(reachesWebhook(pod), isExpected, JSON.stringify(pod))
  }
})

test('no condition errs on any pod, and what does not reach the injector it would have skipped', () => {
  const map = fc.dictionary(
    fc.constantFrom('outrigger.dev/inject', 'kubernetes.io/config.mirror', 'a', 'outrigger.dev/x'),
    fc.constantFrom('true', 'false', ''),
  )
  const metadata = fc.record({ annotations: map, labels: map }, { requiredKeys: [] })
  fc.assert(
    fc.property(metadata, (members) => {
      const pod = { ...podWith(), metadata: members }
      isDenied(pod)
      if (!reachesWebhook(pod)) assert.equal(inject(pod, place, settings).kind, 'skip')
    }),
  )
})

test('the backstop denies an opted-in pod without its sidecar, and says what to do', () => {
  assert.ok(isDenied(podWith()))
  assert.ok(isDenied(podWith({ initContainers: [{ name: 'outrigger-sidecar' }] })))
  assert.ok(!isDenied(podWith({}, {})))
  assert.ok(!isDenied(podWith({}, asking({ 'kubernetes.io/config.mirror': 'x' }))))
  const message = String(objectsOf(backstop['validations'])[0]?.['message'])
  assert.match(message, /outrigger check.*take the annotation out of the pod template/)
  // The API refuses a message of several lines.
  assert.ok(!message.includes('\n'))
})

test('the backstop lets every injected pod pass', () => {
  fc.assert(
    fc.property(askingPods, (pod) => {
      const result = inject(pod, place, settings)
      assert.ok(result.kind === 'patch' && isDenied(pod) && !isDenied(result.pod))
    }),
    { numRuns: 50 },
  )
})

test('a namespace is excluded from injector and backstop alike', () => {
  const more = { ...parts, excludedNamespaces: ['infra'] }
  const [webhook] = objectsOf(mutatingWebhook(more)['webhooks'])
  const selector = webhook?.['namespaceSelector']
  assert.deepEqual(selector, {
    matchExpressions: [
      {
        key: 'kubernetes.io/metadata.name',
        operator: 'NotIn',
        values: ['kube-system', 'kube-public', 'kube-node-lease', 'outrigger-system', 'infra'],
      },
      { key: 'outrigger.dev/injection', operator: 'NotIn', values: ['disabled'] },
    ],
  })
  const constraints = objectAt(backstopPolicy(more), 'spec', 'matchConstraints')
  assert.deepEqual(constraints?.['namespaceSelector'], selector)
})

test('configurations are judged by label alone, and may pass unjudged', () => {
  assert.equal(validating['failurePolicy'], 'Ignore')
  assert.equal(validating['sideEffects'], 'None')
  assert.deepEqual(validating['objectSelector'], {
    matchLabels: { 'outrigger.dev/config': 'true' },
  })
  assert.equal(objectAt(validating, 'clientConfig', 'service')?.['path'], '/validate-config')
})

test('a CA bundle is written only where one is given', () => {
  assert.ok(!JSON.stringify(policies(parts)).includes('caBundle'))
  const bundled = JSON.stringify(policies({ ...parts, caBundle: 'UEVN' }))
  assert.equal(bundled.split('"caBundle":"UEVN"').length, 3)
})

test('the binding puts the backstop in force', () => {
  const policy = objectAt(backstopPolicy(parts), 'metadata')?.['name']
  assert.deepEqual(backstopBinding()['spec'], { policyName: policy, validationActions: ['Deny'] })
})
