import assert from 'node:assert/strict'
import { authenticator, type Identity } from '#ambassador/identity/identity.ts'
import { Refusal } from '#ambassador/identity/refusal.ts'
import { startIdentity } from '#ambassador/identity/start-identity.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { Log, LogFields } from '#shared/telemetry/access-log.ts'
import { manualClock } from '../../manual-clock.ts'
import {
  type Claims,
  claimsAt,
  SigningCluster,
  type SigningKey,
  sign,
  signingKey,
} from './signing-cluster.ts'

/** One key for all tests of a file: making them takes time. */
export const clusterKey = await signingKey()

const tenants = {
  search: { workloads: [{ namespace: 'search' }] },
  billing: { workloads: [{ namespace: 'search', serviceAccount: 'billing' }] },
  shop: { workloads: [{ namespace: 'shop', serviceAccount: 'api' }] },
  gateway: { workloads: [{ namespace: 'edge', chooses: ['search', 'shop'] }] },
}

/** An ambassador's identity in front of a cluster that signs; time moves by hand. */
export class Stage {
  readonly clock = manualClock()
  readonly cluster: SigningCluster
  readonly lines: LogFields[] = []
  readonly identity
  readonly #prove

  constructor(identity: object = {}, keys: readonly SigningKey[] = [clusterKey]) {
    this.cluster = new SigningCluster(keys)
    const parsed = parseConfig(
      JSON.stringify({ ambassador: { identity: { kind: 'kubernetes', ...identity } }, tenants }),
      'outrigger.yaml',
    )
    assert.ok(parsed.ok)
    const { clock, lines } = this
    this.identity = startIdentity({ clock, log: logTo(lines), cluster: this.cluster })
    this.identity.apply(parsed.config.ambassador.identity)
    const secrets = { values: new Map(), missing: [], reasons: new Map() }
    const { keys: known } = this.identity
    this.#prove = authenticator(parsed.config, secrets, { reach: 'network', clock, keys: known })
  }

  /** A token as kubelet would have put it into the pod. */
  token(change: Claims = {}, head: object = {}): Promise<string> {
    return sign(clusterKey, { ...claimsAt(this.clock.wall()), ...change }, head)
  }

  /** What the ambassador makes of a bearer token; `more` headers beside it. */
  async prove(token: string, more: readonly string[] = []): Promise<Identity> {
    return this.proveHead(['authorization', `Bearer ${token}`, ...more])
  }

  async proveHead(headers: readonly string[]): Promise<Identity> {
    return this.#prove(headers)
  }

  /** What it gives at once, without a turn of the event loop. */
  proveNow(token: string): Identity | Promise<Identity> {
    return this.#prove(['authorization', `Bearer ${token}`])
  }

  /** Why it refuses. */
  async refusal(token: string, more: readonly string[] = []): Promise<string> {
    return refusalOf(this.prove(token, more))
  }
}

/** The reason of a refusal, or the code of another error. */
export async function refusalOf(proof: Promise<Identity>): Promise<string> {
  const thrown: unknown = await proof.then(
    ({ tenant }) => assert.fail(`let in as ${tenant}`),
    (error: unknown) => error,
  )
  if (thrown instanceof Refusal) return thrown.reason
  assert.ok(thrown instanceof Error && 'code' in thrown, String(thrown))
  return String(thrown.code)
}

export function logTo(lines: LogFields[]): Log {
  const write = (fields: LogFields, msg: string) => void lines.push({ ...fields, msg })
  return {
    debug: write,
    info: write,
    warn: write,
    error: write,
    accessLine() {},
    setLevel() {},
    flush() {},
  }
}
