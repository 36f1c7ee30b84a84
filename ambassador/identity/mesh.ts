import { countHeader, type HeaderList, header } from '#shared/http/headers.ts'
import { Refusal } from './refusal.ts'
import type { Workload } from './workload.ts'

/** Meshes whose proxy names the caller's certificate to the one that is called. */
export type Mesh = 'linkerd' | 'istio'

/**
 * Holds the workload of the token to the one of the caller's mTLS certificate, as the mesh's proxy at
 * our side says it. A check besides the token and never instead of it: the header proves nothing
 * where somebody reaches the port around the proxy. One that is missing does not agree. Throws {@link Refusal}.
 */
export function checkMesh(mesh: Mesh, workload: Workload, headers: HeaderList): void {
  const agrees = mesh === 'linkerd' ? linkerdAgrees : istioAgrees
  if (!agrees(workload, headers)) throw new Refusal('mesh', { mesh, workload: workload.name })
}

/** `ACCOUNT.NAMESPACE.serviceaccount.identity.…`, set by the inbound proxy and stripped else. */
function linkerdAgrees({ namespace, serviceAccount }: Workload, headers: HeaderList): boolean {
  if (countHeader(headers, 'l5d-client-id') !== 1) return false
  const client = header(headers, 'l5d-client-id') ?? ''
  return client.startsWith(`${serviceAccount}.${namespace}.serviceaccount.identity.`)
}

/** Envoy appends its element; whatever stands before the last one may be the caller's own words. */
function istioAgrees({ namespace, serviceAccount }: Workload, headers: HeaderList): boolean {
  let value = ''
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at] === 'x-forwarded-client-cert') value = headers[at + 1] ?? ''
  }
  const uris = (partsOf(lastElement(value), ';') ?? [])
    .filter((pair) => /^uri=/i.test(pair))
    .map((pair) => pair.slice('uri='.length))
  const wanted = `/ns/${namespace}/sa/${serviceAccount}`
  return uris.length === 1 && uris.every((uri) => pathOf(uri) === wanted)
}

function lastElement(value: string): string {
  return partsOf(value, ',')?.at(-1) ?? ''
}

function pathOf(uri: string): string | undefined {
  return /^"?spiffe:\/\/[^/"]+(\/[^"]*)"?$/.exec(uri)?.[1]
}

/**
 * Cut at `separator` outside of quotes. Undefined where a quote stays open or is escaped: the
 * caller's words before Envoy's element could swallow it so. Istio's certificates need neither.
 */
function partsOf(text: string, separator: string): string[] | undefined {
  if (text.includes('\\')) return undefined
  const parts: string[] = []
  let from = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted
    else if (text[at] === separator && !isQuoted) {
      parts.push(text.slice(from, at).trim())
      from = at + 1
    }
  }
  return isQuoted ? undefined : [...parts, text.slice(from).trim()]
}
