import type { Profile } from './profile.ts'

/** https://platform.openai.com/docs/api-reference: the base URL ends with /v1. */
export const openai: Profile = {
  telemetryName: 'openai',
  authorization: (secret) => ['authorization', `Bearer ${secret}`],
  // https://platform.openai.com/docs/api-reference/responses/input-tokens
  counts: ['responses'],
  path: (base, dialectPath) => base + dialectPath.replace(/^\/v1/, ''),
}

/** Any server with OpenAI's paths below its base URL. */
export const openaiCompatible: Profile = {
  ...openai,
  telemetryName: 'openai_compatible',
  counts: [],
}
