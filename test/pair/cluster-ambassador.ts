import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAmbassador } from '#ambassador/start.ts'
import { systemClock } from '#shared/call/clock.ts'
import { ambassadorSecrets } from '#shared/config/secrets.ts'
import { watchConfig } from '#shared/config/watch.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import { SigningCluster, type SigningKey } from '../ambassador/identity/signing-cluster.ts'
import { configOf, type Line, type PairOptions } from './harness.ts'

/** An ambassador in this process, whose callers prove themselves by a cluster's tokens. */
export interface ClusterAmbassador {
  readonly port: number
  readonly cluster: SigningCluster
  readonly lines: readonly Line[]
  /** The first `count` lines that `isIt` accepts, once they are there. */
  linesOf(isIt: (line: Line) => boolean, count?: number): Promise<readonly Line[]>
  page(
    path: '/readyz' | '/statusz' | '/fleet' | '/metrics',
  ): Promise<{ status: number; text: string }>
  close(): Promise<void>
}

/** Starts one in front of `options.provider`; `keys` sign for its cluster. */
export async function startClusterAmbassador(
  options: PairOptions,
  keys: readonly SigningKey[],
  tls?: string,
): Promise<ClusterAmbassador> {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-cluster-'))
  const file = join(directory, 'outrigger.yaml')
  const identity = { kind: 'kubernetes' }
  const ambassador = { identity, drain: { delay: 0, grace: 0 }, ...options.ambassador }
  await writeFile(file, JSON.stringify(configOf({ ...options, ambassador }, [])))
  const cluster = new SigningCluster(keys)
  const lines: Line[] = []
  const written = new EventEmitter()
  const destination = {
    write(text: string) {
      lines.push(JSON.parse(text))
      written.emit('line')
    },
  }
  const clock = systemClock
  const log = createLog({ level: 'info', half: 'ambassador', clock, destination })
  const config = watchConfig({
    file,
    secretsOf: ambassadorSecrets('pool'),
    environment: {},
    clock,
    log,
    watchDirectories: async () => ({ add() {}, async close() {} }),
  })
  const place = { host: 'localhost', port: 0, probesHost: '127.0.0.1', probesPort: 0, adminPort: 0 }
  const settings = { ...place, config: file, provider: 'pool', tls }
  const running = await startAmbassador({ settings, config, log, clock, cluster })
  const { port, probesPort, adminPort } = running.ports
  return {
    port,
    cluster,
    lines,
    async linesOf(isIt, count = 1) {
      for (;;) {
        const found = lines.filter(isIt)
        if (found.length >= count) return found.slice(0, count)
        await once(written, 'line')
      }
    },
    async page(path) {
      const from = path === '/statusz' ? adminPort : probesPort
      const response = await fetch(`http://127.0.0.1:${from}${path}`)
      return { status: response.status, text: await response.text() }
    },
    async close() {
      running.stop('SIGTERM')
      await running.ended
      await rm(directory, { recursive: true, force: true })
    },
  }
}
