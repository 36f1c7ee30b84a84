import type { BodyLimits } from './bodies.ts'

/** What callers may take of the webhook: its port is open to every pod where no policy closes it. */
export interface ServeLimits extends BodyLimits {
  readonly handshakeMs: number
  readonly headMs: number
  /** Without a byte either way, as of a caller that does not read its answer. */
  readonly silenceMs: number
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
}

export const serveLimits: ServeLimits = {
  /** etcd keeps objects of 1.5 MB; an update brings the old one too. */
  bodyBytesMax: 4 * 2 ** 20,
  /**
   * With 16 KiB for each of 1,024 connections 48 MiB in all: beside 100 MB of process and one review
   * being parsed, within the chart's 256Mi.
   */
  heldBytesMax: 32 * 2 ** 20,
  /** Two of the longest, or 500 of 32 KiB. */
  heldBytesPerAddressMax: 8 * 2 ** 20,
  /** The webhook's `timeoutSeconds`: after it nobody waits for the answer. */
  bodyMs: 5_000,
  /** Within a cluster it takes milliseconds. */
  handshakeMs: 2_000,
  headMs: 5_000,
  silenceMs: 10_000,
  connectionsMax: 1_024,
  /**
   * Over HTTP/1.1 each question under way holds a connection. Controllers make 20 pods a second
   * (kube-controller-manager's `--kube-api-qps`), each waits 5 s at most: 100 when the webhook stalls,
   * be it through one konnectivity proxy for all API servers. Eight addresses still fit in at once.
   */
  connectionsPerAddressMax: 128,
}
