import assert from 'node:assert/strict'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import {
  controllerMetrics,
  distribute,
  encoded,
  hear,
  heard,
  injectedPod,
  mapAt,
  platformText,
  podAt,
  proxied,
  type ScriptedCluster,
  settings,
  stranger,
} from './healthy-cluster.ts'

const system = 'outrigger-system'
const registration = '/apis/admissionregistration.k8s.io/v1'
const injector = `${registration}/mutatingwebhookconfigurations/ambassador-outrigger-injector`

/** One thing that is wrong, the check that has to see it, and words of its fact and its remedy. */
export interface Fault {
  readonly what: string
  readonly breaks: (cluster: ScriptedCluster) => void
  readonly check: string
  readonly verdict: 'warn' | 'fail'
  readonly found: RegExp
  readonly remedy: RegExp
}

const change = (cluster: ScriptedCluster, path: string, members: object) => {
  const before = cluster.objects.get(path)
  assert.ok(before, path)
  cluster.objects.set(path, { ...before, ...members })
}
const refuseDryRun = (message: string, status: number) => (cluster: ScriptedCluster) => {
  cluster.admit = () => {
    throw new KubernetesError(`Cannot POST /api/v1/namespaces/default/pods: ${message}`, {
      status,
      reason: 'InternalError',
    })
  }
}

