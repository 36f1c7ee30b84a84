import type { Dialect } from '#shared/dialects/surfaces.ts'
import { scanTopLevel, shortValueAt } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'

/** Members of a question, by name. */
export type Members = Readonly<Record<string, unknown>>

/** Whether an answer can be continued although the question has this value. */
type Rule = (value: unknown, all: Members) => boolean

const always: Rule = () => true
const is =
  (...values: readonly unknown[]): Rule =>
  (value) =>
    values.includes(value)
const isEmptyList: Rule = (value) => Array.isArray(value) && value.length === 0

/**
 * Members with which a continuation is what the first server would have gone on with (vLLM 0.32,
 * protocol of chat and completions). What is not named here stops it: a grammar, beams, a prompt cut
 * from the left or a template's own arguments begin anew at the second server.
 */
const rules: Readonly<Record<string, Rule>> = {
  model: always,
  messages: always,
  prompt: always,
  stream: always,
  stream_options: always,
  max_tokens: always,
  max_completion_tokens: always,
  min_tokens: always,
  temperature: always,
  top_p: always,
  top_k: always,
  min_p: always,
  logit_bias: always,
  // Over prompt and output alike, so that it is the same where output has become prompt.
  repetition_penalty: always,
  stop: always,
  stop_token_ids: always,
  include_stop_str_in_output: always,
  ignore_eos: always,
  user: always,
  metadata: always,
  store: always,
  service_tier: always,
  safety_identifier: always,
  prompt_cache_key: always,
  cache_salt: always,
  priority: always,
  parallel_tool_calls: always,
  n: is(1),
  best_of: is(1),
  echo: is(false),
  logprobs: is(false),
  top_logprobs: is(0),
  // Over the output alone, of which the second server sees only its own part.
  presence_penalty: is(0),
  frequency_penalty: is(0),
  // Whoever names one wants the same answer again; where nothing is drawn, it means nothing.
  seed: (_value, { temperature }) => temperature === 0,
  tools: isEmptyList,
  tool_choice: is('none', 'auto'),
  response_format: (value) => isObject(value) && value['type'] === 'text',
  skip_special_tokens: is(true),
  add_generation_prompt: is(true),
  continue_final_message: is(false),
}

/** Looked for before anything is kept of an answer; the rest is found out when it breaks. */
const earlyKeys = [
  ...Object.keys(rules).filter((key) => rules[key] !== always),
  'temperature',
  'structured_outputs',
  'guided_json',
  'guided_regex',
  'guided_choice',
  'guided_grammar',
  'functions',
  'reasoning_effort',
  'prompt_logprobs',
  'return_token_ids',
]

/** A longer question is not read a second time: about half a million tokens. */
export const questionBytesMax = 2 * 1024 * 1024

/** Whether it is worth keeping the answer. `body` is a JSON object; cost is one scan of it. */
export function mayBeResumed(body: Buffer): boolean {
  if (body.length > questionBytesMax) return false
  const { values } = scanTopLevel(body, earlyKeys)
  const members: Record<string, unknown> = {}
  for (const [key, range] of values) members[key] = shortValueAt(body, range)
  return isWithinRules(members)
}

/** Whether an answer to this question can be continued by another server. */
export function isResumable(question: Members, dialect: Dialect): boolean {
  if (!isWithinRules(question)) return false
  if (dialect === 'completions') return typeof question['prompt'] === 'string'
  const { messages } = question
  const last = Array.isArray(messages) ? messages.at(-1) : undefined
  // Two turns of the assistant in a row are none to most templates.
  return isObject(last) && last['role'] !== 'assistant'
}

function isWithinRules(members: Members): boolean {
  for (const [key, value] of Object.entries(members)) {
    if (value === null || value === undefined) continue
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined
    if (rule?.(value, members) !== true) return false
  }
  return true
}

/** Whether `text` ends with the beginning of a stop string: the second server would not see it whole. */
export function endsInsideStop(text: string, stop: unknown): boolean {
  const stops = Array.isArray(stop) ? stop : [stop]
  for (const one of stops) {
    if (typeof one !== 'string') continue
    for (let length = 1; length < one.length; length++) {
      if (text.endsWith(one.slice(0, length))) return true
    }
  }
  return false
}
