import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { dial, question, questions } from '../client.ts'
import { callOf, type Half, type Pair, type Provider } from '../harness.ts'

/** Ends what was begun, and waits until it is no longer counted. */
type Release = () => Promise<void>

/** Keeps `count` calls of `bytes` each in flight at the sidecar, whose provider never answers. */
export async function askForever(
  { pair, provider }: { readonly pair: Pair; readonly provider: Provider },
  { count, bytes }: { readonly count: number; readonly bytes: number },
): Promise<Release> {
  // A caller that sent its body too slowly is heard out for a while before its connection is closed.
  await untilInFlight(pair.sidecar, 0)
  const end = new AbortController()
  const ids = Array.from({ length: count }, () => {
    const messages = [{ role: 'user', content: 'x'.repeat(bytes) }]
    const asked = question('chat', { fault: 'stall-head', body: { messages } })
    const { signal } = end
    const headers = { ...asked.headers, 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(asked.body), signal }
    fetch(`http://127.0.0.1:${pair.port}${asked.path}`, init).then(
      () => assert.fail('a call that is held was answered'),
      // Ended by `end` alone.
      () => undefined,
    )
    return asked.id
  })
  await until(() => ids.every((id) => callOf(provider, id) !== undefined))
  return async () => {
    end.abort()
    await untilInFlight(pair.sidecar, 0)
  }
}

/** Keeps `count` calls in flight at `half`, of which `bytes` each have come and one is missing. */
export async function uploadForever(
  half: Half,
  { count, bytes }: { readonly count: number; readonly bytes: number },
): Promise<Release> {
  const sockets = await Promise.all(Array.from({ length: count }, () => dial(half.port)))
  const head = `POST ${questions.chat.path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes + 1}`
  for (const socket of sockets) socket.write(`${head}\r\n\r\n${'x'.repeat(bytes)}`)
  await untilInFlight(half, count)
  const held = /^outrigger_ambassador_body_bytes_held (\d+)/m
  await until(async () => {
    const { text } = await half.page('/metrics')
    return Number(held.exec(text)?.[1]) === count * bytes
  })
  return async () => {
    for (const socket of sockets) socket.destroy()
    await untilInFlight(half, 0)
  }
}

/** Waits until `half` counts so many calls. */
export function untilInFlight(half: Half, count: number): Promise<void> {
  return untilStatus(half, 'callsInFlight', count)
}

/** Waits until the status page of `half` says so. */
export function untilStatus(half: Half, key: string, value: unknown): Promise<void> {
  return until(async () => JSON.parse((await half.page('/statusz')).text)[key] === value)
}

/** Looks again and again; a condition that never comes is ended by the runner's own limit. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setImmediate()
}
