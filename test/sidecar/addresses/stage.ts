import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { parseConfig } from '#shared/config/load.ts'
import type { SidecarConfig } from '#shared/config/schema.ts'
import { Origins } from '#shared/http/client.ts'
import { Addresses } from '../../../sidecar/addresses/addresses.ts'
import type { Endpoint } from '../../../sidecar/addresses/endpoint.ts'
import type { Lookup } from '../../../sidecar/addresses/named-address.ts'
import { manualClock } from '../../manual-clock.ts'

/** `sidecar:` of a configuration file. */
export function sidecarOf(text = '{}'): SidecarConfig {
  const loaded = parseConfig(`sidecar: ${text}`, 'test')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  return loaded.config.sidecar
}

/** A resolver that is told what a name stands for, or why it cannot say. */
export class Names {
  readonly asked: string[] = []
  readonly records = new Map<string, readonly string[] | Error>()
  /** Waits for {@link answer} where true. */
  isSlow = false
  #waiting: (() => void)[] = []

  readonly lookup: Lookup = async (host) => {
    this.asked.push(host)
    if (this.isSlow) await new Promise<void>((go) => this.#waiting.push(go))
    const found = this.records.get(host) ?? []
    if (found instanceof Error) throw found
    return found.map(recordOf)
  }

  answer(): void {
    for (const go of this.#waiting.splice(0)) go()
  }
}

function recordOf(address: string): LookupAddress {
  return { address, family: address.includes(':') ? 6 : 4 }
}

export function unreachable(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** What is looked up has arrived. */
export async function arrived(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

export function stage(sidecar = sidecarOf()) {
  const clock = manualClock()
  const names = new Names()
  const origins = new Origins()
  const trust = { current: undefined }
  /** Servers that were asked whether they are back; each says so when the test does. */
  const tried: Endpoint[] = []
  const trial = async (endpoint: Endpoint) => void tried.push(endpoint)
  const addresses = new Addresses({ origins, trust, clock, lookup: names.lookup, trial })
  /** The servers that many picks go to, sorted. */
  const drawn = (list: readonly string[], picks = 200): string[] => {
    const seen = new Set<string>()
    for (let pick = 0; pick < picks; pick++) seen.add(nameOf(addresses.pick(list, sidecar)))
    return [...seen].toSorted()
  }
  return { clock, names, origins, addresses, sidecar, drawn, tried }
}

/** Its IP address, or that of the configuration. */
export function nameOf({ ip, address }: Endpoint): string {
  return ip ?? address
}
