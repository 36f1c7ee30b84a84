import * as v from 'valibot'
import {
  anthropicCredentials,
  azureCredentials,
  azureUrl,
  compatibleCredential,
  openaiCredentials,
  plainCredential,
} from './credential-schema.ts'
import {
  count,
  duration,
  filePath,
  hostPort,
  kindsOf,
  labelName,
  named,
  oneOf,
  origin,
  size,
  text,
  url,
} from './fields.ts'
import { cacheSalt, dispatch, replicasDns, signals, tokens } from './pool-schema.ts'
import { presetNames, presets } from './presets.ts'
import { prices, unknownPrice } from './price-schema.ts'
import { accountPercent, families, limits, queue } from './quota-schema.ts'
import { breaker, resume, retry } from './resilience-schema.ts'

export const dialectNames = ['chat', 'completions', 'embeddings', 'messages', 'responses'] as const
export type Dialect = (typeof dialectNames)[number]

const timeouts = v.object({
  // A TCP and TLS handshake across an ocean takes 0.5 s; beyond 2 s another origin is better.
  connect: v.optional(duration(), '2s'),
  // A completion that is not streamed sends its head only when the last token is written.
  head: v.optional(duration(), '5m'),
  // A streamed call with a long prompt behind a full queue: prefill of 128k tokens takes a minute.
  firstContent: v.optional(duration(), '2m'),
  // Between two chunks once content flows: models that think send keep-alives sooner.
  idle: v.optional(duration(), '60s'),
})

const commit = v.object({
  // Below the 30 s at which common clients and load balancers give up waiting for a head.
  hold: v.optional(duration({ min: 0 }), '20s'),
  // Far above role deltas and pings, small enough to hold for every call at once.
  holdBytes: v.optional(size({ min: 0, max: 2 ** 24 }), '64KiB'),
  // SSE comments after the hold: below the 30 s idle limit of impatient proxies.
  keepAlive: v.optional(duration(), '15s'),
})

/** vLLM closes idle connections after 5 s (uvicorn's default): a later reuse races the close. */
const vllmKeepAlive = '4s'
/** Hosted providers' load balancers keep idle connections for 60 s or more. */
const hostedKeepAlive = '30s'

const addresses = v.pipe(
  v.union(
    [
      hostPort,
      v.pipe(
        v.array(hostPort),
        v.minLength(1, 'must name at least one address'),
        v.maxLength(16, 'must name at most 16 addresses'),
      ),
    ],
    'must be host:port or a list of them',
  ),
  v.transform((input): readonly string[] => (typeof input === 'string' ? [input] : input)),
)

/**
 * Ambassadors of whose provider nothing else is told: what a controller leaves of `providers` in the
 * file of a sidecar.
 */
export const ambassadors = named(
  labelName,
  v.object({
    address: addresses,
    dialects: v.pipe(
      v.array(oneOf(dialectNames)),
      v.minLength(1, 'must name at least one dialect'),
    ),
  }),
)

const common = {
  // Where sidecars find the ambassador; it follows from the provider's name unless given.
  address: v.optional(addresses),
  timeouts: v.optional(timeouts, {}),
  commit: v.optional(commit, {}),
  // Per origin: one HTTP/1.1 connection carries one call, and a vLLM server batches up to 256.
  connectionsMax: v.optional(count({ max: 65_535 }), 256),
  prices,
  unknownPrice,
  // Of each credential, as the provider names them. Those left out are learned from its answers.
  limits: v.optional(limits, {}),
  // Models that share those limits, beyond those of which the provider's own text says so.
  families: v.optional(families, {}),
  queue: v.optional(queue, {}),
  accountPercent,
  retry: v.optional(retry, {}),
  breaker: v.optional(breaker, {}),
  // Asked by `stream_options.include_usage`, a stream ends with its token counts: exact settling.
  // Absent, as the profile of the provider has it: some refuse the member, or report unasked.
  usage: v.optional(oneOf(['ask', 'leave'])),
}

function dialects(spoken: readonly Dialect[]) {
  return v.optional(
    v.pipe(v.array(oneOf(dialectNames)), v.minLength(1, 'must name at least one dialect')),
    () => [...spoken],
  )
}

const compatibleDialects: readonly Dialect[] = ['chat', 'completions', 'embeddings']
const openaiDialects: readonly Dialect[] = [...compatibleDialects, 'responses']

const openai = v.object({
  kind: v.literal('openai'),
  ...common,
  baseUrl: v.optional(url, 'https://api.openai.com/v1'),
  credentials: openaiCredentials,
  dialects: dialects(openaiDialects),
  keepAlive: v.optional(duration(), hostedKeepAlive),
})

const openaiCompatible = v.pipe(
  v.object({
    kind: v.literal('openai-compatible'),
    ...common,
    // A known provider: its address, dialects and manners.
    preset: v.optional(oneOf(presetNames)),
    baseUrl: v.optional(url),
    // A server inside the network may ask for none.
    credentials: v.optional(v.array(compatibleCredential), []),
    dialects: v.optional(
      v.pipe(v.array(oneOf(dialectNames)), v.minLength(1, 'must name at least one dialect')),
    ),
    keepAlive: v.optional(duration(), hostedKeepAlive),
  }),
  v.check(
    ({ preset, baseUrl }) => preset !== undefined || baseUrl !== undefined,
    'must have a baseUrl or a preset',
  ),
  v.check(
    ({ preset, baseUrl, credentials }) =>
      preset === undefined ||
      baseUrl !== undefined ||
      credentials.length > 0 ||
      !presets[preset].needsKey,
    'must name at least one credential: the preset refuses calls without a key',
  ),
  v.transform((input) => {
    const preset = input.preset === undefined ? undefined : presets[input.preset]
    return {
      ...input,
      // One of the two is there: checked above.
      baseUrl: input.baseUrl ?? preset?.baseUrl ?? '',
      dialects: input.dialects ?? [...(preset?.dialects ?? compatibleDialects)],
    }
  }),
)

