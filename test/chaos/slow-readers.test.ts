import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Half, startPair, startProvider } from '../pair/harness.ts'

const readers = 500
/** Per reader and half: what node, undici and one call may hold, with what the heap has grown. */
const bytesPerReader = 512 * 1024

/** Anonymous memory of a process, in bytes: what it holds itself, without mapped files. */
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
async function settled(halves: readonly Half[]): Promise<number[]> {
  let before = halves.map(() => 0)
  for (let round = 0; round < 60; round++) {
    await pause(250)
    const sizes = halves.map(anonymousBytes)
    if (sizes.every((size, at) => Math.abs(size - (before[at] ?? 0)) < 2 ** 20)) return sizes
    before = sizes
  }
  return before
}

test(`${readers} readers that read nothing cost a bounded memory in each half`, async () => {
  const provider = await startProvider({ runningMax: readers * 2, blocks: readers * 128 })
  const pair = await startPair({
    provider: provider.port,
    sidecar: { connectionsMax: readers * 2 },
    pool: { connectionsMax: readers * 2 },
  })
  const sockets: Socket[] = []
  try {
    const halves = [pair.sidecar, pair.ambassador]
    const idle = await settled(halves)
    for (let count = 0; count < readers; count++) sockets.push(await deafReader(pair.port))
    for (let round = 0; round < 400 && provider.calls().length < readers; round++) await pause(100)
    assert.equal(provider.calls().length, readers)
    const full = await settled(halves)
    full.forEach((bytes, at) => {
      process.stdout.write(
        `half ${at}: ${Math.round((bytes - (idle[at] ?? 0)) / readers / 1024)} KiB a reader\n`,
      )
      const grown = bytes - (idle[at] ?? 0)
      assert.ok(
        grown <= readers * bytesPerReader,
        `half ${at} grew by ${Math.round(grown / readers / 1024)} KiB a reader`,
      )
    })
  } finally {
    for (const socket of sockets) socket.destroy()
    await provider.whenIdle()
    await pair.close()
    await provider.close()
  }
})
