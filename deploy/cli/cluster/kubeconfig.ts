import type { RequestOptions } from 'node:https'
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node'
import type { ClusterAccess } from '#shared/kubernetes/cluster-access.ts'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { CommandFailure, exits } from '../terminal/failure.ts'
import type { OpenAccess } from './open-cluster.ts'

/**
 * Reads kubeconfig files as kubectl does, the first one's current context going before others', and
 * runs the plugin of the context's user where it has one. Rejects with `CommandFailure`.
 */
export async function readKubeconfig(
  files: readonly string[],
  context: string | undefined,
): Promise<OpenAccess> {
  const config = loaded(files)
  if (context !== undefined) choose(config, context)
  const chosen = config.getContextObject(config.getCurrentContext())
  const cluster = config.getCurrentCluster()
  if (chosen === null || cluster === null) {
    const known = config.getContexts().map(({ name }) => name)
    throw refused(
      'Cannot choose a cluster: no context is current, or its cluster is missing.',
      `Give --context, one of: ${known.join(', ') || '(the kubeconfig has none)'}.`,
    )
  }
  refuseUnusual(cluster, config.getCurrentUser())
  return { access: await accessOf(config, cluster), namespace: chosen.namespace ?? 'default' }
}

function loaded(files: readonly string[]): KubeConfig {
  const config = new KubeConfig()
  for (const [at, file] of files.entries()) {
    try {
      if (at === 0) config.loadFromFile(file)
      else {
        const further = new KubeConfig()
        further.loadFromFile(file)
        config.mergeConfig(further, config.getCurrentContext() !== undefined)
      }
    } catch {
      // Its messages quote the file, which holds credentials.
      throw refused(
        `Cannot read '${file}': it is no kubeconfig, or names what another one names.`,
        'See what `kubectl config view` says of it.',
      )
    }
  }
  return config
}

function choose(config: KubeConfig, context: string): void {
  const names = config.getContexts().map(({ name }) => name)
  if (names.includes(context)) {
    config.setCurrentContext(context)
    return
  }
  throw refused(`Cannot use context '${context}': there is none.`, `Known: ${names.join(', ')}.`)
}

/** What the client of the API server has no part for is said, not left out. */
function refuseUnusual(cluster: Cluster, user: User | null): void {
  const reason = [
    [!cluster.server.startsWith('https://'), 'its server is not reached by https'],
    [cluster.skipTLSVerify, 'it skips the verification of the server (insecure-skip-tls-verify)'],
    [cluster.tlsServerName !== undefined, 'it names the server otherwise (tls-server-name)'],
    [cluster.proxyUrl !== undefined, 'it is reached through a proxy (proxy-url)'],
    [user?.username !== undefined, 'its user has a password, which no API server takes since 1.19'],
    [user?.impersonateUser !== undefined, 'its user impersonates another (as)'],
  ].find(([is]) => is === true)
  if (reason === undefined) return
  throw refused(
    `Cannot use cluster '${cluster.name}': ${String(reason[1])}.`,
    'Use a context with the server’s authorities (certificate-authority-data) and a token, a client certificate or an exec plugin.',
  )
}

interface Credentials {
  readonly ca: string | undefined
  readonly token: string | undefined
  readonly certificate: { readonly cert: string; readonly key: string } | undefined
}

async function accessOf(config: KubeConfig, { server }: Cluster): Promise<ClusterAccess> {
  let held = await credentialsOf(config)
  const renew = async () => {
    // Where it fails, the refusal that led here is what is told.
    held = await credentialsOf(config).catch(() => held)
  }
  return {
    server,
    ca: () => held.ca,
    token: () => held.token,
    ...(held.certificate === undefined ? {} : { clientCertificate: held.certificate }),
    // A plugin answers later than this call: whoever asks once more finds what it gave.
    refresh() {
      void renew()
    },
  }
}

async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {}
  try {
    await config.applyToHTTPSOptions(options)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    const command: unknown = config.getCurrentUser()?.exec?.command
    const what = typeof command === 'string' ? `the plugin '${command}' failed` : 'a file is absent'
    throw new CommandFailure(`Cannot get the user's credentials: ${what}${code}.`, {
      exit: exits.unreachable,
      remedy: 'See what `kubectl get namespaces` says: it uses the same ones.',
    })
  }
  const { headers } = options
  const header = isJsonObject(headers) ? headers['Authorization'] : undefined
  const cert = textOf(options.cert)
  const key = textOf(options.key)
  return {
    ca: textOf(options.ca),
    token: typeof header === 'string' ? header.replace(/^Bearer /, '') : undefined,
    certificate: cert === undefined || key === undefined ? undefined : { cert, key },
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined
}

function refused(message: string, remedy: string): CommandFailure {
  return new CommandFailure(message, { exit: exits.usage, remedy })
}