const azureMembers = v.object({
  kind: v.literal('azure'),
  ...common,
  // Of the resource, such as https://NAME.openai.azure.com.
  baseUrl: azureUrl,
  // Where deployments are addressed: by the body on /openai/v1, or by the older, versioned paths.
  api: v.optional(oneOf(['v1', 'deployments']), 'v1'),
  // Sent as `api-version` where the caller sends none.
  apiVersion: v.optional(
    text(/^[0-9A-Za-z][0-9A-Za-z.-]{0,39}$/, 'must be a version, such as 2024-10-21'),
  ),
  credentials: azureCredentials,
  dialects: v.optional(
    v.pipe(v.array(oneOf(dialectNames)), v.minLength(1, 'must name at least one dialect')),
  ),
  keepAlive: v.optional(duration(), hostedKeepAlive),
})

const azure = v.pipe(
  azureMembers,
  v.transform((input) => {
    // Deployments in the path have no Responses there.
    const own = input.api === 'deployments' ? compatibleDialects : openaiDialects
    return { ...input, dialects: input.dialects ?? [...own] }
  }),
)

const anthropic = v.object({
  kind: v.literal('anthropic'),
  ...common,
  baseUrl: v.optional(url, 'https://api.anthropic.com'),
  credentials: anthropicCredentials,
  dialects: dialects(['messages']),
  keepAlive: v.optional(duration(), hostedKeepAlive),
})

const health = v.object({
  // vLLM answers 200 with no body there once its model is loaded.
  path: v.optional(text(/^\/[^\s?#]*$/, 'must be a path, such as /health'), '/health'),
  // With two failures a dead replica is out after 4 s, sooner than a restart takes.
  interval: v.optional(duration(), '2s'),
  // The endpoint answers in milliseconds unless the server's event loop is stuck.
  timeout: v.optional(duration(), '1s'),
  // One lost probe is noise.
  failures: v.optional(count({ max: 100 }), 2),
})

const serviceName = text(
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  'must be a Service, NAME or NAMESPACE/NAME, such as models/vllm-llama',
)

const portMessage =
  "must be the name of one of the Service's ports, such as http, or a port from 1 to 65535"

const replicas = v.pipe(
  v.object({
    // Fixed servers, outside of a cluster or where each has a name of its own.
    addresses: v.optional(
      v.pipe(v.array(origin), v.maxLength(256, 'must name at most 256 replicas')),
      [],
    ),
    // A Service, followed by its EndpointSlices; in this ambassador's namespace unless said.
    service: v.optional(serviceName),
    // The port that pods listen on; only needed where the Service has several.
    port: v.optional(
      v.union(
        [text(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, portMessage), count({ max: 65_535 })],
        portMessage,
      ),
    ),
    // A list of addresses that somebody else keeps; relative to the configuration's directory.
    file: v.optional(filePath),
    dns: v.optional(replicasDns),
    health: v.optional(health, {}),
    // What replicas say of themselves, on /metrics.
    signals: v.optional(signals, {}),
  }),
  v.check(
    ({ addresses, service, file, dns }) =>
      [addresses[0], service, file, dns].filter((source) => source !== undefined).length === 1,
    'must name one of addresses, service, file and dns',
  ),
  v.check(
    ({ service, port }) => port === undefined || service !== undefined,
    'must name a service where it names a port',
  ),
)

const vllm = v.object({
  kind: v.literal('vllm'),
  ...common,
  replicas,
  dispatch: v.optional(dispatch, {}),
  // Of prompts, so that whoever has one cached is known; absent, their bytes tell.
  tokens: v.optional(tokens),
  // Absent, tenants share the replicas' caches, and times tell what others have asked.
  cacheSalt: v.optional(cacheSalt),
  // A stream that breaks goes on at another replica. Off: the rest of the answer is a new sample.
  resume: v.optional(resume, false),
  // Only for servers started with --api-key.
  credentials: v.optional(v.array(plainCredential), []),
  dialects: dialects(dialectNames),
  keepAlive: v.optional(duration(), vllmKeepAlive),
})

const provider = v.variant(
  'kind',
  [openai, openaiCompatible, anthropic, azure, vllm],
  kindsOf(['openai', 'openai-compatible', 'anthropic', 'azure', 'vllm']),
)

/** Port on which every ambassador listens for sidecars. */
const ambassadorPort = 4_100

/** Providers by name, each with the addresses of its ambassador. */
export const providers = v.pipe(
  named(labelName, provider),
  v.transform((entries) => {
    const placed: Record<string, Placed<v.InferOutput<typeof provider>>> = {}
    Object.setPrototypeOf(placed, null)
    for (const [name, entry] of Object.entries(entries)) {
      const address = entry.address ?? [`ambassador-${name}.outrigger-system:${ambassadorPort}`]
      placed[name] = { ...entry, address }
    }
    return placed
  }),
)

/** Keeps the kinds apart: a union stays a union. */
type Placed<P> = P extends unknown ? Omit<P, 'address'> & { address: readonly string[] } : never
