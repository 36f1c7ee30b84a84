import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { claimsAt, sign, signingKey } from '../../ambassador/identity/signing-cluster.ts'
import { selfSigned } from '../../local/certificate.ts'
import { startClusterAmbassador } from '../cluster-ambassador.ts'
import {
  alias,
  closedPort,
  type Half,
  type Pair,
  type PairOptions,
  type Provider,
  startPair,
  startProvider,
} from '../harness.ts'
import { type Besides, besides } from './besides.ts'
import { defective } from './planted-defect.ts'
import type { Stage } from './row.ts'
import { type Sdks, sdksOf } from './sdks.ts'

/** A pair in front of one provider, with further halves for what a pair has once only. */
interface PairStage extends Stage {
  readonly provider: Provider
  readonly pair: Pair
  close(): Promise<void>
}

/** What applications and the sidecar itself bring about. */
export interface ApplicationStage extends PairStage {
  /** At a sidecar without a valid configuration. */
  readonly unconfigured: Sdks
}

/** What the ambassador itself brings about. */
export interface AmbassadorStage extends PairStage {
  /** Ambassadors that lack a credential, their provider's configuration and a healthy replica. */
  readonly disabled: Half
  readonly unconfigured: Half
  readonly bare: Half
  /** One that serves nothing without a price. */
  readonly unpriced: Half
  /** Ones whose tenant may have no answer, and one call at a time. */
  readonly limited: Half
  readonly crowded: Half
  /** Ones whose provider allows a call a minute, and whose breaker opens with the first failure. */
  readonly throttled: Half
  readonly failing: Half
}

/** What stands behind the ambassador brings about. */
export interface ProviderStage extends PairStage {
  /** In front of a server that answers as its header `x-stand-in` says. */
  readonly standIn: Half
  /** The same with a key. */
  readonly keyed: Half
  /** In front of a port that accepts and says nothing, and of one that refuses. */
  readonly silent: Half
  readonly gone: Half
  /** In front of a server whose certificate has signed itself. */
  readonly untrusted: Half
}

/** On a busy machine a connection inside of it takes its time, and no row is about that. */
const patient = { connectTimeout: '30s', count: { wait: '30s' } }

/** Of the sidecar of that stage: small enough to be filled. */
export const applicationLimits = { callsMax: 4, bodyBytes: 64 * 1024 }

