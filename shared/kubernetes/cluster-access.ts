import { join } from 'node:path'
import { type Clock, systemClock } from '#shared/call/clock.ts'
import { FollowedFile } from '#shared/config/followed-file.ts'
import type { Environment } from '#shared/config/secrets.ts'

/** How a process reaches its API server. */
export interface ClusterAccess {
  /** `https://host:port`; an IPv6 host stands in brackets. */
  readonly server: string
  /** PEM of the authorities that may sign for the server; those of Node where undefined. */
  ca(): string | undefined
  /** The bearer token; undefined where the certificate is all, or nothing is known. */
  token(): string | undefined
  readonly clientCertificate?: { readonly cert: string; readonly key: string }
  /** Makes the next `ca` and `token` look anew: the server has refused what they gave. */
  refresh?(): void
}

/** Where kubelet mounts what a pod's service account is given. */
export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * The API server as a pod is told of it; undefined outside of a cluster. Token and authorities are
 * read by path at most every 5 s: kubelet swaps the directory behind the path long before a token
 * ends (after 515 s of a 600 s token, measured), and one held from the start fails within the hour.
 */
export function inClusterAccess(
  environment: Environment,
  directory: string = serviceAccountDirectory,
  clock: Pick<Clock, 'now'> = systemClock,
): ClusterAccess | undefined {
  const host = environment['KUBERNETES_SERVICE_HOST']
  const port =
    environment['KUBERNETES_SERVICE_PORT_HTTPS'] ?? environment['KUBERNETES_SERVICE_PORT']
  if (host === undefined || host === '' || port === undefined) return undefined
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (!URL.canParse(server)) return undefined
  const ca = new FreshFile(join(directory, 'ca.crt'), clock)
  const token = new FreshFile(join(directory, 'token'), clock)
  return {
    server,
    ca: () => ca.read(),
    token: () => token.read(),
    refresh() {
      ca.forget()
      token.forget()
    },
  }
}

/** The namespace that the process runs in; undefined outside of a cluster. */
export function inClusterNamespace(directory = serviceAccountDirectory): string | undefined {
  return new FreshFile(join(directory, 'namespace'), systemClock).read()
}

const freshMs = 5_000

/** One small file that others replace, looked at when it is needed. */
class FreshFile {
  readonly #file: FollowedFile<string>
  readonly #clock: Pick<Clock, 'now'>
  #lookedAt = -Infinity

  constructor(path: string, clock: Pick<Clock, 'now'>) {
    this.#file = new FollowedFile([path], ([text = '']) => {
      const value = text.trim()
      return value === '' ? { ok: false, reason: 'it is empty' } : { ok: true, value }
    })
    this.#clock = clock
  }

  /** Its text without space around; the last known where it cannot be read; else undefined. */
  read(): string | undefined {
    const nowMs = this.#clock.now()
    if (nowMs - this.#lookedAt >= freshMs) {
      this.#lookedAt = nowMs
      // Whoever needs one that is absent says so by what the server answers.
      this.#file.look()
    }
    return this.#file.value
  }

  forget(): void {
    this.#lookedAt = -Infinity
  }
}
