import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { readBody } from '#shared/http/body.ts'
import type { OriginOptions, Origins } from '#shared/http/client.ts'
import { isObject, type Json } from './json.ts'
import { idsOf } from './prompt-facts.ts'

/**
 * What one replica says are the tokens of a prompt, given in the words of its `/tokenize`. Undefined
 * where it refuses the prompt (400), as a template does. Rejects where it does not answer.
 */
export type Tokenize = (origin: string, question: Json) => Promise<Uint32Array | undefined>

interface TokenizeParts {
  readonly origins: Origins
  readonly clock: Clock
  readonly headers?: readonly string[]
}

/** An answer that comes later is of use to nobody; 1 MB of text takes a busy server 1 s. */
const patienceMs = 5_000
/** One million ids of six digits, and `token_strs` that nobody asked for. */
const answerBytesMax = 8 * 1024 * 1024

/** A few connections of their own: those of calls are not taken from them. */
export const tokenizeOptions: OriginOptions = {
  connectMs: 1_000,
  // Below the 5 s after which vLLM closes an idle connection.
  keepAliveMs: 4_000,
  connectionsMax: 4,
  headBytesMax: 16 * 1024,
}

/**
 * Asks `POST /tokenize` (vLLM 0.32: on by default, without keys, not counted by its admission). Rejects
 * with what an exchange rejects with, and `upstream-garbage` for an answer that holds no tokens.
 */
export function tokenizeOver({ origins, clock, headers = [] }: TokenizeParts): Tokenize {
  return async (origin, question) => {
    const response = await origins.exchange(
      {
        origin,
        method: 'POST',
        path: '/tokenize',
        headers: ['content-type', 'application/json', ...headers],
        body: Buffer.from(JSON.stringify(question)),
      },
      tokenizeOptions,
      {
        headMs: patienceMs,
        idleMs: patienceMs,
        cancellation: new Cancellation(),
        clock,
        peer: origin,
      },
    )
    const bytes = await readBody(response.body, answerBytesMax)
    if (response.status === 400) return undefined
    const ids = response.status === 200 ? readAnswer(bytes) : undefined
    if (ids !== undefined) return ids
    throw new CallError('upstream-garbage', 'Cannot tokenize: the replica gave no tokens', {
      status: response.status,
    })
  }
}

/** Ids of `{"count", "max_model_len", "tokens"}`; undefined for anything else. */
export function readAnswer(bytes: Buffer | undefined): Uint32Array | undefined {
  if (bytes === undefined) return undefined
  try {
    const answer: unknown = JSON.parse(bytes.toString())
    if (!isObject(answer)) return undefined
    const { tokens, count } = answer
    if (count === 0) return new Uint32Array(0)
    const ids = idsOf(tokens)
    return ids?.length === count ? ids : undefined
  } catch {
    // Whatever answered is no tokenizer.
    return undefined
  }
}
