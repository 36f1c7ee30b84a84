import type { Profile } from './profile.ts'

/** A vLLM server: it speaks both families on the usual paths; `--api-key` is a bearer token. */
export const vllm: Profile = {
  telemetryName: 'vllm',
  authorization: (secret) => ['authorization', `Bearer ${secret}`],
  counts: ['messages'],
  path: (base, dialectPath) => base + dialectPath,
}
