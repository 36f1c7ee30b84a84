import type { Profile } from './profile.ts'

/** https://docs.anthropic.com/en/api/overview: keys go in x-api-key; version headers are the caller's. */
export const anthropic: Profile = {
  telemetryName: 'anthropic',
  authorization: (secret) => ['x-api-key', secret],
  // https://docs.anthropic.com/en/api/messages-count-tokens: free, with a limit of its own.
  counts: ['messages'],
  path: (base, dialectPath) => base + dialectPath,
}
