/** Who made the call fail: the caller, one of our halves, or what stands behind us. */
export type ErrorOrigin = 'client' | 'local' | 'upstream'

/** Whether a second try may be made: `unknown` means that it may bill twice. */
export type Replay = 'safe' | 'unknown' | 'never'

export interface ErrorRow {
  readonly status: number
  readonly origin: ErrorOrigin
  readonly replay: Replay
  /** What the reader of the error can do. */
  readonly hint: string
  /** It lasts for hours: an SDK that repeats calls by itself is told not to. */
  readonly isLasting?: boolean
}

const client = (status: number, hint: string): ErrorRow => ({
  status,
  origin: 'client',
  replay: 'never',
  hint,
})
const local = (status: number, replay: Replay, hint: string): ErrorRow => ({
  status,
  origin: 'local',
  replay,
  hint,
})
const upstream = (status: number, replay: Replay, hint: string): ErrorRow => ({
  status,
  origin: 'upstream',
  replay,
  hint,
})

/** Every operating error of both halves. Closed: a status is chosen here and nowhere else. */
export const errorTable = {
  'malformed-request': client(400, 'Send a well-formed HTTP/1.1 request'),
  'invalid-json': client(400, 'Send one JSON object as the body'),
  'invalid-field': client(400, 'Correct the named field'),
  'context-window-exceeded': client(400, 'Shorten the question or ask for a larger model'),
  'capability-missing': client(400, 'Ask for a model that can do what the question needs'),
  'dialect-not-spoken': client(400, 'Ask for a model whose provider speaks this API'),
  unauthenticated: client(401, 'Give the sidecar the secret that its ambassador expects'),
  'workload-forbidden': client(403, 'Ask the platform team which tenant the workload belongs to'),
  'model-forbidden': client(403, 'Ask the platform team to allow the model to this tenant'),
  'cross-site': client(403, 'Call from a program, or from a page of the same site'),
  'price-unknown': client(403, 'Give the model a price under providers.*.prices, or allow it'),
  'stored-forbidden': client(403, 'Send the content itself in place of its id'),
  'model-not-found': client(404, 'Ask for a model that GET /v1/models lists'),
  'stored-not-found': client(404, 'Use an id that an answer to this tenant has named'),
  'count-not-offered': client(404, 'None: the sidecar counts by itself'),
  'path-not-found': client(404, 'Use one of the listed paths'),
  'method-not-allowed': client(405, 'Use the named method'),
  'head-slow': client(408, 'Send the request head within sidecar.headTimeout'),
  'body-slow': client(408, 'Send the request body within sidecar.bodyTimeout'),
  'body-too-large': client(413, 'Send less, or raise sidecar.bodyMax and ambassador.bodyMax'),
  'encoding-unsupported': client(
    415,
    'Send the body plain or with content-encoding gzip, deflate, br or zstd',
  ),
  'upgrade-refused': client(426, 'Use plain HTTP/1.1'),
  'head-too-large': client(431, 'Send fewer or shorter headers'),
  'tenant-limit': client(429, 'Wait for the reset, or ask the platform team for more'),
  'tenant-concurrency': client(429, 'Send fewer calls at once, or ask for more'),
  'client-left': client(499, 'None: the caller closed its connection'),

  internal: local(500, 'never', 'Report it with the call id: this is a defect'),
  'not-configured': local(503, 'safe', 'Give a valid outrigger.yaml: configz says what is wrong'),
  'provider-disabled': local(503, 'safe', 'Give the provider its credential'),
  draining: local(503, 'safe', 'Try again: this process is ending'),
  overloaded: local(503, 'safe', 'Try again later or raise callsMax or connectionsMax'),
  'bodies-full': local(503, 'safe', 'Try again later or raise bodiesMax'),
  'rate-limited': local(429, 'safe', 'Try again after the named time, or elsewhere'),
  'breaker-open': local(503, 'safe', 'Try again after the named time: the provider is failing'),
  'no-healthy-replica': local(503, 'safe', 'Look at the health of the pool'),
  'refused-by-chain': local(503, 'safe', 'Try again later: the targets of the model are gone'),
  'deadline-exceeded': local(504, 'unknown', 'Ask for less or raise the deadline'),

  'connect-failed': upstream(503, 'safe', 'Look whether the address answers'),
  'connect-timeout': upstream(504, 'safe', 'Look whether the address answers'),
  'upstream-untrusted': upstream(502, 'safe', 'Look at the certificate and its authority'),
  'head-timeout': upstream(504, 'unknown', 'Raise timeouts.head if the provider is this slow'),
  'first-content-timeout': upstream(504, 'unknown', 'Raise timeouts.firstContent'),
  'idle-timeout': upstream(504, 'unknown', 'Raise timeouts.idle if pauses this long are normal'),
  'upstream-reset': upstream(502, 'unknown', 'Look at the log of what stands behind'),
  'upstream-early-end': upstream(502, 'unknown', 'Look at the log of what stands behind'),
  'upstream-garbage': upstream(502, 'unknown', 'Look for a proxy that answers in its place'),
  'upstream-redirect': upstream(502, 'never', 'Correct providers.*.baseUrl'),
  // Not 429: backing off does not help, and would be taken for the tenant's own limit. Not 402: it is
  // no caller's bill. Nothing was generated, so that the next target of a chain is asked without harm.
  'provider-exhausted': {
    ...upstream(503, 'safe', 'Look at the credit and the spend limit of the provider’s account'),
    isLasting: true,
  },
  'upstream-refused': upstream(503, 'safe', 'Try again later'),
  'upstream-aborted': upstream(503, 'safe', 'Try again: the server was stopping'),
  'upstream-failed': upstream(502, 'unknown', 'Read the message, which is the provider’s'),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errorTable
