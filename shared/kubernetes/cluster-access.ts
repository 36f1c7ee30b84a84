import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, systemClock } from '#shared/call/clock.ts'
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
  return readSmall(join(directory, 'namespace'))
}

const freshMs = 5_000
/** A bundle of many authorities takes a few hundred KiB; what is larger is none. */
const fileBytesMax = 2 ** 20

/** One small file that others replace. */
class FreshFile {
  readonly #path: string
  readonly #clock: Pick<Clock, 'now'>
  #text: string | undefined
  #readAt = -Infinity

  constructor(path: string, clock: Pick<Clock, 'now'>) {
    this.#path = path
    this.#clock = clock
  }

  /** Its text without space around; the last known where it cannot be read; else undefined. */
  read(): string | undefined {
    const nowMs = this.#clock.now()
    if (nowMs - this.#readAt >= freshMs) {
      this.#readAt = nowMs
      this.#text = readSmall(this.#path) ?? this.#text
    }
    return this.#text
  }

  forget(): void {
    this.#readAt = -Infinity
  }
}

function readSmall(path: string): string | undefined {
  try {
    const stats = statSync(path)
    if (!stats.isFile() || stats.size > fileBytesMax) return undefined
    const text = readFileSync(path, 'utf8').trim()
    return text === '' ? undefined : text
  } catch {
    // Absent or unreadable: whoever needs it says so by what the server answers.
    return undefined
  }
}
