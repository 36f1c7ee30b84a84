import * as v from 'valibot'
import { count, duration, filePath, oneOf, secretRef, size, tunable, url } from './fields.ts'
import { identity } from './identity-schema.ts'
import { journalDirectory } from './limit-schema.ts'

const log = v.object({
  // One line per call at `info`; `silent` is for benchmarks.
  level: v.optional(tunable(oneOf(['debug', 'info', 'warn', 'error', 'silent'])), 'info'),
})

const traces = v.object({
  // OTLP over HTTP, without the /v1/traces that the exporter adds.
  endpoint: url,
  // Share of calls traced where the caller did not decide: model calls are few and dear, so all.
  ratio: v.optional(
    v.pipe(
      v.number('must be a number from 0 to 1'),
      v.minValue(0, 'must be a number from 0 to 1'),
      v.maxValue(1, 'must be a number from 0 to 1'),
    ),
    1,
  ),
  // A call that fails is sent though neither its caller nor `ratio` had chosen it.
  failures: v.optional(v.boolean('must be true or false'), true),
})

const metrics = v.object({
  // OTLP over HTTP, without the /v1/metrics that the exporter adds.
  endpoint: url,
  // What OpenTelemetry's own SDKs wait from one export to the next.
  interval: v.optional(duration({ min: 1_000 }), '60s'),
})

const diagnostics = v.object({
  // A turn of the event loop that took longer is logged: every call of the process has waited for it.
  blockedAfter: v.optional(duration({ min: 50 }), '500ms'),
  // Samples the process all the time, so that the line also says where: 1 or 2 % of a core.
  locateBlocks: v.optional(v.boolean('must be true or false'), false),
  // Whether the loopback gives snapshots of the heap. Texts are taken out; it blocks for a second or more.
  heapSnapshot: v.optional(v.boolean('must be true or false'), false),
})

/** What both halves bound, with the same meaning. */
const listener = {
  // Several images in base64; providers refuse more (OpenAI 50 MB in all, Anthropic 32 MB).
  bodyMax: v.optional(size(), '32MiB'),
  // Node's own default: longer heads are attacks or cookies that no API reads.
  headMax: v.optional(size({ max: 2 ** 20 }), '16KiB'),
  // From the first byte to the end of a request's head: a caller slower than that holds a socket.
  headTimeout: v.optional(duration(), '10s'),
  // From the end of the head to the end of the request's body.
  bodyTimeout: v.optional(duration(), '30s'),
  // Calls in flight: beyond it memory, not the provider, would decide who fails.
  callsMax: v.optional(count(), 4_096),
  // A form that is sent on while it is read: audio, images, files. OpenAI takes 512 MB, others less.
  uploadMax: v.optional(size(), '100MiB'),
  log: v.optional(log, {}),
  // Without it no tracing code is loaded.
  traces: v.optional(traces),
  // Besides `/metrics`, for a collector that nobody lets scrape pods.
  metrics: v.optional(metrics),
  diagnostics: v.optional(diagnostics, {}),
}

export const sidecar = v.object({
  ...listener,
  // All request bodies held at once: one large and many small ones within a 192 MiB container.
  bodiesMax: v.optional(size(), '48MiB'),
  // Question to end of answer, all targets: the official SDKs give up after 10 minutes too.
  deadline: v.optional(tunable(duration()), '10m'),
  // Tries at providers for one call, all targets and their ambassadors together.
  attemptsMax: v.optional(tunable(count({ max: 100 })), 6),
  // Between bytes of the ambassador's answer, whose keep-alive comments come every 15 s.
  idle: v.optional(tunable(duration()), '60s'),
  // Inside one cluster; a node that is gone answers nothing, and another address is tried.
  connectTimeout: v.optional(duration(), '1s'),
  // Per ambassador: one HTTP/1.1 connection carries one call.
  connectionsMax: v.optional(count({ max: 65_535 }), 512),
  // Idle time of pooled connections: below the ambassador's, so that the sidecar closes first.
  keepAlive: v.optional(duration(), '55s'),
  // Age at which a connection carries no further call: load follows ambassadors that came within it.
  connectionMaxAge: v.optional(duration({ min: 1_000 }), '5m'),
  // How often a name that several ambassadors stand behind is looked up, while calls go there: with
  // the 30 s for which a cluster's own name server may be believed.
  lookupEvery: v.optional(duration({ min: 1_000 }), '30s'),
  drain: v.optional(
    v.object({
      // Kubernetes kills a pod 30 s after SIGTERM unless told otherwise.
      grace: v.optional(duration({ min: 0 }), '30s'),
    }),
    {},
  ),
  count: v.optional(
    v.object({
      // How long a call waits for the count of a long question before it goes on with an estimate:
      // 0.7 MB of prose, about 170,000 tokens, are counted within it on an idle core.
      wait: v.optional(tunable(duration({ min: 0 })), '50ms'),
    }),
    {},
  ),
  // What it sends as bearer token to ambassadors whose identity is `shared-secret`.
  secret: v.optional(secretRef),
  // With it, ambassadors are called over TLS 1.3 and have to prove their name.
  tls: v.optional(
    v.object({
      // Authorities in PEM, several while one replaces another.
      ca: v.object({ file: filePath }),
    }),
  ),
})

export const ambassador = v.object({
  ...listener,
  // All request bodies held at once, of all tenants: eight of the largest.
  bodiesMax: v.optional(size({ max: 2 ** 36 }), '256MiB'),
  // Above `sidecar.keepAlive`: the side that reuses connections has to be the one that closes them.
  keepAlive: v.optional(duration(), '75s'),
  // Questions that a provider only counts, at once: below the 30 a second of the smallest accounts.
  countsMax: v.optional(count(), 16),
  // Whatever a caller asks for; the longest batch answers seen end within it.
  deadlineMax: v.optional(duration(), '30m'),
  drain: v.optional(
    v.object({
      // Endpoints leave load balancers some seconds after SIGTERM: calls still come.
      delay: v.optional(duration({ min: 0 }), '5s'),
      // Most streams end within a minute; a longer one is cut with its dialect's error event.
      grace: v.optional(duration({ min: 0 }), '60s'),
    }),
    {},
  ),
  journal: journalDirectory,
  // Whose names its spans and `gen_ai_*` metrics use: `previous` is v1.36.0 of the conventions and before.
  genAi: v.optional(oneOf(['latest', 'previous', 'both']), 'latest'),
  // Open suits a laptop and a closed network; the log warns of it.
  identity: v.optional(identity, { kind: 'open' }),
})
