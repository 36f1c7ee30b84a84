import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Half, startPair, startProvider } from '../pair/harness.ts'
import { inspected, memoryUsed } from './heap.ts'

const readers = 500
/** Per reader and half: two of node's own high-water marks of 64 KiB, and what a call is otherwise. */
const bytesPerReader = (2 * 64 + 32) * 1024

/** Anonymous memory of a process, in bytes: with what its allocators keep for the next calls. */
function anonymousBytes(half: Half): number {
  const text = readFileSync(`/proc/${half.pid}/smaps_rollup`, 'utf8')
  return Number(/^Anonymous:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024
}

async function deafReader(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.pause()
  const body = JSON.stringify({
    model: 'tiny',
    stream: true,
    messages: [{ role: 'user', content: 'flood' }],
  })
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-sim-fault: flood\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  return socket
}

/** Waits until neither half grows any more: what was going to be buffered is. */
async function settled(halves: readonly Half[]): Promise<void> {
  let before = halves.map(() => 0)
  for (let round = 0; round < 60; round++) {
    await pause(250)
    const sizes = halves.map(anonymousBytes)
    if (sizes.every((size, at) => Math.abs(size - (before[at] ?? 0)) < 2 ** 20)) return
    before = sizes
  }
}

/** What both halves hold, in bytes. */
async function held(halves: readonly Half[]) {
  await settled(halves)
  return Promise.all(
    halves.map(async (half) => ({
      used: await memoryUsed(half),
      anonymous: anonymousBytes(half),
    })),
  )
}

test(`${readers} readers that read nothing cost a bounded memory in each half`, async () => {
  const provider = await startProvider({ runningMax: readers * 2, blocks: readers * 128 })
  const pair = await startPair({
    provider: provider.port,
    sidecar: { connectionsMax: readers * 2 },
    pool: { connectionsMax: readers * 2 },
    environment: inspected,
  })
  const sockets: Socket[] = []
  try {
    const halves = [pair.sidecar, pair.ambassador]
    const idle = await held(halves)
    for (let count = 0; count < readers; count++) sockets.push(await deafReader(pair.port))
    for (let round = 0; round < 400 && provider.calls().length < readers; round++) await pause(100)
    assert.equal(provider.calls().length, readers)
    for (const [at, { used, anonymous }] of (await held(halves)).entries()) {
      const kib = (now: number, before = 0) => Math.round((now - before) / readers / 1024)
      const [inUse, mapped] = [kib(used, idle[at]?.used), kib(anonymous, idle[at]?.anonymous)]
      process.stdout.write(`half ${at}: ${inUse} KiB a reader in use, ${mapped} mapped\n`)
      assert.ok(inUse <= bytesPerReader / 1024, `half ${at} holds ${inUse} KiB a reader`)
    }
  } finally {
    for (const socket of sockets) socket.destroy()
    await provider.whenIdle()
    await pair.close()
    await provider.close()
  }
})
