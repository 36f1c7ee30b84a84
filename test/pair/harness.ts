import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { CallRecord } from '#deploy/simulator/call-log.ts'
import type { ReplicaOptions } from '#deploy/simulator/options.ts'
import { type Replica, startReplica } from '#deploy/simulator/server.ts'
import { startable } from '#test/built.ts'

/** The provider of the tests: one simulated server that serves `tiny` as fast as it is read. */
export type Provider = Replica

export function startProvider(given: Partial<ReplicaOptions> = {}): Promise<Provider> {
  const quick = { prefillMs: 0, prefillTokenMs: 0, tokenMs: 0, contextTokensMax: 2_048 }
  return startReplica({ ...quick, model: 'tiny', ...given })
}

/** The call that carried `x-request-id: id` to `provider`. */
export function callOf(provider: Provider, id: string): CallRecord | undefined {
  return provider.calls().find(({ headers }) => headers['x-request-id'] === id)
}

export type Line = Readonly<Record<string, unknown>>
type Json = Readonly<Record<string, unknown>>

/** What one configuration file says, top level; merged key by key over the harness's own. */
export interface PairOptions {
  /** Port of the provider. */
  readonly provider: number
  readonly ambassador?: Json
  readonly sidecar?: Json
  /** Of the provider `pool`: timeouts, commit, and so on. */
  readonly pool?: Json
  readonly models?: Json
  readonly tenants?: Json
  readonly classes?: readonly string[]
  /** More providers, as the sidecar sees them. */
  readonly providers?: Json
  readonly environment?: Readonly<Record<string, string>>
  /** Further words of their command lines. */
  readonly flags?: Partial<Readonly<Record<HalfName, readonly string[]>>>
}

/** Both halves as real processes in front of one provider. */
export interface Pair {
  /** Where applications call. */
  readonly port: number
  readonly sidecar: Half
  readonly ambassador: Half
  /** Both access lines of the call with this id. */
  linesOf(call: string): Promise<{ sidecar: Line; ambassador: Line }>
  close(): Promise<void>
}

export const alias = { targets: [{ provider: 'pool', model: 'tiny' }] }

export async function startPair(options: PairOptions): Promise<Pair> {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-pair-'))
  const halves: Half[] = []
  const close = async () => {
    await Promise.all(halves.map((half) => half.kill()))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const start = async (name: HalfName, address: readonly string[]) => {
      const file = join(directory, `${name}.yaml`)
      await writeFile(file, JSON.stringify(configOf(options, address)))
      const half = new Half(name, file, options.environment ?? {}, options.flags?.[name])
      halves.push(half)
      await half.whenReady()
      return half
    }
    const ambassador = await start('ambassador', [])
    const sidecar = await start('sidecar', [`127.0.0.1:${ambassador.port}`])
    const linesOf = async (call: string) => ({
      sidecar: await sidecar.line((line) => line['msg'] === 'call' && line['call'] === call),
      ambassador: await ambassador.line((line) => line['msg'] === 'call' && line['call'] === call),
    })
    return { port: sidecar.port, sidecar, ambassador, linesOf, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The configuration that the harness writes for one half. */
export function configOf(options: PairOptions, address: readonly string[]): Json {
  const pool = {
    kind: 'vllm',
    replicas: { addresses: [`http://127.0.0.1:${options.provider}`] },
    ...(address.length > 0 ? { address } : {}),
    // Each failure is seen as it is: tests of retries and breakers say so.
    retry: { attempts: 1 },
    breaker: { failures: 10_000, volume: 1_000_000 },
    ...options.pool,
  }
  return {
    models: { tiny: alias, assistant: alias, ...options.models },
    providers: { pool, ...options.providers },
    sidecar: { drain: { grace: '5s' }, ...options.sidecar },
    ambassador: {
      identity: { kind: 'open', tenant: 'local' },
      drain: { delay: 0, grace: '5s' },
      ...options.ambassador,
    },
    ...(options.tenants === undefined ? {} : { tenants: options.tenants }),
    ...(options.classes === undefined ? {} : { classes: options.classes }),
  }
}

type HalfName = 'sidecar' | 'ambassador'

const live = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of live) child.kill('SIGKILL')
})

