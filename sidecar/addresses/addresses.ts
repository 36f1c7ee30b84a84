import type { Clock } from '#shared/call/clock.ts'
import type { SidecarConfig } from '#shared/config/schema.ts'
import type { Origins } from '#shared/http/client.ts'
import type { Connections } from '#shared/http/connections.ts'
import type { TrustFile } from '#shared/http/tls-trust.ts'
import type { Endpoint } from './endpoint.ts'
import { type Lookup, NamedAddress } from './named-address.ts'
import { originOf, originOptions } from './origin-options.ts'
import { type Trial, trial } from './trial.ts'

export interface AddressesParts {
  readonly origins: Origins
  readonly trust: Pick<TrustFile, 'current'>
  readonly clock: Clock
  /** The system's own resolver unless given: names of a cluster need its search domains. */
  readonly lookup?: Lookup
  /** Asks a server whether it is back. */
  readonly trial?: Trial
}

/** The servers of one list of addresses, as of `version`. */
interface Group {
  readonly version: number
  readonly named: readonly NamedAddress[]
  readonly endpoints: readonly Endpoint[]
}

/**
 * The servers of all ambassadors, and which of them takes a call: of two drawn by lot the one with
 * fewer calls of this sidecar in flight (power of two choices, Mitzenmacher 2001). One that could not
 * be connected to is left alone for a growing time, and then until it answers a question of a trial.
 */
export class Addresses {
  readonly #parts: AddressesParts
  readonly #lookup: Lookup
  readonly #named = new Map<string, NamedAddress>()
  #groups = new WeakMap<readonly string[], Group>()
  #version = 0
  #sidecar: SidecarConfig | undefined

  constructor(parts: AddressesParts) {
    this.#parts = parts
    this.#lookup = parts.lookup ?? systemLookup
  }

  /** Keeps what is known of `wanted`, and the connections to their servers, and nothing else. */
  retain(wanted: readonly string[], sidecar: SidecarConfig): void {
    this.#sidecar = sidecar
    const keys = new Set(wanted)
    for (const [address, named] of this.#named) {
      if (keys.has(address)) continue
      named.close()
      this.#named.delete(address)
    }
    for (const address of keys) this.#addressOf(address)
    this.#version++
    this.#retainConnections()
  }

  /** Other authorities are in force: connections that trusted the last ones carry no further call. */
  trustChanged(): void {
    this.#retainConnections()
  }

  /** A server among those of `addresses`, which is not empty. One that is left alone only where all are. */
  pick(addresses: readonly string[], { lookupEvery }: SidecarConfig): Endpoint {
    const { named, endpoints } = this.#groupOf(addresses)
    for (const address of named) address.freshen(lookupEvery)
    const endpoint = this.#choose(endpoints)
    if (endpoint === undefined) throw new RangeError('an ambassador has no address')
    return endpoint
  }

  /** Another one than `used`; undefined where there is none. */
  pickBeside(used: Endpoint, addresses: readonly string[]): Endpoint | undefined {
    const { endpoints } = this.#groupOf(addresses)
    if (endpoints.length < 2) return undefined
    return this.#choose(endpoints.filter((endpoint) => endpoint !== used))
  }

