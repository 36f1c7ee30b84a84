import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Batch,
  type StepTime,
  scaled,
  stepTimes,
  withPrefillRate,
} from '#deploy/simulator/replica/step-time.ts'

const nothing: Batch = {
  decoding: 0,
  contextTokens: 0,
  activeShare: 0,
  chunks: 0,
  starts: [],
  tokens: [],
}
const totalMs = (time: StepTime, batch: Batch) => time.decodeMs(batch) + time.prefillMs(batch)

/** One chunk of `tokens` with `start` before it. */
const chunk = (start: number, tokens: number): Batch => ({
  ...nothing,
  chunks: 1,
  starts: [start],
  tokens: [tokens],
})

const isNear = (actual: number, expected: number) =>
  assert(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${actual} is not ${expected}`)

test('dynamo: a prompt alone takes the published law', () => {
  const n = 8_000
  isNear(totalMs(stepTimes.dynamo, chunk(0, n)), 4.209989e-7 * n * n + 1.518344e-2 * n + 16.50142)
})

test('dynamo: decoding depends on the share of blocks in use', () => {
  const at = (activeShare: number) =>
    totalMs(stepTimes.dynamo, { ...nothing, decoding: 3, activeShare })
  isNear(at(0), 5.74)
  isNear(at(0.5), -25.74 / 4 + 54.01 / 2 + 5.74)
  isNear(at(1), -25.74 + 54.01 + 5.74)
})

test('vllm-router: both laws as published, in seconds and thousands of tokens', () => {
  isNear(
    totalMs(stepTimes['vllm-router'], chunk(0, 4_000)),
    1_000 * (0.0660006 + 0.0570202 * 4 + 0.00440573 * 16),
  )
  isNear(
    totalMs(stepTimes['vllm-router'], { ...nothing, decoding: 20, contextTokens: 90_000 }),
    1_000 * (0.0106352 + 4.1928e-4 * 20 + 1.420458e-7 * 90_000),
  )
})

for (const name of ['dynamo', 'vllm-router'] as const) {
  test(`${name}: chunks add up to the whole, and what every step costs is paid once`, () => {
    const time = stepTimes[name]
    const fixed = time.prefillMs(chunk(0, 1e-9))
    const parts = [chunk(0, 3_000), chunk(3_000, 2_000), chunk(5_000, 1_000)]
    const sum = parts.reduce((ms, part) => ms + time.prefillMs(part) - fixed, 0)
    isNear(sum, time.prefillMs(chunk(0, 6_000)) - fixed)
    const mixed = { ...chunk(0, 3_000), decoding: 1, contextTokens: 10, activeShare: 0.1 }
    isNear(totalMs(time, mixed), time.decodeMs(mixed) + time.prefillMs(chunk(0, 3_000)) - fixed)
  })
}

test('preble, Mistral-7B: linear layers of the whole batch, attention by chunk, over 0.85', () => {
  const time = stepTimes['preble-mistral-7b-a100']
  const compute = (extended: number, length: number) =>
    0.12386358316396695 -
    7.45358651e-4 * extended +
    1.72022673e-3 * length +
    1.36265841e-6 * extended * length
  const linear = (tokens: number) => 0.05031337 * tokens + 5.505996896412796
  isNear(totalMs(time, chunk(1_000, 2_000)), (linear(2_000) + compute(2_000, 3_000)) / 0.85)
  isNear(totalMs(time, chunk(0, 300)), (linear(300) + 0.32) / 0.85)
  isNear(
    totalMs(time, { ...nothing, decoding: 60, contextTokens: 100_000 }),
    (8.96 + 1.86e-4 * 100_000 + 0.159) / 0.85,
  )
  // 60 sequences and 300 tokens of a prompt are 360 tokens for the linear layers.
  isNear(
    totalMs(time, { ...chunk(0, 300), decoding: 60, contextTokens: 100_000 }),
    (linear(360) + 0.32 + 1.86e-4 * 100_000 + 0.159) / 0.85,
  )
})

test('preble, Llama-3-70B: one prompt as published', () => {
  isNear(
    totalMs(stepTimes['preble-llama-3-70b-h100'], chunk(1_000, 2_000)),
    18.667 + 0.0798791 * 2_000 + 2.6853e-3 * 3_000 + 7.4434e-7 * 2_000 * 3_000,
  )
  isNear(
    totalMs(stepTimes['preble-llama-3-70b-a100'], chunk(1_000, 2_000)),
    28.931389307785594 + 0.182233431 * 2_000 + 4.00365142e-3 * 3_000 + 2.55050069e-6 * 6e6,
  )
})

test('a step that computes nothing takes no time', () => {
  for (const time of Object.values(stepTimes)) assert.equal(totalMs(time, nothing), 0)
})

test('each part has its own factor', () => {
  const mixed = { ...chunk(0, 3_000), decoding: 5, contextTokens: 50, activeShare: 0.3 }
  const time = scaled(stepTimes.dynamo, { prefill: 2, decode: 3 })
  isNear(time.prefillMs(mixed), 2 * stepTimes.dynamo.prefillMs(mixed))
  isNear(time.decodeMs(mixed), 3 * stepTimes.dynamo.decodeMs(mixed))
})

test('a prefill rate is that of one unloaded chunk', () => {
  // llm-d: 15,928 tokens/s for one chunk of 8,192.
  const time = withPrefillRate(stepTimes.dynamo, { promptTokens: 8_192, tokensPerSecond: 15_928 })
  isNear(totalMs(time, chunk(0, 8_192)), (8_192 / 15_928) * 1_000)
  const decode = { ...nothing, decoding: 5, activeShare: 0.3 }
  assert.equal(time.decodeMs(decode), stepTimes.dynamo.decodeMs(decode))
})
