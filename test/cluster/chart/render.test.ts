import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { test } from 'node:test'
import { chart } from '#deploy/helm/generate.ts'
import { policies } from '#deploy/inject/policies.ts'
import { readSettings } from '#deploy/inject/read-settings.ts'
import {
  exampleFiles,
  helm,
  hosted,
  isHook,
  mesh,
  pool,
  type Rendered,
  render,
} from './helm-command.ts'

interface Container {
  readonly image: string
  readonly securityContext: object
  readonly args: readonly string[]
  readonly resources: { readonly requests: object; readonly limits: object }
  readonly env?: readonly { readonly value?: string }[]
}
interface Workload extends Rendered {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly Container[]
        readonly securityContext: object
        readonly terminationGracePeriodSeconds: number
        readonly volumes?: readonly object[]
      }
    }
  }
}
interface Role extends Rendered {
  readonly rules: readonly Rule[]
}
interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

const isWorkload = (object: Rendered): object is Workload => object.kind === 'Deployment'
const isRole = (object: Rendered): object is Role => /^(Cluster)?Role$/.test(object.kind)
const named = (objects: readonly Rendered[], kind: string, name: string) => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name)
  assert.ok(found, `${kind} ${name}`)
  return found
}

for (const file of exampleFiles) {
  const name = basename(file)

  test(`helm lint --strict has nothing to say about ${name}`, () => {
    const text = helm(['lint', '--strict', chart, '--values', file, '--kube-version', '1.36.0'])
    assert.doesNotMatch(text, /WARNING|ERROR/)
  })

  test(`pods of ${name} meet Pod Security restricted, name a digest and have requests`, () => {
    const workloads = render(file).filter(isWorkload)
    assert.ok(workloads.length >= 3)
    for (const { spec } of workloads) {
      const { containers, securityContext, volumes = [] } = spec.template.spec
      assert.partialDeepStrictEqual(securityContext, {
        runAsNonRoot: true,
        runAsUser: 65_532,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      for (const { image, resources, securityContext: own } of containers) {
        assert.match(image, /^[^:]+@sha256:[0-9a-f]{64}$/)
        assert.deepEqual(own, {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          seccompProfile: { type: 'RuntimeDefault' },
        })
        assert.deepEqual(Object.keys(resources.requests), ['cpu', 'ephemeral-storage', 'memory'])
        assert.deepEqual(Object.keys(resources.limits), ['ephemeral-storage', 'memory'])
      }
      const kinds = volumes.flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name'))
      const allowed = ['configMap', 'secret', 'emptyDir', 'persistentVolumeClaim']
      assert.deepEqual(
        kinds.filter((kind) => !allowed.includes(kind)),
        [],
      )
    }
  })

  test(`nothing of ${name} holds a secret, and no hook runs a container`, () => {
    const objects = render(file)
    assert.ok(!objects.some(({ kind }) => kind === 'Secret'))
    assert.deepEqual(
      objects.filter(isHook).map(({ kind }) => kind),
      ['MutatingWebhookConfiguration', 'ValidatingAdmissionPolicyBinding'],
    )
  })
}

for (const [version, ours] of [
  ['1.36.0', undefined],
  ['1.29.5', /WebhookConfiguration$/],
] as const) {
  test(`on ${version} the policies are the objects of the code, field by field`, () => {
    const objects = render(
      hosted,
      '--kube-version',
      version,
      '--set',
      'inject.excludedNamespaces={build,kube-system}',
    )
    const rendered = objects.filter((object) => {
      return object.apiVersion.startsWith('admissionregistration') && !isHook(object)
    })
    const wanted = policies({
      namespace: 'outrigger-system',
      service: 'outrigger-webhook',
      excludedNamespaces: ['build', 'kube-system'],
    }).filter(({ kind }) => ours === undefined || ours.test(String(kind)))
    assert.equal(rendered.length, wanted.length)
    for (const object of wanted) {
      const { name } = Object(object['metadata'])
      assert.deepEqual(
        named(rendered, String(object['kind']), name),
        JSON.parse(JSON.stringify(object)),
      )
    }
  })
}

test('the roles are these and no others', () => {
  const rights = render(hosted, '--set', 'providers.openai.poolNamespaces={models}')
    .filter(isRole)
    .flatMap(({ kind, metadata: { name, namespace = '*' }, rules }) => {
      assert.equal(kind === 'ClusterRole', namespace === '*')
      return rules.map(({ resources, resourceNames = ['*'], verbs }) => {
        return `${name} in ${namespace}: ${verbs.join(',')} ${resources.join(',')} ${resourceNames.join(',')}`
      })
    })
  assert.deepEqual(rights.toSorted(), [
    'ambassador-openai in models: get,list,watch endpointslices *',
    'outrigger-controller in *: get,list,watch,create,patch,delete configmaps outrigger-sidecar',
    'outrigger-controller in *: get,patch mutatingwebhookconfigurations ambassador-outrigger-injector',
    'outrigger-controller in *: get,patch validatingwebhookconfigurations outrigger-config',
    'outrigger-controller in *: list,watch pods *',
    'outrigger-controller in outrigger-system: create events *',
    'outrigger-controller in outrigger-system: create leases *',
    'outrigger-controller in outrigger-system: create secrets *',
    'outrigger-controller in outrigger-system: get,list,watch configmaps outrigger',
    'outrigger-controller in outrigger-system: get,update leases outrigger-controller',
    'outrigger-controller in outrigger-system: get,update secrets outrigger-ca,outrigger-webhook-tls,ambassador-anthropic-tls,ambassador-openai-tls',
    'outrigger-webhook in *: create events *',
  ])
})

test('an ambassador reads the slices of the Service that its pool names, and of no other', () => {
  const roles = render(pool).filter((object) => {
    return isRole(object) && object.metadata.name.startsWith('ambassador-')
  })
  const places = roles.map(({ metadata: { name, namespace } }) => `${name} in ${namespace}`)
  assert.deepEqual(places, ['ambassador-qwen in models'])
})

test('patch on pods comes with controller.touch alone', () => {
  const patches = (objects: readonly Rendered[]) =>
    objects
      .filter(isRole)
      .flatMap(({ rules }) => rules)
      .filter(({ resources, verbs }) => resources.includes('pods') && verbs.includes('patch'))
      .length
  assert.equal(patches(render(pool)), 1)
  assert.equal(patches(render(pool, '--set', 'controller.touch=nothing')), 0)
})

test('a pod is given longer to end than its drain takes', () => {
  const graceOf = (...more: string[]) => {
    const object = named(render(hosted, ...more), 'Deployment', 'ambassador-openai')
    assert.ok(isWorkload(object))
    return object.spec.template.spec.terminationGracePeriodSeconds
  }
  assert.equal(graceOf(), 140)
  assert.equal(graceOf('--set', 'config.ambassador.drain.grace=1h'), 3_620)
  assert.equal(graceOf('--set', 'config.ambassador.drain.delay=1500ms'), 137)
  assert.equal(graceOf('--set', 'config.ambassador.drain=null'), 80)
})

test('TLS, or its absence, is the same for controller and ambassadors', () => {
  for (const [file, transport] of [
    [hosted, 'tls'],
    [mesh, 'plain'],
  ] as const) {
    const workloads = render(file).filter(isWorkload)
    for (const { metadata, spec } of workloads) {
      const args = spec.template.spec.containers.flatMap((container) => container.args).join(' ')
      if (metadata.name.startsWith('ambassador-')) {
        assert.equal(args.includes('--tls /etc/outrigger-tls'), transport === 'tls')
      }
      if (metadata.name === 'outrigger-controller')
        assert.ok(args.includes(`--transport ${transport}`))
    }
  }
})

test('the settings of injection are ones that the webhook takes', () => {
  const more = [
    '--set',
    'inject.resources.memoryLimit=512Mi',
    '--set',
    'inject.excludedNamespaces={build}',
  ]
  const { data } = Object(named(render(hosted, ...more), 'ConfigMap', 'outrigger-inject'))
  const reading = readSettings(String(data['inject.yaml']))
  assert.ok(reading.ok)
  assert.equal(reading.settings.resources.memoryLimit, '512Mi')
  assert.ok(reading.settings.excludedNamespaces.includes('outrigger-system'))
  assert.ok(reading.settings.excludedNamespaces.includes('build'))
})

test('an ambassador reaches what its configuration names, and 443 out there', () => {
  const egressOf = (file: string, provider: string, ...more: string[]) => {
    const { spec } = Object(named(render(file, ...more), 'NetworkPolicy', `ambassador-${provider}`))
    return JSON.stringify(spec.egress ?? 'none of its own')
  }
  assert.doesNotMatch(egressOf(hosted, 'openai'), /namespaceSelector/)
  assert.match(egressOf(hosted, 'openai'), /"except":\["10\.0\.0\.0\/8"/)
  assert.match(egressOf(pool, 'llama', '--set', 'cilium.enabled=false'), /namespaceSelector.*8000/)
  // Rules add up: Cilium's would be for nothing beside one for all of 443.
  assert.equal(egressOf(pool, 'llama'), '"none of its own"')
  const byName = named(
    render(hosted, '--set', 'cilium.enabled=true'),
    'CiliumNetworkPolicy',
    'ambassador-openai',
  )
  assert.match(JSON.stringify(byName), /"matchName":"api\.openai\.com"/)
})