  /** Where calls under `asked` to `endpoint` go. */
  connectionsTo(endpoint: Endpoint, asked: SidecarConfig): Connections {
    const { current } = this.#parts.trust
    const sidecar = this.#inForce(asked)
    const kept = endpoint.connectionsFor(sidecar, current)
    if (kept !== undefined) return kept
    const found = this.#parts.origins.connectionsTo(
      originOf(endpoint, sidecar),
      originOptions(endpoint, sidecar, current),
    )
    endpoint.keep(sidecar, current, found)
    return found
  }

  /** `endpoint` could not be connected to: it is left alone, and its name is looked up again. */
  fail(endpoint: Endpoint): void {
    endpoint.fail(this.#parts.clock)
    this.#named.get(endpoint.address)?.freshen(0)
  }

  /** Whether every server of `addresses` is left alone. */
  isDown(addresses: readonly string[]): boolean {
    return this.#groupOf(addresses).endpoints.every((endpoint) => endpoint.isAside)
  }

  /** Servers of `addresses`, and how many of them are left alone. */
  counts(addresses: readonly string[]): { readonly known: number; readonly aside: number } {
    const { endpoints } = this.#groupOf(addresses)
    return {
      known: endpoints.length,
      aside: endpoints.filter((endpoint) => endpoint.isAside).length,
    }
  }

  /** For people: every address with its servers. */
  status(): object {
    const nowMs = this.#parts.clock.now()
    return Object.fromEntries(
      [...this.#named.values()].map(({ address, endpoints, trouble }) => [
        address,
        { lookup: trouble ?? 'good', servers: endpoints.map((one) => shown(one, nowMs)) },
      ]),
    )
  }

  /**
   * A call keeps the configuration it began with, but connections by its words would be built anew and
   * ended by nobody. Those that are there serve it, unless it trusts in another way than they do.
   */
  #inForce(asked: SidecarConfig): SidecarConfig {
    const last = this.#sidecar
    const isAlike = last !== undefined && (last.tls === undefined) === (asked.tls === undefined)
    return isAlike ? last : asked
  }

  #choose(endpoints: readonly Endpoint[]): Endpoint | undefined {
    if (endpoints.length < 2) return endpoints[0]
    const lighter = this.#lighter(endpoints)
    if (lighter === undefined || !lighter.isAside) return lighter
    // It has the fewest calls in flight, and so is drawn often: no other moment is needed.
    this.#tryAgain(lighter)
    const live = endpoints.filter((endpoint) => !endpoint.isAside)
    return live.length > 0 ? this.#lighter(live) : soonest(endpoints)
  }

  #tryAgain(endpoint: Endpoint): void {
    const { clock } = this.#parts
    const sidecar = this.#sidecar
    if (sidecar === undefined || !endpoint.isDue(clock.now())) return
    // Without an authority nobody could be trusted to be the one that was left alone.
    if (sidecar.tls !== undefined && this.#parts.trust.current === undefined) return
    endpoint.take(clock.now())
    const { trial: ask = trial } = this.#parts
    void ask(endpoint, this.connectionsTo(endpoint, sidecar), clock)
  }

  #lighter(endpoints: readonly Endpoint[]): Endpoint | undefined {
    const { length } = endpoints
    const { clock } = this.#parts
    const first = Math.floor(clock.random() * length)
    const one = endpoints[first]
    if (length < 2) return one
    const step = 1 + Math.floor(clock.random() * (length - 1))
    const other = endpoints[(first + step) % length]
    if (one === undefined || other === undefined) return one
    return other.inFlight < one.inFlight ? other : one
  }

  #groupOf(addresses: readonly string[]): Group {
    const known = this.#groups.get(addresses)
    if (known !== undefined && known.version === this.#version) return known
    const named = addresses.map((address) => this.#addressOf(address))
    const endpoints = named.flatMap((address) => address.endpoints)
    const group = { version: this.#version, named, endpoints }
    this.#groups.set(addresses, group)
    return group
  }

  #addressOf(address: string): NamedAddress {
    const known = this.#named.get(address)
    if (known !== undefined) return known
    const named = new NamedAddress(address, {
      lookup: this.#lookup,
      clock: this.#parts.clock,
      onChange: () => {
        this.#version++
        this.#retainConnections()
      },
    })
    this.#named.set(address, named)
    return named
  }

  #retainConnections(): void {
    const sidecar = this.#sidecar
    if (sidecar === undefined) return
    const { origins, trust } = this.#parts
    const endpoints = [...this.#named.values()].flatMap((address) => address.endpoints)
    origins.retain(
      endpoints.map((endpoint) => [
        originOf(endpoint, sidecar),
        originOptions(endpoint, sidecar, trust.current),
      ]),
    )
  }
}

/** Where all are left alone, one has to be asked all the same. */
function soonest(endpoints: readonly Endpoint[]): Endpoint | undefined {
  return endpoints.toSorted((one, other) => one.asideUntilMs - other.asideUntilMs)[0]
}

function shown(endpoint: Endpoint, nowMs: number): object {
  const { ip, inFlight, failures, asideUntilMs } = endpoint
  const asideMs = Math.ceil(Math.max(0, asideUntilMs - nowMs))
  return { ip: ip ?? 'by its name', inFlight, failures, asideMs }
}

/** Loaded by the first name that is called: most pods know their ambassadors by one. */
async function systemLookup(host: string) {
  const { lookup } = await import('node:dns/promises')
  return await lookup(host, { all: true })
}
