import type { Json } from '../api.ts'
import { image, systemNamespace } from './names.ts'

export type ProcessName = 'webhook' | 'controller'

/** Where each process tells how it is. */
export const probesPorts: Readonly<Record<ProcessName, number>> = {
  webhook: 10_251,
  controller: 10_261,
}

const common = [
  ['--namespace', systemNamespace],
  ['--service-account', '/var/run/secrets/kubernetes.io/serviceaccount'],
  ['--instance', '$(POD_NAME)'],
  ['--probes-host', '$(POD_IP)'],
].flat()

const webhookArguments = [
  ['--settings', '/etc/outrigger-inject/inject.yaml'],
  ['--tls', '/etc/outrigger-tls'],
  ['--host', '$(POD_IP)'],
  // Nobody has to find out first that it leaves: tests wait for that.
  ['--leave-ms', '500'],
].flat()

/** Settings, the Service, and both Deployments, each under its own ServiceAccount. */
export function manifests(replicas: number, controllerArguments: readonly string[]): Json[] {
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: named('outrigger-inject') }
  return [
    { ...settings, data: { 'inject.yaml': `image: ${image}\n` } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: named('outrigger-webhook'),
      spec: { selector: { app: 'outrigger-webhook' }, ports: [{ port: 443, targetPort: 10_250 }] },
    },
    deployment('controller', 2, { args: [...common, ...controllerArguments] }),
    deployment('webhook', replicas, {
      args: [...common, ...webhookArguments],
      volumes: [
        { name: 'settings', configMap: { name: 'outrigger-inject' } },
        { name: 'tls', secret: { secretName: 'outrigger-webhook-tls' } },
      ],
      volumeMounts: [
        { name: 'settings', mountPath: '/etc/outrigger-inject', readOnly: true },
        { name: 'tls', mountPath: '/etc/outrigger-tls', readOnly: true },
      ],
    }),
  ]
}

interface Parts {
  readonly args: readonly string[]
  readonly volumes?: readonly Json[]
  readonly volumeMounts?: readonly Json[]
}

function deployment(process: ProcessName, replicas: number, parts: Parts): Json {
  const { args, volumes = [], volumeMounts = [] } = parts
  const name = `outrigger-${process}`
  const labels = { app: name }
  const container = {
    name: process,
    image,
    args,
    volumeMounts,
    env: [field('POD_NAME', 'metadata.name'), field('POD_IP', 'status.podIP')],
    readinessProbe: {
      httpGet: { path: '/readyz', port: probesPorts[process] },
      periodSeconds: 1,
      failureThreshold: 1,
    },
  }
  const spec = {
    serviceAccountName: name,
    automountServiceAccountToken: true,
    terminationGracePeriodSeconds: 10,
    containers: [container],
    volumes,
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: named(name),
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  }
}

function named(name: string): Json {
  return { name, namespace: systemNamespace }
}

function field(name: string, fieldPath: string): Json {
  return { name, valueFrom: { fieldRef: { fieldPath } } }
}
