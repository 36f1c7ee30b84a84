import type { Dialect } from '#shared/dialects/surfaces.ts'
import type { Usage } from '#shared/dialects/usage.ts'
import type { ChatShape } from './answers.ts'

type Json = Readonly<Record<string, unknown>>

/** A vendor as its documents and recordings show it, and how an ambassador is told of it. */
export interface Vendor {
  readonly name: string
  /** `providers.p` without what stands in `credentials`, for a vendor at `origin`. */
  readonly provider: (origin: string) => Json
  /** The one credential. */
  readonly credential: Json
  /** Header and value in which the secret has to come. */
  readonly auth: readonly [name: string, value: string]
  /** How the vendor calls the model `large`. */
  readonly model?: string
  /** Path and query that the vendor wants for each dialect that it is known to speak. */
  readonly paths: Readonly<Partial<Record<Dialect, string>>>
  readonly chat?: ChatShape
  /** What the usage of its chat answers means. */
  readonly chatMeans?: Partial<Usage>
  /** A refusal of a question, as it writes it. */
  readonly refusal: { readonly status: number; readonly body: string }
  /** Where it counts without answering, by the surface that is called. */
  readonly counts?: Readonly<Record<string, string>>
  readonly probe: string | undefined
  /** The member by which a chat's answer is bounded that names no bound; others have one word. */
  readonly bound: 'max_completion_tokens' | 'max_tokens'
}

const key = { name: 'main', secret: 'KEY' }
const bearer = ['authorization', 'Bearer key-one'] as const

/** The OpenAI form of a refusal. */
const refusal = {
  status: 400,
  body: '{"error": {"message": "no", "type": "invalid_request_error", "param": null, "code": "x"}}',
}

/** https://platform.openai.com/docs/api-reference/chat/object */
const openaiUsage = {
  prompt_tokens: 38,
  completion_tokens: 9,
  total_tokens: 47,
  prompt_tokens_details: { cached_tokens: 32, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 5, audio_tokens: 0 },
}
const openaiMeans = { input: 38, cached: 32, output: 9, reasoning: 5 }
const openaiChat: ChatShape = { usage: openaiUsage, told: 'own-chunk' }

/** A preset's vendor; `base` is the path of its base URL. */
function preset(name: string, base: string, paths: Vendor['paths']) {
  return {
    name,
    provider: (origin: string) => ({
      kind: 'openai-compatible',
      preset: name,
      baseUrl: origin + base,
    }),
    credential: key,
    auth: bearer,
    paths,
    refusal,
    probe: `${base}/models`,
    bound: 'max_tokens' as const,
  }
}

const azureProvider = (origin: string) => ({ kind: 'azure', baseUrl: origin })
const azureKey = ['api-key', 'key-one'] as const

/** learn.microsoft.com, "Content streaming": the first chunk has no choice. */
const azureChat: ChatShape = {
  ...openaiChat,
  before: [
    'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}\n\n',
  ],
}

/** learn.microsoft.com, "Content filtering". */
const azureRefusal = {
  status: 400,
  body: '{"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{}}}}',
}

const openai: Vendor = {
  name: 'openai',
  provider: (origin) => ({ kind: 'openai', baseUrl: `${origin}/v1` }),
  credential: key,
  auth: bearer,
  paths: {
    chat: '/v1/chat/completions',
    completions: '/v1/completions',
    embeddings: '/v1/embeddings',
    responses: '/v1/responses',
  },
  chat: openaiChat,
  chatMeans: openaiMeans,
  refusal,
  counts: { '/v1/responses/input_tokens': '/v1/responses/input_tokens' },
  probe: '/v1/models',
  bound: 'max_completion_tokens',
}

const { responses: _, ...older } = openai.paths

const anthropic: Vendor = {
  name: 'anthropic',
  provider: (origin) => ({ kind: 'anthropic', baseUrl: origin }),
  credential: key,
  auth: ['x-api-key', 'key-one'],
  paths: { messages: '/v1/messages' },
  // https://platform.claude.com/docs/en/api/errors
  refusal: {
    status: 400,
    body: '{"type": "error", "error": {"type": "invalid_request_error", "message": "no"}, "request_id": "req_1"}',
  },
  counts: { '/v1/messages/count_tokens': '/v1/messages/count_tokens' },
  probe: '/v1/models',
  bound: 'max_tokens',
}

