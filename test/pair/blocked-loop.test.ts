import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Half, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair
let directory: string

/** On SIGUSR2 the thread waits until the file is there, as a loop of code without an end would. */
function blocking(file: string): string {
  const code = `import { existsSync } from 'node:fs'
const pause = new Int32Array(new SharedArrayBuffer(4))
process.on('SIGUSR2', () => {
  while (!existsSync(${JSON.stringify(file)})) Atomics.wait(pause, 0, 0, 20)
})`
  return `--import data:text/javascript,${encodeURIComponent(code)}`
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'outrigger-blocked-'))
  provider = await startProvider()
  const diagnostics = { blockedAfter: '200ms' }
  pair = await startPair({
    provider: provider.port,
    ambassador: { diagnostics },
    sidecar: { diagnostics },
    environment: { NODE_OPTIONS: blocking(join(directory, 'go-on')) },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
  if (directory !== undefined) await rm(directory, { recursive: true })
})

async function live(half: Half, waitMs: number): Promise<number> {
  const { probesPort } = await half.line(({ msg }) => msg === 'ready')
  const signal = AbortSignal.timeout(waitMs)
  return (await fetch(`http://127.0.0.1:${Number(probesPort)}/livez`, { signal })).status
}

test('a half whose event loop is blocked leaves its liveness probe unanswered, and says why once it goes on', async () => {
  const halves = [pair.sidecar, pair.ambassador]
  const waitMs = 30_000
  for (const half of halves) assert.equal(await live(half, waitMs), 200)
  for (const half of halves) half.signal('SIGUSR2')
  // The kubelet waits a second; a probe that left before the signal came is asked once more.
  const unanswered = async (half: Half) => {
    for (;;) {
      const status = await live(half, 1_000).catch((error: Error) => error.name)
      if (status !== 200) return status
    }
  }
  assert.deepEqual(await Promise.all(halves.map(unanswered)), ['TimeoutError', 'TimeoutError'])
  await writeFile(join(directory, 'go-on'), '')
  for (const half of halves) {
    assert.equal(await live(half, waitMs), 200)
    const line = await half.line(({ msg }) => msg === 'the event loop was blocked')
    assert.ok(Number(line['blockedMs']) >= 200)
  }
})