/** Each a fault of a healthy installation. */
export const faults: readonly Fault[] = [
  {
    what: 'an API server without native sidecars',
    breaks: ({ pages }) => pages.set('/version', JSON.stringify({ gitVersion: 'v1.28.9' })),
    check: 'the API server is of a version that has native sidecars',
    verdict: 'fail',
    found: /v1\.28\.9/,
    remedy: /1\.29/,
  },
  {
    what: 'an old node',
    breaks: ({ objects }) =>
      objects.set('/api/v1/nodes/two', {
        metadata: { name: 'two' },
        status: { nodeInfo: { kubeletVersion: 'v1.27.1' } },
      }),
    check: 'the nodes are of a version that has native sidecars',
    verdict: 'fail',
    found: /on two/,
    remedy: /Upgrade these nodes/,
  },
  {
    what: 'a user who may not see pods through the proxy',
    breaks: (cluster) => {
      cluster.allows = ({ subresource }) => subresource !== 'proxy'
    },
    check: 'you may see what this command looks at',
    verdict: 'warn',
    found: /get pods\/proxy in outrigger-system/,
    remedy: /Ask for these rights/,
  },
  {
    what: 'no namespace',
    breaks: ({ objects }) => objects.delete(`/api/v1/namespaces/${system}`),
    check: "Outrigger's namespace is there",
    verdict: 'fail',
    found: /no namespace outrigger-system/,
    remedy: /--system-namespace/,
  },
  {
    what: 'a webhook that is not registered',
    breaks: ({ objects }) => objects.delete(injector),
    check: 'the injector is registered',
    verdict: 'fail',
    found: /ambassador-outrigger-injector does not exist/,
    remedy: /helm upgrade/,
  },
  {
    what: 'a caBundle of somebody else',
    breaks: (cluster) =>
      change(cluster, injector, {
        webhooks: [
          {
            failurePolicy: 'Fail',
            clientConfig: {
              service: { namespace: system, name: 'outrigger-webhook' },
              caBundle: encoded(stranger.certificate),
            },
          },
        ],
      }),
    check: 'the API server trusts the injector',
    verdict: 'fail',
    found: /none of the authorities that are given out/,
    remedy: /controller writes caBundle/,
  },
  {
    what: 'a webhook without a ready replica',
    breaks: (cluster) =>
      change(cluster, `/apis/apps/v1/namespaces/${system}/deployments/outrigger-webhook`, {
        status: {},
      }),
    check: 'its replicas are ready',
    verdict: 'fail',
    found: /none of 2 is ready/,
    remedy: /kubectl describe pods/,
  },
  {
    what: 'a certificate that the API server does not trust',
    breaks: refuseDryRun(
      'failed calling webhook "inject.outrigger.dev": tls: x509: certificate signed by unknown authority',
      500,
    ),
    check: 'a pod that asks for a sidecar gets one',
    verdict: 'fail',
    found: /x509/,
    remedy: /does not match caBundle/,
  },
  {
    what: 'a control plane that does not reach the webhook',
    breaks: refuseDryRun(
      'failed calling webhook "inject.outrigger.dev": context deadline exceeded',
      500,
    ),
    check: 'a pod that asks for a sidecar gets one',
    verdict: 'fail',
    found: /deadline exceeded/,
    remedy: /port 10250/,
  },
  {
    what: 'no backstop',
    breaks: ({ objects }) =>
      objects.delete(`${registration}/validatingadmissionpolicybindings/outrigger-backstop`),
    check: 'no pod that asks for a sidecar starts without',
    verdict: 'fail',
    found: /has no binding/,
    remedy: /helm upgrade/,
  },
  {
    what: 'a leader that has been silent',
    breaks: (cluster) =>
      change(
        cluster,
        `/apis/coordination.k8s.io/v1/namespaces/${system}/leases/outrigger-controller`,
        {
          spec: { holderIdentity: 'outrigger-controller-1', renewTime: '2025-12-31T23:00:00Z' },
        },
      ),
    check: 'a controller leads',
    verdict: 'fail',
    found: /silent for 60m/,
    remedy: /kubectl logs/,
  },
  {
    what: 'an authority that ends within two weeks',
    breaks: ({ pages }) =>
      pages.set(proxied('outrigger-controller-1', 10_261, '/metrics'), controllerMetrics(13)),
    check: 'the authorities hold for weeks',
    verdict: 'fail',
    found: /outrigger-ca holds for 13d/,
    remedy: /should have renewed it/,
  },
  {
    what: 'a certificate that ends within days',
    breaks: ({ pages }) =>
      pages.set(proxied('outrigger-controller-1', 10_261, '/metrics'), controllerMetrics(200, 7)),
    check: 'the certificates of servers hold for days',
    verdict: 'warn',
    found: /holds for 7d/,
    remedy: /should have renewed it/,
  },
  {
    what: 'a configuration that is not valid',
    breaks: ({ objects }) =>
      mapAt(objects, 'outrigger', { 'outrigger.yaml': `${platformText}modles: {}\n` }),
    check: 'ConfigMap outrigger is valid',
    verdict: 'fail',
    found: /line 8: modles .*last good one/,
    remedy: /outrigger config check/,
  },
  {
    what: 'a namespace that holds an older configuration',
    breaks: ({ objects }) => distribute(objects, platformText.replace('10m', '9m')),
    check: 'every namespace with sidecars holds it',
    verdict: 'fail',
    found: /search do not hold/,
    remedy: /ConfigMap outrigger-sidecar/,
  },
  {
    what: 'a provider without an ambassador',
    breaks: ({ objects }) =>
      mapAt(objects, 'outrigger', {
        'outrigger.yaml': `${platformText}  second:
    kind: anthropic
    credentials: [{ name: main, secret: OTHER_KEY }]
`,
      }),
    check: 'every provider has its ambassador',
    verdict: 'fail',
    found: /no Deployment ambassador-second/,
    remedy: /chart’s values/,
  },
  {
    what: 'a provider that does not answer',
    breaks: ({ pages }) =>
      pages.set(proxied('ambassador-openai-2', 4_101, '/readyz/provider'), 503),
    check: 'the providers answer them',
    verdict: 'fail',
    found: /no answer to ambassador-openai-2/,
    remedy: /credentials|NetworkPolicy/,
  },
  {
    what: 'an ambassador that may not read the keys',
    breaks: (cluster) => {
      cluster.allows = ({ path }) => path !== '/openid/v1/jwks'
    },
    check: 'ambassadors may read the keys of service accounts',
    verdict: 'fail',
    found: /ambassador-openai may not read/,
    remedy: /system:service-account-issuer-discovery/,
  },
  {
    what: 'sidecars whose tokens are refused',
    breaks: (cluster) => {
      hear(cluster, '1', [])
      hear(cluster, '2', [])
    },
    check: 'sidecars have proven who they are',
    verdict: 'fail',
    found: /no ambassador knows search\/web-1/,
    remedy: /token refused/,
  },
  {
    what: 'a pod that asked and has none',
    breaks: ({ objects }) => {
      const { metadata } = injectedPod('bare')
      podAt(objects, { metadata: { ...metadata, labels: {} }, spec: { containers: [] } })
    },
    check: 'every pod that asked for a sidecar has one',
    verdict: 'fail',
    found: /search\/bare have none/,
    remedy: /make the pods of ReplicaSet/,
  },
  {
    what: 'a sidecar of an older template',
    breaks: ({ objects }) => {
      const by = { ...settings, image: `registry.example/outrigger@sha256:${'b'.repeat(64)}` }
      podAt(objects, injectedPod('web-1', by))
    },
    check: "they are of today's template",
    verdict: 'warn',
    found: /search\/Deployment\/web/,
    remedy: /outrigger diff/,
  },
  {
    what: 'a sidecar that is behind',
    breaks: (cluster) => {
      hear(cluster, '1', [heard('web-1', '00000000', 9_000)])
      hear(cluster, '2', [heard('web-1', '11111111', 2_000)])
    },
    check: 'they run the configuration',
    verdict: 'warn',
    found: /runs 11111111, said 2s ago/,
    remedy: /config status --wait/,
  },
  {
    what: 'pods that cannot be reached',
    breaks: ({ pages }) => pages.set(proxied('outrigger-webhook-1', 10_251, '/livez'), 503),
    check: 'the pages of every component can be reached',
    verdict: 'warn',
    found: /outrigger-webhook-1: /,
    remedy: /pods\/proxy/,
  },
]
