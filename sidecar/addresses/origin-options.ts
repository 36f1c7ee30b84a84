import type { SidecarConfig } from '#shared/config/schema.ts'
import type { OriginOptions } from '#shared/http/client.ts'
import type { Trust } from '#shared/http/tls-trust.ts'
import type { Endpoint } from './endpoint.ts'

/** Where an ambassador is called. */
export function originOf({ address }: Endpoint, { tls }: SidecarConfig): string {
  return tls === undefined ? `http://${address}` : `https://${address}`
}

/** How calls connect to an ambassador. */
export function originOptions(
  { ip }: Endpoint,
  sidecar: SidecarConfig,
  trust: Trust | undefined,
): OriginOptions {
  return {
    connectMs: sidecar.connectTimeout,
    keepAliveMs: sidecar.keepAlive,
    connectionsMax: sidecar.connectionsMax,
    headBytesMax: 64 * 1024,
    ageMsMax: sidecar.connectionMaxAge,
    trust: sidecar.tls === undefined ? undefined : trust,
    ip,
  }
}
