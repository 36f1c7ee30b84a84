import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Plan } from './plan.ts'

/** Every port that the system listens on with `plan`, its first port first. */
export function portsOf(port: number, plan: Plan): number[] {
  return [
    port,
    port + 1,
    port + 2,
    ...plan.ambassadors.flatMap((one) => [one.port, one.port + 1, one.port + 2]),
    ...plan.replicas.map((replica) => replica.port),
    ...plan.doubles.map((double) => double.port),
  ]
}

/** Why `port` of 127.0.0.1 cannot be listened on, in words; undefined where it can. */
export async function whyUnusable(port: number): Promise<string | undefined> {
  const server = createServer()
  server.listen({ port, host: '127.0.0.1', exclusive: true })
  try {
    await once(server, 'listening')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'EADDRINUSE') return 'it is in use'
    return code === 'EACCES' ? 'this user may not' : code
  }
  server.close()
  await once(server, 'close')
  return undefined
}
