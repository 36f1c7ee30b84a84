import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildHalves } from './build-halves.ts'
import { startNginx } from './nginx.ts'
import { type Pair, startPair } from './pair.ts'
import { type Process, startBareHop, startMock } from './processes.ts'

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
  /** Where the bundles of both halves are. */
  readonly built: string
  readonly mockPort: number
  end(): Promise<void>
}

export function bareRoute(bare: Process): Route {
  return { name: 'bare', port: bare.port, hops: [bare] }
}

export function pairRoute({ sidecar, ambassador }: Pair): Route {
  return { name: 'pair', port: sidecar.port, hops: [sidecar, ambassador] }
}

/** Starts the mock and every way to it. */
export async function startRoutes(): Promise<Routes> {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-bench-'))
  // Access lines of a whole run are hundreds of megabytes: they go even where it is broken off.
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const built = buildHalves(directory)
  const mock = await startMock()
  const bare = await startBareHop(mock.port)
  const pair = await startPair({ directory, built, providerPort: mock.port })
  const routes: Route[] = [
    { name: 'direct', port: mock.port, hops: [] },
    bareRoute(bare),
    pairRoute(pair),
  ]
  const nginx = await startNginx(directory, mock.port)
  const isMissing = typeof nginx === 'string'
  if (!isMissing) routes.push({ name: 'nginx', port: nginx.port, hops: [nginx] })
  return {
    routes,
    skipped: isMissing ? [`nginx: ${nginx}`] : [],
    directory,
    built,
    mockPort: mock.port,
    async end() {
      await Promise.all([pair.end(), bare.end(), mock.end()])
      if (!isMissing) await nginx.end()
    },
  }
}
