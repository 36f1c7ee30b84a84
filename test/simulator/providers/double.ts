import type { TestContext } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI, { AzureOpenAI } from 'openai'
import type { Clock } from '#deploy/simulator/clock.ts'
import { type ProviderDouble, startProvider } from '#deploy/simulator/providers/provider.ts'
import type { ProviderOptions } from '#deploy/simulator/providers/provider-options.ts'

/** A clock that stands at 2026-01-01 until it is moved; what waits on it is done at once. */
export function stillClock() {
  let nowMs = 0
  const delays: number[] = []
  const clock: Clock = {
    nowMs: () => nowMs,
    unixSeconds: () => 1_767_225_600,
    after(delayMs, action) {
      delays.push(delayMs)
      const immediate = setImmediate(action)
      return () => clearImmediate(immediate)
    },
  }
  const advance = (ms: number) => {
    nowMs += ms
  }
  return { clock, advance, delays }
}

/** A double that answers at once, on a clock that stands, closed after the test. */
export async function double(
  test: TestContext,
  given: Partial<ProviderOptions> = {},
): Promise<ProviderDouble> {
  const { clock } = stillClock()
  const common = { keys: ['good'], models: ['large', 'small'], clock }
  const provider = await startProvider({ ...common, ...given })
  test.after(() => provider.close())
  return provider
}

/** OpenAI's own client; no retries, so that each test sees the first answer. */
export function openai({ origin }: ProviderDouble, apiKey = 'good'): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${origin}/v1`, maxRetries: 0 })
}

export function anthropic({ origin }: ProviderDouble, apiKey = 'good'): Anthropic {
  return new Anthropic({ apiKey, baseURL: origin, maxRetries: 0 })
}

export function azure({ origin }: ProviderDouble, apiKey = 'good'): AzureOpenAI {
  return new AzureOpenAI({ apiKey, endpoint: origin, apiVersion: '2024-10-21', maxRetries: 0 })
}

/** Azure's newer surface, without versions and deployments. */
export function azureV1({ origin }: ProviderDouble, apiKey = 'good'): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${origin}/openai/v1`, maxRetries: 0 })
}

export const messages = [{ role: 'user' as const, content: 'hello' }]
export const asked = { model: 'large', messages, max_tokens: 5 }
