import type { FinishReason } from './account.ts'
import { elements, type Fields, isFields, textOr } from './narrow.ts'
import type { ReplicaOptions } from './options.ts'
import { conversation, responseInput } from './prompt.ts'
import { badRequest, Refusal } from './refusal.ts'
import { answerTokens, tokenize } from './tokens.ts'
import { forcedToolCall, type ToolCall } from './tool-choice.ts'

export type Dialect = 'chat' | 'completions' | 'messages' | 'responses'

/** A request for an answer, checked, whatever dialect it came in. */
export interface Question {
  readonly dialect: Dialect
  readonly prompt: readonly string[]
  /** The body's `cache_salt`, or empty. */
  readonly salt: string
  /** Name of the LoRA adapter that is asked; '' is the base model. */
  readonly adapter: string
  readonly priority: number
  /** The limit the caller named, in tokens; null where it named none. */
  readonly limitTokens: number | null
  readonly tokensMax: number
  readonly finish: FinishReason
  readonly next: () => string
  readonly streams: boolean
  readonly usage: 'none' | 'last' | 'continuous'
  readonly tool: ToolCall | null
  readonly temperature: number
}

const limitFields: Readonly<Record<Dialect, readonly string[]>> = {
  chat: ['max_completion_tokens', 'max_tokens'],
  completions: ['max_tokens'],
  messages: ['max_tokens'],
  responses: ['max_output_tokens'],
}

/** Reads `body`. Errors: `Refusal` with vLLM's words where it would refuse. */
export function readQuestion(dialect: Dialect, body: Fields, options: ReplicaOptions): Question {
  const adapter = readAdapter(body, options)
  if (body['n'] !== undefined && body['n'] !== null && body['n'] !== 1) {
    throw badRequest('n must be 1: the simulator gives one choice per call.', 'n')
  }
  const temperature = typeof body['temperature'] === 'number' ? body['temperature'] : 1
  if (temperature < 0) {
    const value = Number.isInteger(temperature) ? `${temperature}.0` : `${temperature}`
    throw badRequest(
      `temperature must be non-negative, got ${value}. (parameter=temperature, value=${value})`,
      'temperature',
    )
  }
  const prompt = readPrompt(dialect, body)
  requireShortPrompt(prompt.length, options)
  const limitTokens = readLimit(dialect, body, options)
  const streamOptions = isFields(body['stream_options']) ? body['stream_options'] : {}
  const includes = streamOptions['include_usage'] === true
  const tool = dialect === 'completions' ? null : forcedToolCall(body)
  return {
    dialect,
    prompt,
    salt: isSaltIgnored(dialect, options) ? '' : textOr(body['cache_salt'], ''),
    adapter,
    priority: Number.isSafeInteger(body['priority']) ? Number(body['priority']) : 0,
    limitTokens,
    ...answerOf({ prompt, tool, limitTokens }, options),
    streams: body['stream'] === true,
    usage: !includes
      ? 'none'
      : streamOptions['continuous_usage_stats'] === true
        ? 'continuous'
        : 'last',
    tool,
    temperature,
  }
}

/** The Messages API takes it from 0.27 on; it has no member of that name before, and says nothing. */
function isSaltIgnored(dialect: Dialect, { version }: ReplicaOptions): boolean {
  return dialect === 'messages' && /^0\.(?:\d|1\d|2[0-6])\./.test(version)
}

type Asked = Pick<Question, 'prompt' | 'tool' | 'limitTokens'>

function answerOf(
  asked: Asked,
  options: ReplicaOptions,
): Pick<Question, 'tokensMax' | 'finish' | 'next'> {
  const room = options.contextTokensMax - asked.prompt.length
  if (asked.tool !== null) {
    const tokens = tokenize(asked.tool.argumentsText)
    const limit = Math.min(asked.limitTokens ?? tokens.length, room)
    let at = 0
    const next = () => tokens[at++] ?? ''
    if (limit < tokens.length) return { tokensMax: limit, finish: 'length', next }
    return { tokensMax: tokens.length, finish: 'stop', next }
  }
  const wanted = asked.limitTokens ?? options.answerTokens
  return {
    tokensMax: Math.min(wanted, room),
    finish: asked.limitTokens === null && wanted <= room ? 'stop' : 'length',
    next: answerTokens(asked.prompt, options.seed),
  }
}

/**
 * The adapter that `body` names as its model, '' for the served model. A request that names no model
 * is answered by that one. Errors: `Refusal` 404.
 */
export function readAdapter(body: Fields, options: ReplicaOptions): string {
  const model = body['model'] ?? options.model
  if (model === options.model) return ''
  if (typeof model === 'string' && options.loras.includes(model)) return model
  const named = typeof model === 'string' ? model : JSON.stringify(model)
  const message = `The model \`${named}\` does not exist. Valid aliases: ${options.model}.`
  throw new Refusal(404, 'NotFoundError', { message, param: 'model' })
}

function requireShortPrompt(promptTokens: number, options: ReplicaOptions): void {
  if (promptTokens < options.contextTokensMax) return
  throw badRequest(
    `This model's maximum context length is ${options.contextTokensMax} tokens. However, your prompt contains ` +
      `${promptTokens} input tokens, which exceeds this limit even without any output tokens. Please reduce the ` +
      `length of the input prompt. (parameter=input_tokens, value=${promptTokens})`,
    'input_tokens',
  )
}

function readLimit(dialect: Dialect, body: Fields, options: ReplicaOptions): number | null {
  const name = limitFields[dialect].find((field) => typeof body[field] === 'number')
  const value = name === undefined ? undefined : body[name]
  if (name === undefined || typeof value !== 'number') return null
  if (!Number.isInteger(value) || value < 1) {
    throw badRequest(
      `${name} must be at least 1, got ${value}. (parameter=${name}, value=${value})`,
      name,
    )
  }
  if (value > options.contextTokensMax) {
    throw badRequest(
      `${name}=${value} cannot be greater than max_model_len=${options.contextTokensMax}. ` +
        `Please request fewer output tokens. (parameter=${name}, value=${value})`,
      name,
    )
  }
  return value
}

/** The prompt's tokens. Errors: `Refusal` 400 where there is nothing to answer. */
export function readPrompt(dialect: Dialect, body: Fields): readonly string[] {
  if (dialect === 'completions') return completionPrompt(body['prompt'])
  const turns = dialect === 'responses' ? responseInput(body['input']) : elements(body['messages'])
  if (turns.length === 0) {
    throw badRequest(
      'Cannot apply chat template to an empty conversation. Provide at least one message.',
    )
  }
  return tokenize(conversation(body, turns))
}

function completionPrompt(prompt: unknown): readonly string[] {
  if (typeof prompt === 'string') return tokenize(prompt)
  const parts = elements(prompt)
  if (parts.length > 0 && parts.every((part) => typeof part === 'number')) {
    return parts.map((part) => `#${part}`)
  }
  if (parts.length === 1) return completionPrompt(parts[0])
  throw badRequest(
    'prompt must be one text or one list of token ids: the simulator answers one prompt.',
    'prompt',
  )
}
