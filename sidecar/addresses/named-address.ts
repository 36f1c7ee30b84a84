import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import type { Clock } from '#shared/call/clock.ts'
import { Endpoint } from './endpoint.ts'

/** All addresses of a name; rejects where it cannot be looked up. */
export type Lookup = (host: string) => Promise<readonly LookupAddress[]>

export interface NamedAddressParts {
  readonly lookup: Lookup
  readonly clock: Clock
  /** Told of servers that came or went. */
  readonly onChange: () => void
}

/** Servers behind one name; more replicas of one ambassador are a part of them, drawn by each pod. */
const endpointsMax = 64
/** A failed connection asks at once who is there, but no more often than that. */
const everyMsLeast = 1_000

/**
 * One address of the configuration, and the servers that its name stands for. A name with one record
 * of a kind is one server, such as a Service with an address of its own: node looks it up for each
 * connection. One with several, such as a headless Service, is looked up while calls go there; what
 * was known last stays where that fails or finds nothing.
 */
export class NamedAddress {
  readonly address: string
  readonly #host: string
  readonly #isName: boolean
  readonly #parts: NamedAddressParts
  #endpoints: readonly Endpoint[]
  #lookedMs = Number.NEGATIVE_INFINITY
  #isLooking = false
  #isClosed = false
  #trouble: string | undefined

  constructor(address: string, parts: NamedAddressParts) {
    this.address = address
    this.#parts = parts
    this.#host = hostOf(address)
    this.#isName = isIP(this.#host) === 0
    this.#endpoints = [new Endpoint(address, undefined)]
  }

  /** At least one. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  /** Why the last look found nothing; undefined where it did, or none was needed. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Looks again where the last look is `everyMs` old. Nobody waits for it. */
  freshen(everyMs: number): void {
    if (!this.#isName || this.#isLooking || this.#isClosed) return
    if (this.#parts.clock.now() - this.#lookedMs < Math.max(everyMs, everyMsLeast)) return
    this.#isLooking = true
    void this.#look()
  }

  close(): void {
    this.#isClosed = true
  }

  async #look(): Promise<void> {
    const { lookup, clock } = this.#parts
    try {
      const found = await lookup(this.#host)
      if (!this.#isClosed && found.length > 0) this.#take(serversOf(found))
      this.#trouble = found.length > 0 ? undefined : 'it has no record'
    } catch (error) {
      this.#trouble = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    }
    this.#lookedMs = clock.now()
    this.#isLooking = false
  }

  /** Servers that stay keep what is known of them. */
  #take(ips: readonly (string | undefined)[]): void {
    const wanted = new Set(ips)
    const kept = this.#endpoints.filter(({ ip }) => wanted.delete(ip)).slice(0, endpointsMax)
    const { clock } = this.#parts
    // By chance, so that the pods of one team share out what is too much for each.
    const room = endpointsMax - kept.length
    const come = [...wanted].map((ip) => ({ ip, draw: clock.random() }))
    come.sort((one, other) => one.draw - other.draw)
    const added = come.slice(0, room).map(({ ip }) => new Endpoint(this.address, ip))
    if (added.length === 0 && kept.length === this.#endpoints.length) return
    this.#endpoints = [...kept, ...added]
    this.#parts.onChange()
  }
}

/** Several of one family are several servers; one of each may be the two addresses of one. */
function serversOf(found: readonly LookupAddress[]): readonly (string | undefined)[] {
  const four = ipsOf(found, 4)
  const six = ipsOf(found, 6)
  // A pod with an address of each family must not count twice.
  const ips = four.length >= six.length ? four : six
  return ips.length > 1 ? ips : [undefined]
}

function ipsOf(found: readonly LookupAddress[], wanted: 4 | 6): readonly string[] {
  return [...new Set(found.filter(({ family }) => family === wanted).map(({ address }) => address))]
}

/** Without port, and an IPv6 address without its brackets. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}
