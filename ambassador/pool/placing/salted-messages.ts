import { CallError } from '#shared/errors/call-error.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { Prompt } from './prompt-of.ts'

export interface SaltedCall {
  readonly prompt: Prompt
  readonly context: AmbassadorCall
}

/**
 * Whether a call has a tenant's salt and goes to `/v1/messages`, where not every vLLM obeys one: the
 * others drop it without a word, and tenants would share a cache that was to be their own.
 */
export function isSaltedMessage({ prompt, context }: SaltedCall): boolean {
  const { surface } = context
  return (
    prompt.isTenantSalt === true && surface?.dialect === 'messages' && surface.wants !== 'count'
  )
}

/**
 * Whether a vLLM of this version, as `/version` says, obeys `cache_salt` on `/v1/messages`: 0.27.0 is
 * the first (entrypoints/anthropic/serving.py in the wheels of 0.26.0 and 0.27.0). Of a version that is
 * not known, or was built between two, that is not known.
 */
export function saltsMessages(version: string | undefined): boolean {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)(?:$|[+.]|rc)/.exec(version ?? '') ?? []
  if (major === undefined || patch === undefined) return false
  const isEarly = /^0\.27\.0\.?(?:rc|dev)/.test(version ?? '')
  return Number(major) > 0 || (Number(minor) >= 27 && !isEarly)
}

/** Told where no replica may have such a call. */
export function noSalting(): CallError {
  const why = 'no replica says that it is a vLLM of 0.27 or later, which keep tenants apart there'
  return new CallError('no-healthy-replica', `Cannot serve /v1/messages with cacheSalt: ${why}`)
}