/** One half, running. Its log is kept, line by line. */
export class Half {
  readonly file: string
  readonly lines: Line[] = []
  /** All it wrote, as it came. */
  output = ''
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown[]>
  #waiters: (() => void)[] = []
  #hasEnded = false
  #ready: Line = {}

  constructor(
    name: HalfName,
    file: string,
    environment: Readonly<Record<string, string>>,
    flags: readonly string[] = [],
  ) {
    this.file = file
    const places = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0']
    const probes = ['--probes-host', '127.0.0.1', '--probes-port', '0']
    const own = name === 'ambassador' ? ['--provider', 'pool'] : []
    const source = new URL(`../../${name}/main.ts`, import.meta.url).pathname
    const main = startable(name, source)
    this.#child = spawn(
      process.execPath,
      [main.path, '--config', file, ...places, ...probes, ...own, ...flags],
      {
        env: { ...process.env, ...main.environment, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    live.add(this.#child)
    this.#exit = once(this.#child, 'exit')
    this.#read()
  }

  get port(): number {
    return Number(this.#ready['port'])
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Lines so far: a place to look from. */
  get mark(): number {
    return this.lines.length
  }

  async whenReady(): Promise<void> {
    this.#ready = await this.line((line) => line['msg'] === 'ready')
  }

  /** The first line from `from` on that `isIt` accepts, once it is there. */
  async line(isIt: (line: Line) => boolean, from = 0): Promise<Line> {
    for (let at = from; ; at++) {
      while (at >= this.lines.length) {
        assert.ok(!this.#hasEnded, `the process ended before its line came:\n${this.output}`)
        await new Promise<void>((resolve) => this.#waiters.push(resolve))
      }
      const line = this.lines[at]
      if (line !== undefined && isIt(line)) return line
    }
  }

  /** The first access line of a call that began at `sinceMs` or later, by the wall clock. */
  call(sinceMs: number): Promise<Line> {
    return this.line((line) => line['msg'] === 'call' && begunMs(line) >= sinceMs)
  }

  /** A page of the probes' port (`/metrics`, `/readyz`) or of the loopback's (`/configz`). */
  async page(path: string): Promise<{ status: number; text: string }> {
    const isAdmin = ['/configz', '/statusz', '/explain'].includes(path.split('?')[0] ?? '')
    const port = Number(this.#ready[isAdmin ? 'adminPort' : 'probesPort'])
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text() }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Its exit code, once it has ended. */
  async exited(): Promise<unknown> {
    const [code] = await this.#exit
    return code
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exit
    live.delete(this.#child)
  }

  #read(): void {
    const { stdout, stderr } = this.#child
    assert.ok(stdout !== null && stderr !== null)
    stderr.on('data', (chunk: Buffer) => {
      this.output += chunk.toString()
    })
    const reader = createInterface({ input: stdout })
    reader.on('line', (text) => {
      this.output += `${text}\n`
      this.lines.push(JSON.parse(text))
      this.#wake()
    })
    reader.on('close', () => {
      this.#hasEnded = true
      this.#wake()
    })
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }
}

/** A call's id begins with its time (RFC 9562): of two lines the one of the earlier call may come later. */
function begunMs(line: Line): number {
  return Number.parseInt(String(line['call']).replace('-', '').slice(0, 12), 16)
}

/** Below those that systems give out by themselves: nobody else's server gets one of these. */
const ownPorts = { first: 20_000, count: 10_000 } as const

/** A port on which nothing listens, and nothing will by chance. */
export async function closedPort(): Promise<number> {
  const port = ownPorts.first + Math.floor(Math.random() * ownPorts.count)
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    // Somebody has this one.
    return closedPort()
  }
  server.close()
  await once(server, 'close')
  return port
}
