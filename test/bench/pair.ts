import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Half, startHalf } from './processes.ts'

/**
 * Everything that is built and needs nothing outside: identities, credentials, log lines. The
 * provider speaks all dialects, since calls of each are cancelled.
 */
function configText(providerPort: number, ambassadorPort: number): string {
  return `models:
  bench-model: { targets: [{ provider: bench, model: gpt-4o }] }
sidecar:
  secret: BENCH_SECRET
  connectionsMax: 2048
ambassador:
  identity:
    kind: shared-secret
    secrets: [{ tenant: bench, secret: BENCH_SECRET }]
  drain: { delay: 0, grace: 1s }
providers:
  bench:
    kind: openai-compatible
    baseUrl: http://127.0.0.1:${providerPort}/v1
    address: 127.0.0.1:${ambassadorPort}
    connectionsMax: 2048
    dialects: [chat, completions, embeddings, messages]
    credentials: [{ name: main, secret: BENCH_KEY }]
tenants:
  bench: { models: [bench-model] }
`
}

export interface Pair {
  readonly sidecar: Half
  readonly ambassador: Half
  end(): Promise<void>
}

export interface PairOptions {
  readonly directory: string
  /** Where the bundles of both halves are. */
  readonly built: string
  readonly providerPort: number
  readonly nodeArgs?: readonly string[]
}

let pairs = 0

/** Starts an ambassador, then the sidecar that knows its port. */
export async function startPair(options: PairOptions): Promise<Pair> {
  const { directory, built, providerPort, nodeArgs } = options
  const prefix = join(directory, `pair-${++pairs}`)
  const more = nodeArgs === undefined ? {} : { nodeArgs }
  // A directory per half: each watches its own, where a log would wake it with every write.
  for (const half of ['ambassador', 'sidecar']) mkdirSync(`${prefix}-${half}`, { recursive: true })
  writeFileSync(`${prefix}-ambassador/outrigger.yaml`, configText(providerPort, 4_100))
  const ambassador = await startHalf({
    half: 'ambassador',
    built,
    config: `${prefix}-ambassador/outrigger.yaml`,
    logFile: `${prefix}-ambassador.log`,
    ...more,
  })
  writeFileSync(`${prefix}-sidecar/outrigger.yaml`, configText(providerPort, ambassador.port))
  const sidecar = await startHalf({
    half: 'sidecar',
    built,
    config: `${prefix}-sidecar/outrigger.yaml`,
    logFile: `${prefix}-sidecar.log`,
    ...more,
  })
  return {
    sidecar,
    ambassador,
    async end() {
      await Promise.all([sidecar.end(), ambassador.end()])
    },
  }
}
