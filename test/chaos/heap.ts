import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Half } from '../pair/harness.ts'

/** Environment of a half whose heap can be asked for: node's own inspector, on a free port. */
export const inspected = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

/** Open file descriptors of a half: idle connections are among them. */
export function descriptors(half: Half): number {
  return readdirSync(`/proc/${half.pid}/fd`).length
}

/** Waits until pooled connections have been closed: they are memory that is in use. */
export async function whenIdle(half: Half, descriptorsMax: number): Promise<void> {
  for (let round = 0; round < 600 && descriptors(half) > descriptorsMax; round++) await pause(50)
  assert.ok(descriptors(half) <= descriptorsMax, `${descriptors(half)} descriptors stay open`)
}

/**
 * Memory of a half in use after a collection, in bytes: its heap and what that holds outside of it,
 * such as buffers. The half must be {@link inspected}.
 */
export async function memoryUsed(half: Half): Promise<number> {
  const url = /Debugger listening on (ws:\S+)/.exec(half.output)?.[1]
  assert.ok(url !== undefined, 'the half was not started with the inspector')
  const socket = new WebSocket(url)
  await once(socket, 'open')
  let id = 0
  const ask = async (method: string, params: object = {}) => {
    const own = ++id
    socket.send(JSON.stringify({ id: own, method, params }))
    for (;;) {
      const [event] = (await once(socket, 'message')) as [MessageEvent]
      const answer = JSON.parse(String(event.data))
      if (answer.id === own) return answer.result
    }
  }
  // Twice, a turn apart: what finalizers let go is collected by the second.
  for (let round = 0; round < 2; round++) {
    await ask('HeapProfiler.collectGarbage')
    await pause(100)
  }
  const expression = '{ const { heapUsed, external } = process.memoryUsage(); heapUsed + external }'
  const { result } = await ask('Runtime.evaluate', { expression, returnByValue: true })
  socket.close()
  await once(socket, 'close')
  return Number(result.value)
}