export const vendors: readonly Vendor[] = [
  openai,
  anthropic,
  {
    ...anthropic,
    name: 'anthropic by token',
    credential: { ...key, as: 'bearer' },
    auth: bearer,
  },
  {
    name: 'azure',
    provider: azureProvider,
    credential: key,
    auth: azureKey,
    paths: {
      chat: '/openai/v1/chat/completions',
      completions: '/openai/v1/completions',
      embeddings: '/openai/v1/embeddings',
      responses: '/openai/v1/responses',
    },
    chat: azureChat,
    chatMeans: openaiMeans,
    refusal: azureRefusal,
    probe: '/openai/v1/models',
    bound: 'max_completion_tokens',
  },
  {
    name: 'azure deployments',
    provider: (origin) => ({ ...azureProvider(origin), api: 'deployments' }),
    credential: { ...key, deployments: { large: 'large-eu' } },
    model: 'large-eu',
    auth: azureKey,
    paths: {
      chat: '/openai/deployments/large-eu/chat/completions?api-version=2024-10-21',
      completions: '/openai/deployments/large-eu/completions?api-version=2024-10-21',
      embeddings: '/openai/deployments/large-eu/embeddings?api-version=2024-10-21',
    },
    chat: azureChat,
    chatMeans: openaiMeans,
    refusal: azureRefusal,
    probe: '/openai/models?api-version=2024-10-21',
    bound: 'max_completion_tokens',
  },
  {
    ...preset('groq', '/openai/v1', {
      chat: '/openai/v1/chat/completions',
      responses: '/openai/v1/responses',
    }),
    bound: 'max_completion_tokens',
    // The AI SDK's recorded stream: usage twice, the times of each part beside the tokens.
    chat: {
      usage: {
        queue_time: 0.02,
        prompt_tokens: 38,
        prompt_time: 0.001,
        completion_tokens: 9,
        completion_time: 0.02,
        total_tokens: 47,
        total_time: 0.021,
        prompt_tokens_details: { cached_tokens: 32 },
      },
      told: 'last-chunk',
      last: {
        x_groq: { id: 'req_1', usage: { prompt_tokens: 38, completion_tokens: 9 } },
      },
    },
    chatMeans: { input: 38, cached: 32, output: 9, reasoning: 0 },
  },
  {
    ...preset('deepseek', '', {
      chat: '/chat/completions',
      messages: '/anthropic/v1/messages',
    }),
    // https://api-docs.deepseek.com/guides/kv_cache; comments while a call waits.
    chat: {
      usage: {
        prompt_tokens: 38,
        completion_tokens: 9,
        total_tokens: 47,
        completion_tokens_details: { reasoning_tokens: 5 },
        prompt_cache_hit_tokens: 32,
        prompt_cache_miss_tokens: 6,
      },
      told: 'last-chunk',
      before: [': keep-alive\n\n', ': keep-alive\n\n'],
    },
    chatMeans: openaiMeans,
  },
  {
    ...preset('xai', '/v1', { chat: '/v1/chat/completions', responses: '/v1/responses' }),
    bound: 'max_completion_tokens',
    // The AI SDK's xai provider: reasoning is beside the completion.
    chat: {
      usage: {
        prompt_tokens: 38,
        completion_tokens: 4,
        total_tokens: 47,
        prompt_tokens_details: { text_tokens: 38, audio_tokens: 0, cached_tokens: 32 },
        completion_tokens_details: { reasoning_tokens: 5, audio_tokens: 0 },
        num_sources_used: 0,
        cost_in_usd_ticks: 37_756_000,
      },
      told: 'own-chunk',
    },
    chatMeans: openaiMeans,
    // The other of its two forms.
    refusal: { status: 400, body: '{"code":"Client specified an invalid argument","error":"no"}' },
  },
  {
    ...preset('mistral', '/v1', { chat: '/v1/chat/completions', embeddings: '/v1/embeddings' }),
    // The AI SDK's mistral provider: one of three names for what was cached.
    chat: {
      usage: {
        prompt_tokens: 38,
        total_tokens: 47,
        completion_tokens: 9,
        prompt_token_details: { cached_tokens: 32 },
      },
      told: 'last-chunk',
    },
    chatMeans: { input: 38, cached: 32, output: 9, reasoning: 0 },
    refusal: {
      status: 422,
      body: '{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted","input":5}]},"type":"invalid_request_error","param":null,"code":null}',
    },
  },
  {
    ...preset('openrouter', '/api/v1', {
      chat: '/api/v1/chat/completions',
      messages: '/api/v1/messages',
      responses: '/api/v1/responses',
    }),
    // https://openrouter.ai/docs/use-cases/usage-accounting
    chat: {
      usage: {
        prompt_tokens: 38,
        prompt_tokens_details: { cached_tokens: 32, cache_write_tokens: 2, audio_tokens: 0 },
        completion_tokens: 9,
        completion_tokens_details: { reasoning_tokens: 5 },
        total_tokens: 47,
        cost: 0.00014,
        cost_details: { upstream_inference_cost: null },
      },
      told: 'last-chunk',
      before: [': OPENROUTER PROCESSING\n\n'],
    },
    chatMeans: { ...openaiMeans, cacheWrite: 2 },
    refusal: { status: 400, body: '{"error":{"message":"no","code":400}}' },
  },
  {
    ...preset('ollama', '/v1', {
      chat: '/v1/chat/completions',
      completions: '/v1/completions',
      embeddings: '/v1/embeddings',
      messages: '/v1/messages',
      responses: '/v1/responses',
    }),
    // github.com/ollama/ollama, openai/openai.go
    chat: {
      usage: { prompt_tokens: 38, completion_tokens: 9, total_tokens: 47 },
      told: 'own-chunk',
    },
    chatMeans: { input: 38, cached: 0, output: 9, reasoning: 0 },
  },
  {
    ...preset('nim', '/v1', {
      chat: '/v1/chat/completions',
      completions: '/v1/completions',
      embeddings: '/v1/embeddings',
    }),
    chat: {
      usage: { prompt_tokens: 38, completion_tokens: 9, total_tokens: 47 },
      told: 'never',
    },
    chatMeans: { input: 38, cached: 0, output: 9, reasoning: 0 },
  },
  {
    ...openai,
    name: 'openai-compatible',
    provider: (origin) => ({ kind: 'openai-compatible', baseUrl: `${origin}/v1` }),
    paths: older,
    credential: { ...key, as: 'api-key' },
    auth: azureKey,
    counts: {},
    bound: 'max_tokens',
  },
  {
    ...openai,
    name: 'vllm',
    provider: (origin) => ({ kind: 'vllm', replicas: { addresses: [origin] } }),
    paths: { ...openai.paths, messages: '/v1/messages' },
    counts: { '/v1/messages/count_tokens': '/v1/messages/count_tokens' },
    probe: undefined,
    bound: 'max_tokens',
  },
]
