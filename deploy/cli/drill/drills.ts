import type { Config } from '#shared/config/schema.ts'

/** Providers that have a double in the demo configuration. */
export const drilledProviders = ['openai', 'azure', 'anthropic'] as const
export type DrilledProvider = (typeof drilledProviders)[number]

/** The model whose first target is the provider, and the dialect in which it is asked. */
export const modelsByProvider = {
  openai: { model: 'assistant', dialect: 'chat' },
  azure: { model: 'assistant-azure', dialect: 'chat' },
  anthropic: { model: 'claude', dialect: 'messages' },
} as const

/** What a fault may do to the running system. */
export interface Sabotage {
  readonly provider: DrilledProvider
  readonly config: Config
  /** Calls a minute that each key of each double takes. */
  readonly rpm: number
  /** Calls a second that the load makes. */
  readonly rate: number
  /** How long the fault lasts. */
  readonly faultMs: number
  /** Instructs the provider's double. */
  script(instruction: object): Promise<void>
  /** Ends a child at once; the launcher starts it again. */
  kill(child: string): void
  /** Starts a second load of class batch, `times` as strong as the first; `settle` ends it. */
  flood(times: number): void
  after(delayMs: number, action: () => void): void
}

/** What a fault leaves behind where it bites; see `traceRow`. */
export type FaultTrace =
  | 'deaths'
  | 'limit-met'
  | 'tenant-limit-met'
  | 'key-refused'
  | 'handed-on'
  | 'broken-off'
  | 'slower'

/** One way to break a provider. */
export interface Drill {
  /** What it does, for the list. */
  readonly line: string
  readonly provider: DrilledProvider
  /** Whether the failures are those that a breaker counts. */
  readonly opensBreaker: boolean
  /** Whether streams are broken off after their first content, which nobody can mend. */
  readonly cutsStreams: boolean
  /** Whether children die, so that what they had counted is lost. */
  readonly losesCounts: boolean
  /** What shows that the fault was there at all. */
  readonly trace: FaultTrace
  readonly begin: (sabotage: Sabotage) => Promise<void>
  readonly end: (sabotage: Sabotage) => Promise<void>
  /** How long after the end of the fault calls may still be without its provider. */
  readonly recoveryMs: (sabotage: Sabotage) => number
}

const clear = (sabotage: Sabotage) => sabotage.script({ clear: true })

/** A fault of every call, in the words of the double. */
function always(
  fault: string,
  line: string,
  is: Partial<Pick<Drill, 'opensBreaker' | 'cutsStreams' | 'trace'>> = {},
): Drill {
  return {
    line,
    provider: 'openai',
    opensBreaker: false,
    cutsStreams: false,
    losesCounts: false,
    trace: 'handed-on',
    ...is,
    begin: (sabotage) => sabotage.script({ always: fault }),
    end: clear,
    recoveryMs: () => 0,
  }
}

function deadKey({ provider, config }: Sabotage, state: 'revoked' | 'active') {
  const name = config.providers[provider]?.credentials[0]?.name ?? ''
  return { key: `demo-${provider}-${name}`, state }
}

const minuteMs = 60_000

/** What is left of the limits under `throttle`: below the load, which is half of them. */
const throttledShare = 0.3

/**
 * Requests a minute that each key takes under `throttle`. OpenAI's of a whole minute can be used at
 * once: they are as few as run out in a quarter of the fault.
 */
function throttledRpm({ provider, config, rpm, rate, faultMs }: Sabotage): number {
  const share = Math.ceil(rpm * throttledShare)
  if (provider !== 'openai') return share
  const keys = config.providers[provider]?.credentials.length ?? 1
  return Math.min(share, Math.ceil((rate * faultMs) / 4_000 / keys))
}

export const drills: Readonly<Record<string, Drill>> = {
  kill: {
    ...always('', 'the provider’s process is killed, then its ambassador; both come back', {
      opensBreaker: true,
      cutsStreams: true,
      trace: 'deaths',
    }),
    losesCounts: true,
    async begin({ provider, kill, after, faultMs }) {
      kill(`${provider}-double`)
      after(faultMs / 2, () => kill(provider))
    },
    end: async () => {},
  },
  throttle: {
    ...always('', 'the account’s limits fall below the load, and nobody is told', {
      trace: 'limit-met',
    }),
    provider: 'anthropic',
    begin: (sabotage) => sabotage.script({ limits: { requestsPerMinute: throttledRpm(sabotage) } }),
    end: ({ script, rpm }) => script({ limits: { requestsPerMinute: rpm } }),
    // Only an answer tells of the new limit, and none comes before the old one is believed to have
    // room again: OpenAI says when it is full, a minute later.
    recoveryMs: ({ provider }) => (provider === 'openai' ? minuteMs : 0),
  },
  stall: always('stall=1', 'answers begin, but their first token never comes', {
    opensBreaker: true,
  }),
  flood: {
    ...always('', 'calls of class batch come ten times as often as the others', {
      trace: 'tenant-limit-met',
    }),
    // Its requests are counted by the second, so that the flood meets a limit.
    provider: 'azure',
    begin: async ({ flood }) => flood(10),
    end: async () => {},
  },
  fail: always('status=500', 'every call is answered with 500', { opensBreaker: true }),
  'dead-key': {
    ...always('', 'the first of the keys is refused with 401', { trace: 'key-refused' }),
    begin: (sabotage) => sabotage.script(deadKey(sabotage, 'revoked')),
    end: (sabotage) => sabotage.script(deadKey(sabotage, 'active')),
  },
  slow: always('first-event=800', 'every answer begins 0.8 s later', { trace: 'slower' }),
  reset: always('reset=6', 'connections are reset after the sixth event', {
    opensBreaker: true,
    cutsStreams: true,
    trace: 'broken-off',
  }),
  cut: always('cut=1500', 'answers end after 1,500 bytes, in the middle of an event', {
    opensBreaker: true,
    cutsStreams: true,
    trace: 'broken-off',
  }),
}
