import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Environment } from '#shared/config/secrets.ts'
import { CommandFailure, exits } from '../terminal/failure.ts'

/** Reaches `port` of a pod's own loopback at an address of this machine while `use` runs. */
export type Forward = <Value>(
  pod: { readonly namespace: string; readonly name: string },
  port: number,
  use: (address: string) => Promise<Value>,
) => Promise<Value>

interface Kubectl {
  readonly environment: Environment
  /** What tells kubectl which cluster is meant. */
  readonly flags: readonly string[]
}

/** By kubectl, which has the protocol and your rights. Throws `CommandFailure` where it cannot. */
export function forwardBy({ environment, flags }: Kubectl): Forward {
  return async (pod, port, use) => {
    const target = ['port-forward', '--namespace', pod.namespace, `pod/${pod.name}`, `:${port}`]
    const child = spawn('kubectl', [...flags, ...target], {
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1_000)
    })
    const ended = once(child, 'close').then(
      () => `kubectl ended: ${said.trim()}`,
      () => 'there is no kubectl on the PATH',
    )
    const lines = createInterface({ input: child.stdout })
    const opened = once(lines, 'line').then(([line]) => String(line))
    try {
      const line = await Promise.race([opened, ended])
      const local = /^Forwarding from (127\.0\.0\.1:\d+) /.exec(line)?.[1]
      if (local === undefined) throw unreachable(pod.name, line)
      return await use(local)
    } finally {
      lines.close()
      child.kill()
    }
  }
}

function unreachable(pod: string, why: string): CommandFailure {
  return new CommandFailure(`Cannot reach the admin port of pod '${pod}': ${why}.`, {
    exit: exits.unreachable,
    remedy: 'It takes kubectl, and the right to create pods/portforward in that namespace.',
  })
}