/** A pair beside ambassadors that ask for a secret and for a tenant, and a sidecar without configuration. */
export async function startApplicationStage(): Promise<ApplicationStage> {
  const provider = await startProvider()
  const identity = { kind: 'shared-secret', secrets: [{ tenant: 'local', secret: 'GUARD' }] }
  const extras = besides(provider.port)
  const key = await signingKey()
  const [token, clustered, guarded, unconfigured] = await Promise.all([
    // Of a workload that no tenant claims.
    sign(key, claimsAt(Date.now(), 'elsewhere')),
    startClusterAmbassador({ provider: provider.port }, [key]),
    extras.start('ambassador', {
      ambassador: { identity },
      tenants: { local: {} },
      environment: { GUARD: 'guarded' },
    }),
    extras.start('sidecar', 'invalid'),
  ])
  const elsewhere = { kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' }
  const size = `${applicationLimits.bodyBytes}B`
  const limits = { bodyMax: size, bodiesMax: size, callsMax: applicationLimits.callsMax }
  const pair = await startPair({
    provider: provider.port,
    sidecar: {
      ...patient,
      ...limits,
      headTimeout: '1s',
      bodyTimeout: '3s',
      drain: { grace: 0 },
      secret: 'POD_TOKEN',
    },
    // The one tenant may not ask for `gold`.
    models: {
      ...modelsOf('guarded', 'clustered', 'one-dialect', 'other-dialect'),
      gold: target('pool', 'gold'),
      blind: { targets: [{ provider: 'pool', model: 'tiny', capabilities: ['images'] }] },
      refusing: { targets: [{ refuse: 'Come back tomorrow' }] },
      narrow: { targets: [{ provider: 'pool', model: 'gpt-4o', contextWindow: 6 }] },
    },
    tenants: { local: { models: ['tiny', 'assistant'] } },
    providers: {
      guarded: at(guarded),
      clustered: at(clustered),
      'one-dialect': { ...elsewhere, dialects: ['chat'] },
      'other-dialect': { ...elsewhere, dialects: ['messages'] },
    },
    environment: { ...defective, POD_TOKEN: token },
  })
  const close = () => closeAll(pair, clustered, extras, provider)
  const sdks = sdksOf(pair.port)
  return { sdks, provider, pair, unconfigured: sdksOf(unconfigured.port), close }
}

/** Of the ambassador of that stage: small enough to be filled. */
export const ambassadorLimits = { callsMax: 4, bodyBytes: 64 * 1024 }

/** A pair beside ambassadors that can serve nobody, each for a reason of its own. */
export async function startAmbassadorStage(): Promise<AmbassadorStage> {
  const provider = await startProvider()
  const extras = besides(provider.port)
  const addresses = [`http://127.0.0.1:${await closedPort()}`]
  const credentials = [{ name: 'main', secret: 'A_SECRET_THAT_NOBODY_SETS' }]
  const [disabled, unconfigured, bare, unpriced, limited, crowded, throttled, failing] =
    await Promise.all([
      extras.start('ambassador', { pool: { credentials } }),
      // Its file is valid, and names everything but its own provider.
      extras.start('ambassador', {
        models: { tiny: undefined, assistant: undefined },
        providers: { pool: undefined },
      }),
      extras.start('ambassador', {
        pool: { replicas: { addresses, health: { interval: '100ms', failures: 1 } } },
      }),
      extras.start('ambassador', { pool: { unknownPrice: 'refuse' } }),
      // Less than any answer may have.
      extras.start('ambassador', {
        tenants: { local: { limits: [{ outputTokens: 1, per: 'month' }] } },
      }),
      extras.start('ambassador', { tenants: { local: { concurrency: 1 } } }),
      extras.start('ambassador', {
        ...hosted(`http://127.0.0.1:${provider.port}/v1`, { limits: { requests: 1 } }),
        ambassador: { deadlineMax: '1s' },
      }),
      extras.start('ambassador', { pool: { breaker: { failures: 1, reset: '1m' } } }),
    ])
  const size = `${ambassadorLimits.bodyBytes}B`
  const { callsMax } = ambassadorLimits
  const pair = await startPair({
    provider: provider.port,
    sidecar: patient,
    ambassador: {
      identity: { kind: 'open', tenant: 'local' },
      deadlineMax: '1s',
      bodyMax: size,
      bodiesMax: size,
      callsMax,
    },
    models: modelsOf('disabled', 'unconfigured', 'bare', 'unpriced', 'limited'),
    providers: {
      disabled: at(disabled),
      unconfigured: at(unconfigured),
      bare: at(bare),
      unpriced: at(unpriced),
      limited: at(limited),
    },
  })
  const close = () => closeAll(pair, extras, provider)
  const sdks = sdksOf(pair.port)
  const halves = {
    disabled,
    unconfigured,
    bare,
    unpriced,
    limited,
    crowded,
    throttled,
    failing,
  }
  return { sdks, provider, pair, ...halves, close }
}

/** A pair with short timeouts beside ambassadors of providers that are no servers of models. */
export async function startProviderStage(): Promise<ProviderStage> {
  // Slow enough that content has been read before a stream breaks.
  const provider = await startProvider({ tokenMs: 20 })
  const extras = besides(provider.port)
  const [standInPort, silentPort, untrustedPort] = await Promise.all([
    startStandIn(extras),
    startSilent(extras),
    extras.listen(createTlsServer(selfSigned(['localhost']))),
  ])
  const credentials = [{ name: 'main', secret: 'STAND_IN_KEY' }]
  const [standIn, keyed, silent, gone, untrusted] = await Promise.all([
    extras.start('ambassador', hosted(`http://127.0.0.1:${standInPort}/v1`)),
    extras.start('ambassador', {
      // Which says it when a question is too dear, and not the account empty.
      ...hosted(`http://127.0.0.1:${standInPort}/v1`, { preset: 'openrouter', credentials }),
      environment: { STAND_IN_KEY: 'key-of-the-stage' },
    }),
    // A handshake that is never answered is a connection that does not come about.
    extras.start('ambassador', hosted(`https://127.0.0.1:${silentPort}/v1`)),
    extras.start('ambassador', hosted(`http://127.0.0.1:${await closedPort()}/v1`)),
    extras.start('ambassador', hosted(`https://localhost:${untrustedPort}/v1`)),
  ])
  const pair = await startPair({
    provider: provider.port,
    sidecar: patient,
    pool: { timeouts: { head: '2s', firstContent: '1s', idle: '2s' } },
    models: modelsOf('stand-in', 'keyed', 'silent', 'gone', 'untrusted'),
    providers: {
      'stand-in': at(standIn),
      keyed: at(keyed),
      silent: at(silent),
      gone: at(gone),
      untrusted: at(untrusted),
    },
  })
  const close = () => closeAll(pair, extras, provider)
  const sdks = sdksOf(pair.port)
  return { sdks, provider, pair, standIn, keyed, silent, gone, untrusted, close }
}

/** A provider that is reached by its base URL. */
function hosted(baseUrl: string, more: object = {}): Partial<PairOptions> {
  const dialects = ['chat', 'messages']
  const pool = { kind: 'openai-compatible', replicas: undefined, baseUrl, dialects }
  return { pool: { ...pool, timeouts: { connect: '2s' }, ...more } }
}

const errorInside = (code: number) =>
  JSON.stringify({
    type: 'error',
    error: { type: 'api_error', message: 'Cannot serve: I am full', code },
  })

/** As OpenRouter says it; nothing of it is the caller's to read. */
const tooDear = JSON.stringify({
  error: {
    code: 402,
    message: 'This request requires more credits, or fewer max_tokens: org-abc can afford 12',
  },
})

/** Answers whose like the simulator never gives; the status of an error stands inside of a 200. */
function startStandIn(extras: Besides): Promise<number> {
  const server = createHttpServer((request, response) => {
    const kind = request.headers['x-stand-in']
    request.resume()
    if (kind === 'redirect') response.writeHead(307, { location: '/elsewhere' }).end()
    else if (kind === 'exhausted') response.writeHead(402).end(tooDear)
    else {
      response.setHeader('content-type', 'application/json')
      response.end(errorInside(kind === 'refused' ? 503 : 502))
    }
  })
  return extras.listen(server)
}

function startSilent(extras: Besides): Promise<number> {
  return extras.listen(createServer())
}

const target = (provider: string, model: string) => ({ targets: [{ provider, model }] })

function modelsOf(...providers: readonly string[]) {
  return Object.fromEntries(
    providers.map((name) => [name, target(name, alias.targets[0]?.model ?? '')]),
  )
}

/** An ambassador beside the pair's own, as the sidecar sees it. */
function at(half: { readonly port: number }) {
  const replicas = { addresses: ['http://127.0.0.1:1'] }
  return { kind: 'vllm', replicas, address: [`127.0.0.1:${half.port}`] }
}

async function closeAll(...parts: readonly { close(): Promise<void> }[]): Promise<void> {
  for (const part of parts) await part.close()
}
