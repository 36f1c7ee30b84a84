import { elements, type Fields } from './narrow.ts'
import type { ReplicaOptions } from './options.ts'
import { hash32, pseudoRandom } from './pseudo-random.ts'
import { readAdapter, readPrompt } from './question.ts'
import { badRequest } from './refusal.ts'
import { tokenId, tokenize } from './tokens.ts'

/** The answer of a surface that generates nothing. */
export interface SurfaceAnswer {
  readonly body: string
  /** Tokens the engine must compute before the answer goes out; null for none. */
  readonly prompt: readonly string[] | null
}

/** What these surfaces need of a call. */
export interface SurfaceContext {
  readonly options: ReplicaOptions
  readonly requestId: string
}

/** POST paths answered here. */
export const surfacePaths: ReadonlySet<string> = new Set([
  '/v1/embeddings',
  '/tokenize',
  '/v1/messages/count_tokens',
])

/** Answers `path`, or null where it is none of `surfacePaths`. Errors: `Refusal`. */
export function surfaceAnswer(
  path: string,
  body: Fields,
  context: SurfaceContext,
): SurfaceAnswer | null {
  if (!surfacePaths.has(path)) return null
  const adapter = readAdapter(body, context.options)
  if (path === '/v1/embeddings') {
    const { model } = context.options
    return embeddings(body, { ...context, model: adapter === '' ? model : adapter })
  }
  if (path === '/tokenize') return { body: tokenized(body, context.options), prompt: null }
  const counted = readPrompt('messages', body).length
  const management = { original_input_tokens: counted }
  return {
    body: JSON.stringify({ input_tokens: counted, context_management: management }),
    prompt: null,
  }
}

function tokenized(body: Fields, options: ReplicaOptions): string {
  const tokens = readPrompt(body['messages'] === undefined ? 'completions' : 'chat', body)
  return JSON.stringify({
    count: tokens.length,
    max_model_len: options.contextTokensMax,
    tokens: tokens.map(tokenId),
    token_strs:
      body['return_token_strs'] === true ? tokens.map((token) => token.replaceAll(' ', 'Ġ')) : null,
  })
}

const dimensionsDefault = 384
const dimensionsMax = 4_096
const inputsMax = 2_048

interface EmbeddingContext extends SurfaceContext {
  readonly model: string
}

function embeddings(body: Fields, context: EmbeddingContext): SurfaceAnswer {
  const { options, requestId, model } = context
  const inputs = embeddingInputs(body['input'])
  if (inputs.length === 0 || inputs.length > inputsMax) {
    throw badRequest(`input must be 1 to ${inputsMax} texts or token lists`, 'input')
  }
  const dimensions = body['dimensions'] ?? dimensionsDefault
  if (
    typeof dimensions !== 'number' ||
    !Number.isInteger(dimensions) ||
    dimensions < 1 ||
    dimensions > dimensionsMax
  ) {
    throw badRequest(`dimensions must be a whole number from 1 to ${dimensionsMax}`, 'dimensions')
  }
  const isPacked = body['encoding_format'] === 'base64'
  const data = inputs.map((tokens, index) => {
    const vector = unitVector(`${options.seed}:${tokens.join('')}`, dimensions)
    return { index, object: 'embedding', embedding: isPacked ? packed(vector) : [...vector] }
  })
  const prompt = inputs.flat()
  const counts = { prompt_tokens: prompt.length, total_tokens: prompt.length, completion_tokens: 0 }
  const answer = {
    id: `embd-${requestId}`,
    object: 'list',
    created: options.clock.unixSeconds(),
    model,
    data,
    usage: { ...counts, prompt_tokens_details: null },
  }
  return { body: JSON.stringify(answer), prompt }
}

function embeddingInputs(input: unknown): readonly (readonly string[])[] {
  if (typeof input === 'string') return [tokenize(input)]
  const parts = elements(input)
  if (parts.length > 0 && parts.every((part) => typeof part === 'number'))
    return [parts.map((part) => `#${part}`)]
  return parts.flatMap((part) => embeddingInputs(part))
}

/** A vector of length 1, the same for the same text. */
function unitVector(text: string, dimensions: number): Float32Array {
  const random = pseudoRandom(hash32(text))
  const raw = Array.from({ length: dimensions }, () => random() - 0.5)
  const norm = Math.hypot(...raw) || 1
  return Float32Array.from(raw, (value) => value / norm)
}

/** 32-bit floats, little-endian, in base64: what OpenAI's clients ask for by default. */
function packed(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  vector.forEach((value, at) => bytes.writeFloatLE(value, at * 4))
  return bytes.toString('base64')
}
