import fc from 'fast-check'
import { objectAt, objectsOf, withMember } from '#deploy/inject/json.ts'
import { defaultSettings, type InjectSettings } from '#deploy/inject/settings.ts'
import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'

export const digest = 'a'.repeat(64)

export const settings: InjectSettings = {
  ...defaultSettings,
  image: `registry.example/outrigger@sha256:${digest}`,
  kubernetesVersion: 'v1.36.3',
}

export const place = { name: 'shop' }

/** The opt-in and whatever else is asked for. */
export function asking(more: Record<string, string> = {}): Record<string, string> {
  return { 'outrigger.dev/inject': 'true', ...more }
}

/** A pod that asks for its sidecar, with one container of the application. */
export function podWith(spec: JsonObject = {}, annotations = asking()): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', annotations },
    spec: { containers: [{ name: 'app', image: 'app:1' }], ...spec },
  }
}

export function containerNamed(pod: unknown, list: string, name: string): JsonObject {
  const found = objectsOf(objectAt(pod, 'spec')?.[list]).find((item) => item['name'] === name)
  return found ?? {}
}

/** The value of a variable as the container would see it written. */
export function variableOf(container: JsonObject, name: string): unknown {
  return objectsOf(container['env']).find((item) => item['name'] === name)?.['value']
}

/**
 * What the API server does to an injected pod before webhooks see it again: its defaults, and the
 * ServiceAccount plugin's mount in every container that it finds.
 */
export function throughApiServer(pod: JsonObject, mountsToken: boolean): JsonObject {
  const spec = objectAt(pod, 'spec') ?? {}
  const token = { name: 'kube-api-access-x7k2p', projected: { defaultMode: 420, sources: [] } }
  const path = '/var/run/secrets/kubernetes.io/serviceaccount'
  const withDefaults = (container: JsonObject): JsonObject => ({
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
    ...container,
    volumeMounts: [
      ...objectsOf(container['volumeMounts']),
      ...(mountsToken ? [{ name: token.name, mountPath: path, readOnly: true }] : []),
    ],
  })
  const withMode = (volume: JsonObject): JsonObject =>
    Object.entries(volume).reduce<JsonObject>((to, [name, source]) => {
      const isFiles = name === 'configMap' || name === 'projected'
      const filled = objectAt(source)
      return isFiles && filled !== undefined
        ? withMember(to, name, { defaultMode: 420, ...filled })
        : to
    }, volume)
  return withMember(pod, 'spec', {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    ...spec,
    containers: objectsOf(spec['containers']).map(withDefaults),
    initContainers: objectsOf(spec['initContainers']).map(withDefaults),
    volumes: [...objectsOf(spec['volumes']).map(withMode), ...(mountsToken ? [token] : [])],
  })
}

const text = fc.constantFrom('a', 'b-1', '', 'wörld', '$(X)', '__proto__', 'http://localhost:4000')

const variable: fc.Arbitrary<JsonObject> = fc
  .constantFrom(
    'OPENAI_BASE_URL',
    'ANTHROPIC_BASE_URL',
    'OPENAI_API_KEY',
    'AZURE_OPENAI_ENDPOINT',
    'PATH',
    'A',
  )
  .chain((name) =>
    fc.oneof(
      fc
        .constantFrom('x', '', 'http://localhost:4000/v1', 'http://localhost:4010', 'outrigger')
        .map((value) => ({ name, value })),
      fc.constant({ name }),
      fc.constant({
        name,
        valueFrom: { secretKeyRef: { name: 'keys', key: 'k', optional: true } },
      }),
    ),
  )

/** A member that is there, is null, or is not. */
function maybe(name: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<JsonObject> {
  return fc.oneof(
    fc.constant({}),
    fc.constant({ [name]: null }),
    value.map((it) => ({ [name]: it })),
  )
}

function merged(...parts: fc.Arbitrary<JsonObject>[]): fc.Arbitrary<JsonObject> {
  return fc.tuple(...parts).map((members) => Object.assign({}, ...members))
}

const container = (name: string): fc.Arbitrary<JsonObject> =>
  merged(
    fc.constant({ name }),
    maybe('env', fc.array(variable, { maxLength: 4 })),
    maybe('envFrom', fc.constant([{ configMapRef: { name: 'more' } }])),
    maybe('ports', fc.constantFrom([], [{ containerPort: 8080 }])),
    maybe('securityContext', fc.constantFrom({}, { runAsUser: 65_532 }, { runAsUser: 7 })),
    maybe('x-unknown', fc.jsonValue({ maxDepth: 2 })),
  )

function containers(names: readonly string[]): fc.Arbitrary<JsonObject[]> {
  return fc
    .shuffledSubarray([...names], { minLength: 0 })
    .chain((chosen) => fc.tuple(...chosen.map(container)))
}

const map = fc.dictionary(fc.constantFrom('app', 'example.com/x', 'a'), text)

const volume = fc
  .constantFrom('data', 'tmp', 'kube-api-access-x')
  .map((name) => ({ name, emptyDir: {} }))

const spec = merged(
  fc
    .tuple(container('app'), containers(['worker', 'istio-proxy', 'daprd']))
    .map(([app, rest]) => ({ containers: [app, ...rest] })),
  maybe('initContainers', containers(['migrate', 'istio-init', 'linkerd-proxy', 'wait'])),
  maybe('volumes', fc.uniqueArray(volume, { selector: ({ name }) => name, maxLength: 3 })),
  maybe('securityContext', fc.constantFrom({}, { fsGroup: 1, runAsUser: 7 })),
  maybe('nodeSelector', map),
  maybe('x-unknown', fc.jsonValue({ maxDepth: 2 })),
)

const wishes = fc.record(
  {
    'outrigger.dev/port': fc.constantFrom('4010', '9000', '4000'),
    'outrigger.dev/config': fc.constant('tuning'),
    'outrigger.dev/placeholder-key': fc.constantFrom('true', 'false'),
    'outrigger.dev/memory-limit': fc.constant('512Mi'),
  },
  { requiredKeys: [] },
)

const askingMetadata = merged(
  fc.tuple(map, wishes).map(([more, wished]) => ({
    annotations: { ...more, 'outrigger.dev/inject': 'true', ...wished },
  })),
  maybe('labels', map),
  maybe('name', text),
)

/** As a parser gives it: fast-check's objects may be without a prototype. */
function parsed(value: JsonObject): JsonObject {
  const again: unknown = JSON.parse(JSON.stringify(value))
  return objectAt(again) ?? {}
}

/** Valid pods, odd in all that the API accepts, that ask for their sidecar. */
export const askingPods: fc.Arbitrary<JsonObject> = merged(
  askingMetadata.map((metadata) => ({ metadata })),
  spec.map((it) => ({ spec: it })),
  maybe('status', fc.constant({ phase: 'Pending' })),
).map(parsed)

/** Pod templates as people write them in files, that ask for nothing. */
export const templates: fc.Arbitrary<JsonObject> = merged(
  maybe('metadata', merged(maybe('annotations', map), maybe('labels', map))),
  spec.map((it) => ({ spec: it })),
).map(parsed)
