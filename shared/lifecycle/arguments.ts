import { parseArgs } from 'node:util'

/** Where one half listens and what it reads, from its command line. */
export interface Arguments {
  readonly config: string
  readonly host: string
  readonly port: number
  readonly probesHost: string
  readonly probesPort: number
  readonly adminPort: number
  /** The provider that an ambassador stands for. */
  readonly provider: string
  /** Directory with the certificate that an ambassador serves TLS by; plain without it. */
  readonly tls?: string | undefined
  /** File with the token that a sidecar proves itself by. */
  readonly token?: string | undefined
  /** Configuration of the tenant's own, which a sidecar lays over the platform's. */
  readonly tenantConfig?: string | undefined
  /** What an ambassador asks the API server with, where it is not where kubelet mounts it. */
  readonly serviceAccount?: string | undefined
  /** Where an ambassador runs, as nodes are labelled; unknown without it. */
  readonly zone?: string | undefined
}

/** Reads the command line. Throws with a message for the user on what it does not know. */
export function readArguments(argv: readonly string[], defaults: Arguments): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: 'string', default: defaults.config },
      host: { type: 'string', default: defaults.host },
      port: { type: 'string', default: String(defaults.port) },
      'probes-host': { type: 'string', default: defaults.probesHost },
      'probes-port': { type: 'string', default: String(defaults.probesPort) },
      'admin-port': { type: 'string', default: String(defaults.adminPort) },
      provider: { type: 'string', default: defaults.provider },
      tls: { type: 'string' },
      token: { type: 'string' },
      'tenant-config': { type: 'string' },
      'service-account': { type: 'string' },
      zone: { type: 'string' },
    },
  })
  return {
    config: values.config,
    host: values.host,
    port: portOf(values.port, 'port'),
    probesHost: values['probes-host'],
    probesPort: portOf(values['probes-port'], 'probes-port'),
    adminPort: portOf(values['admin-port'], 'admin-port'),
    provider: values.provider,
    tls: values.tls,
    token: values.token,
    tenantConfig: values['tenant-config'],
    serviceAccount: values['service-account'],
    // Empty where the pod has no such label.
    zone: values.zone === '' ? undefined : values.zone,
  }
}

function portOf(text: string, name: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new Error(`Cannot read --${name}: '${text}' is not a port (0 to 65535)`)
}
