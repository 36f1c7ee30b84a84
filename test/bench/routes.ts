import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNginx } from './nginx.ts'
import { type Half, type Process, startBareHop, startHalf, startMock } from './processes.ts'

/** A way from the load generator to the mock, and the processes in between. */
export interface Route {
  readonly name: 'direct' | 'bare' | 'pair' | 'nginx'
  readonly port: number
  readonly hops: readonly Process[]
}

export interface Routes {
  readonly routes: readonly Route[]
  /** Why a route is not there. */
  readonly skipped: readonly string[]
  readonly directory: string
  readonly mockPort: number
  end(): Promise<void>
}

/** Everything that is built and needs nothing outside: identities, credentials, log lines. */
function configText(mockPort: number, ambassadorPort: number): string {
  return `models:
  bench-model: { targets: [{ provider: bench, model: bench-model }] }
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
    baseUrl: http://127.0.0.1:${mockPort}/v1
    address: 127.0.0.1:${ambassadorPort}
    connectionsMax: 2048
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
  readonly mockPort: number
  readonly nodeArgs?: readonly string[]
}

let pairs = 0

/** Starts an ambassador, then the sidecar that knows its port. */
export async function startPair({ directory, mockPort, nodeArgs }: PairOptions): Promise<Pair> {
  const prefix = join(directory, `pair-${++pairs}`)
  const more = nodeArgs === undefined ? {} : { nodeArgs }
  // A directory per half: each watches its own, where a log would wake it with every write.
  for (const half of ['ambassador', 'sidecar']) mkdirSync(`${prefix}-${half}`, { recursive: true })
  writeFileSync(`${prefix}-ambassador/outrigger.yaml`, configText(mockPort, 4_100))
  const ambassador = await startHalf({
    half: 'ambassador',
    config: `${prefix}-ambassador/outrigger.yaml`,
    logFile: `${prefix}-ambassador.log`,
    ...more,
  })
  writeFileSync(`${prefix}-sidecar/outrigger.yaml`, configText(mockPort, ambassador.port))
  const sidecar = await startHalf({
    half: 'sidecar',
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

/** Starts the mock and every way to it. */
export async function startRoutes(): Promise<Routes> {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-bench-'))
  const mock = await startMock()
  const bare = await startBareHop(mock.port)
  const pair = await startPair({ directory, mockPort: mock.port })
  const routes: Route[] = [
    { name: 'direct', port: mock.port, hops: [] },
    { name: 'bare', port: bare.port, hops: [bare] },
    { name: 'pair', port: pair.sidecar.port, hops: [pair.sidecar, pair.ambassador] },
  ]
  const skipped: string[] = []
  const nginx = await startNginx(directory, mock.port)
  if (nginx === undefined) skipped.push('nginx: there is no /usr/sbin/nginx on this machine')
  else routes.push({ name: 'nginx', port: nginx.port, hops: [nginx] })
  return {
    routes,
    skipped,
    directory,
    mockPort: mock.port,
    async end() {
      await Promise.all([pair.end(), bare.end(), mock.end(), nginx?.end()])
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
