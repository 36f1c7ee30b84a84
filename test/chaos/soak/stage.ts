import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildHalves } from '#test/bench/build-halves.ts'
import { heapArgs } from '#test/bench/heap.ts'
import { endWithThisProcess, type Half, startHalf } from '#test/bench/processes.ts'
import { plainProvider } from '#test/pair/bad-input-idle.ts'
import { configOf } from '#test/pair/harness.ts'

/** Both halves as they are shipped, in front of a light provider, each a process. */
export interface Stage {
  /** Where applications call. */
  readonly port: number
  /** Sidecar, ambassador. */
  readonly halves: readonly [Half, Half]
  /** Standard output and error of each, in the same order. */
  readonly logs: readonly [string, string]
  /** Of all files that the stage has. */
  readonly directory: string
  /** The provider ends, and nothing listens where it was. */
  endProvider(): Promise<void>
  end(): Promise<void>
}

/**
 * A stall is a fault like others: it must not take longer than the rest of the run. What is no fault
 * has to be answered within as much, beside other tests too.
 */
const timeouts = { connect: '5s', head: '1s', firstContent: '1s', idle: '1s' }

/** So that idle connections between the processes end soon after the last call. */
const keepAlive = '2s'

/** At once, in each half; beyond what {@link Stage} is asked for at a time. */
const connectionsMax = 512

/**
 * Starts the provider, then both halves. Faults are shown as they are after one retry: the breaker
 * never opens, or a run would be of refusals.
 */
export async function startStage(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-soak-'))
  const undos: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })]
  const end = async () => {
    for (const undo of undos.toReversed()) await undo()
  }
  try {
    const built = buildHalves(directory)
    const provider = await startProvider()
    undos.push(() => provider.end())
    const begin = async (half: Half['name'], address: readonly string[]) => {
      const config = join(directory, `${half}.json`)
      writeFileSync(config, JSON.stringify(configuration(provider.port, address)))
      const logFile = logOf(directory, half)
      const nodeArgs = heapArgs(directory)
      const started = await startHalf({ half, built, config, logFile, provider: 'pool', nodeArgs })
      undos.push(() => started.end())
      return started
    }
    const ambassador = await begin('ambassador', [])
    const sidecar = await begin('sidecar', [`127.0.0.1:${ambassador.port}`])
    return {
      port: sidecar.port,
      halves: [sidecar, ambassador],
      logs: [logOf(directory, 'sidecar'), logOf(directory, 'ambassador')],
      directory,
      endProvider: () => provider.end(),
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

function logOf(directory: string, half: string): string {
  return join(directory, `${half}.log`)
}

function configuration(provider: number, address: readonly string[]) {
  const shared = { connectionsMax, keepAlive }
  const pool = {
    ...plainProvider(provider),
    ...shared,
    timeouts,
    retry: { attempts: 2, base: '1ms' },
  }
  return configOf({ provider, pool, sidecar: shared }, address)
}

interface Provider {
  readonly port: number
  end(): Promise<void>
}

/** As fast as it can: the simulated vLLM server would take most of the machine for itself. */
async function startProvider(): Promise<Provider> {
  const main = join(import.meta.dirname, 'light-provider.ts')
  const child: ChildProcess = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  endWithThisProcess(child)
  assert.ok(child.stdout !== null)
  const [line] = await once(child.stdout, 'data')
  const ready: unknown = JSON.parse(String(line))
  assert.ok(typeof ready === 'object' && ready !== null && 'port' in ready)
  return {
    port: Number(ready.port),
    async end() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}
