import type { Dialect } from './provider-schema.ts'

/** What an `openai-compatible` provider is without further words. */
export interface Preset {
  readonly baseUrl: string
  /** Those that are known to be there; `dialects` may say more. */
  readonly dialects: readonly Dialect[]
  /** Whether its own address refuses calls without a key. */
  readonly needsKey: boolean
}

export const presetNames = [
  'groq',
  'deepseek',
  'xai',
  'mistral',
  'openrouter',
  'ollama',
  'nim',
] as const
export type PresetName = (typeof presetNames)[number]

/** Addresses and dialects of known providers; their sources stand in `ambassador/providers/`. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  groq: {
    baseUrl: 'https://api.groq.com/openai/v1',
    dialects: ['chat', 'responses'],
    needsKey: true,
  },
  deepseek: {
    baseUrl: 'https://api.deepseek.com',
    dialects: ['chat', 'messages'],
    needsKey: true,
  },
  xai: { baseUrl: 'https://api.x.ai/v1', dialects: ['chat', 'responses'], needsKey: true },
  mistral: {
    baseUrl: 'https://api.mistral.ai/v1',
    dialects: ['chat', 'embeddings'],
    needsKey: true,
  },
  openrouter: {
    baseUrl: 'https://openrouter.ai/api/v1',
    dialects: ['chat', 'messages', 'responses'],
    needsKey: true,
  },
  ollama: {
    baseUrl: 'http://localhost:11434/v1',
    dialects: ['chat', 'completions', 'embeddings', 'messages', 'responses'],
    needsKey: false,
  },
  nim: {
    baseUrl: 'https://integrate.api.nvidia.com/v1',
    dialects: ['chat', 'completions', 'embeddings'],
    needsKey: true,
  },
}
