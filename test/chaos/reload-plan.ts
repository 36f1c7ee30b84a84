type Json = Readonly<Record<string, unknown>>

/** What every configuration of the plan names; ports and addresses are those of the test. */
export interface Places {
  /** Origins of the two replicas. */
  readonly replicas: readonly [string, string]
  /** Addresses of the two ambassadors. */
  readonly ambassadors: readonly [string, string]
}

/** One reload: what is written, and what must come of it. */
export interface Reload {
  readonly text: string
  /** Path that configz names; undefined where the file is valid, empty for a file that is no YAML. */
  readonly badPath: string | undefined
}

/** Entries that nobody asks for: a snapshot that is kept alive by mistake weighs something. */
const ballast = Object.fromEntries(
  Array.from({ length: 100 }, (_, at) => [
    `unused-${at}`,
    { targets: [{ provider: 'pool', model: `unused-${at}` }] },
  ]),
)

/** The value of turn `at` in a round of `values`. */
function pick<Value>(at: number, values: readonly [Value, ...Value[]]): Value {
  return values[at % values.length] ?? values[0]
}

/**
 * Configuration `at`: targets, replicas and addresses come and go, limits and timeouts change. Model
 * `reload-AT` is in this one only, in both halves, so a call that asks for it shows who has read it.
 */
export function configuration(at: number, { replicas, ambassadors }: Places): Json {
  const [first, second] = replicas
  const [near, far] = ambassadors
  const timeouts = { connect: pick(at, ['2s', '1s']), idle: pick(at, ['60s', '30s', '45s']) }
  const pool = {
    kind: 'vllm',
    keepAlive: '1s',
    address: pick(at, [[near, far], [near], [far]]),
    replicas: { addresses: pick(at, [[first, second], [first], [second], [second, first]]) },
    connectionsMax: 300 + at,
    timeouts: { ...timeouts, head: `${100 + at}s`, firstContent: `${60 + at}s` },
    commit: { holdBytes: pick(at, ['64KiB', '1KiB', '8KiB']), keepAlive: pick(at, ['15s', '5s']) },
  }
  const visitor = { kind: 'vllm', replicas: { addresses: [first] }, address: far }
  const hasVisitor = at % 2 === 1
  return {
    models: {
      tiny: { targets: [{ provider: 'pool', model: 'tiny' }] },
      ...ballast,
      [`reload-${at}`]: { targets: [{ provider: 'pool', model: `tiny-${at}` }] },
      ...(hasVisitor ? { guest: { targets: [{ provider: 'visitor', model: 'guest' }] } } : {}),
    },
    providers: { pool, ...(hasVisitor ? { visitor } : {}) },
    sidecar: {
      keepAlive: '1s',
      connectionsMax: 400 + at,
      // A stream that took it over would be cut: it has lived for longer.
      deadline: pick(at, ['10m', '2s', '30s']),
      idle: pick(at, ['60s', '30s']),
      connectTimeout: pick(at, ['1s', '2s']),
      bodyMax: `${1 + (at % 7)}MiB`,
      headMax: pick(at, ['16KiB', '8KiB']),
      callsMax: pick(at, [4_096, 210, 1_000]),
    },
    ambassador: {
      identity: { kind: 'open', tenant: 'local' },
      keepAlive: pick(at, ['75s', '5s']),
      deadlineMax: pick(at, ['30m', '3s']),
      bodyTimeout: pick(at, ['30s', '10s']),
      callsMax: pick(at, [1_000, 4_096, 210]),
    },
    tenants: { local: { models: ['tiny', `reload-${at}`] } },
  }
}

/** Every way of being wrong: type, unit, unknown key, a name that is not there, no YAML at all. */
const mistakes: readonly (readonly [string, (config: Json) => Json])[] = [
  ['models.broken.targets', (config) => within(config, 'models', { broken: { targets: 'tiny' } })],
  ['sidecar.deadline', (config) => within(config, 'sidecar', { deadline: 10 })],
  ['ambassador.callMax', (config) => within(config, 'ambassador', { callMax: 7 })],
  [
    'models.lost.targets[0].provider',
    (config) => within(config, 'models', { lost: { targets: [{ provider: 'no', model: 'x' }] } }),
  ],
]

function within(config: Json, group: string, more: Json): Json {
  const before = config[group]
  return { ...config, [group]: { ...(typeof before === 'object' ? before : {}), ...more } }
}

/** `count` reloads, one in five of them invalid. */
export function planReloads(count: number, places: Places): Reload[] {
  return Array.from({ length: count }, (_, at) => {
    const config = configuration(at, places)
    if (at % 5 !== 4) return { text: JSON.stringify(config), badPath: undefined }
    const turn = Math.floor(at / 5) % (mistakes.length + 1)
    const mistake = mistakes[turn]
    if (mistake === undefined) return { text: JSON.stringify(config).slice(0, -9), badPath: '' }
    const [badPath, spoil] = mistake
    return { text: JSON.stringify(spoil(config)), badPath }
  })
}
