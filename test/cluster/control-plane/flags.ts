import { join } from 'node:path'
import type { ComponentName } from './programs.ts'

/** What the components' flags depend on. */
export interface PlaneSettings {
  /** Holds the files named below, and etcd's data. */
  readonly directory: string
  readonly ports: Readonly<Record<ComponentName | 'etcd-peer', number>>
  /** Such as `1.34`: the API server behaves as that version. */
  readonly emulatedVersion?: string
  /** Files of public keys whose tokens are accepted; the first one's private half signs. */
  readonly signingKeys: readonly string[]
}

/** Who the issuer of every token is, as a kubeadm cluster has it. */
export const issuer = 'https://kubernetes.default.svc.cluster.local'

type FlagValue = string | number | boolean

/** The flags of each component. */
export const flagsOf: Readonly<
  Record<ComponentName, (settings: PlaneSettings) => readonly string[]>
> = {
  etcd: ({ directory, ports }) => {
    const client = `http://127.0.0.1:${ports.etcd}`
    const peer = `http://127.0.0.1:${ports['etcd-peer']}`
    return written({
      name: 'one',
      'data-dir': join(directory, 'etcd'),
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `one=${peer}`,
      // A cluster that lives for one suite needs no disk.
      'unsafe-no-fsync': true,
      'log-level': 'warn',
    })
  },
  'kube-apiserver': (settings) => {
    const { directory, ports, signingKeys } = settings
    const [first = ''] = signingKeys
    return [
      ...written({
        'etcd-servers': `http://127.0.0.1:${ports.etcd}`,
        // Loopback for tests, the node's own for pods that have a network of their own.
        'bind-address': '0.0.0.0',
        // There is no default route to find one by.
        'advertise-address': '198.18.0.1',
        'secure-port': ports['kube-apiserver'],
        ...servedWith(directory),
        'token-auth-file': join(directory, 'tokens.csv'),
        'authorization-mode': 'Node,RBAC',
        'service-cluster-ip-range': '10.96.0.0/16',
        // An endpoint on loopback is refused, and nothing asks for the Service's.
        'endpoint-reconciler-type': 'none',
        // Webhooks behind a Service are called at its pods' addresses: there is no kube-proxy.
        'enable-aggregator-routing': true,
        'allow-privileged': true,
        'service-account-issuer': issuer,
        'service-account-signing-key-file': first.replace(/\.pub$/, ''),
        profiling: false,
      }),
      ...signingKeys.map((file) => `--service-account-key-file=${file}`),
      ...emulated(settings),
    ]
  },
  'kube-controller-manager': (settings) => [
    ...written({
      ...client(settings, 'kube-controller-manager'),
      'use-service-account-credentials': true,
      'root-ca-file': join(settings.directory, 'ca.crt'),
    }),
    ...emulated(settings),
  ],
  'kube-scheduler': (settings) => [
    ...written(client(settings, 'kube-scheduler')),
    ...emulated(settings),
  ],
}

/** What the two clients of the API server have in common. */
function client({ directory, ports }: PlaneSettings, name: ComponentName) {
  const kubeconfig = join(directory, `${name}.kubeconfig`)
  return {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'secure-port': ports[name],
    ...servedWith(directory),
    'leader-elect': false,
    profiling: false,
  }
}

function servedWith(directory: string) {
  return {
    'tls-cert-file': join(directory, 'server.crt'),
    'tls-private-key-file': join(directory, 'server.key'),
  }
}

function emulated({ emulatedVersion }: PlaneSettings): readonly string[] {
  return emulatedVersion === undefined ? [] : [`--emulated-version=kube=${emulatedVersion}`]
}

function written(flags: Readonly<Record<string, FlagValue>>): readonly string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
}
