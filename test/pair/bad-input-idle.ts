import assert from 'node:assert/strict'
import type { Half, Pair } from './harness.ts'

const gauge = /^outrigger_(?:sidecar_|ambassador_)?calls_in_flight(?:\{[^}]*\})? (\d+)$/m
const bytesHeld = /^outrigger_(?:sidecar_|ambassador_)?body_bytes_held(?:\{[^}]*\})? (\d+)$/m

/** Asked once more for each round trip to the half; an aborted call ends a moment after its caller. */
const roundsMax = 2_000

/** Waits until `half` counts no call in flight, and holds no byte of a body. */
async function isIdleHalf(half: Half): Promise<void> {
  let last = 'nothing'
  for (let round = 0; round < roundsMax; round++) {
    const { text } = await half.page('/metrics')
    const calls = gauge.exec(text)?.[1]
    const bytes = bytesHeld.exec(text)?.[1] ?? '0'
    if (calls === '0' && bytes === '0') return
    last = `${calls} calls and ${bytes} bytes of bodies`
  }
  assert.fail(`${last} stay in flight`)
}

/** Waits until neither half has a call in flight; fails where one keeps it. */
export async function isIdle({ sidecar, ambassador }: Pair): Promise<void> {
  await Promise.all([isIdleHalf(sidecar), isIdleHalf(ambassador)])
}

/**
 * The harness's provider as one that is no pool: a replica that is asked for its health too seldom on a
 * busy machine would be taken out, and every odd question be answered with that.
 */
export function plainProvider(port: number): Readonly<Record<string, unknown>> {
  return {
    kind: 'openai-compatible',
    baseUrl: `http://127.0.0.1:${port}/v1`,
    dialects: ['chat', 'completions', 'embeddings', 'messages', 'responses'],
    replicas: undefined,
  }
}
