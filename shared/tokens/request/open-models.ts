import type { Family, Framing, TextRule } from './family.ts'
import type { ImageRule } from './image-cost.ts'

/**
 * The caller's tokenizer is taken for a stand-in: an open model's own differs from OpenAI's. Who
 * holds the model's `tokenizer.json` puts `exact` here.
 */
const standIn: TextRule = { kind: 'tokenizer', exactness: 'estimate' }

/** Gemini's page on tokens gives about 4 characters a token; nothing was measured here (n = 0). */
const geminiText: TextRule = { kind: 'bytes', bytesPerToken: 4 }

/** Qwen2-VL's model card: a token for 28 × 28 px, at most 16,384. For other models a guess. */
const squares: ImageRule = {
  kind: 'squares',
  square: 28,
  edgeMax: 65_535,
  tokensMax: 16_384,
  exactness: 'estimate',
}

/** `<|im_start|>role\n…<|im_end|>\n`, then `<|im_start|>assistant\n`: the ChatML template. */
const chatml: Framing = {
  message: 4,
  role: 'counted',
  name: 0,
  reply: 3,
  start: 0,
  exactness: 'estimate',
}

/**
 * `<|start_header_id|>role<|end_header_id|>\n\n…<|eot_id|>` after one `<|begin_of_text|>`, then the
 * header of the assistant. Source: Llama 3's published prompt format and `tokenizer_config.json`.
 */
const llama3: Framing = {
  message: 4,
  role: 'counted',
  name: 0,
  reply: 4,
  start: 1,
  exactness: 'formula',
}

/** From 3.1 on the template writes dates into a system message; which date depends on the server. */
const llama31: Framing = {
  ...llama3,
  preamble: {
    text: 'Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n',
    place: 'system',
  },
  exactness: 'estimate',
}

/** `<|start|>role<|message|>…<|end|>` and a system message of its own: the harmony format. */
const harmony: Framing = {
  message: 3,
  role: 'counted',
  name: 0,
  reply: 2,
  start: 0,
  preamble: {
    text:
      'You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n' +
      'Current date: 2026-01-01\n\nReasoning: medium\n\n# Valid channels: analysis, commentary, ' +
      'final. Channel must be included for every message.',
    place: 'own message',
  },
  exactness: 'estimate',
}

/** `<start_of_turn>role\n…<end_of_turn>\n`, as Gemma writes it; Gemini's own is not published. */
const turns: Framing = {
  message: 4,
  role: 'counted',
  name: 0,
  reply: 3,
  start: 1,
  exactness: 'estimate',
}

/** `[INST] … [/INST]` and an end of the reply; roles are not written. */
const instructions: Framing = {
  message: 3,
  role: 'included',
  name: 0,
  reply: 0,
  start: 1,
  exactness: 'estimate',
}

/** `<｜User｜>…<｜Assistant｜>…`: one marker a message; a reply ends with another. */
const markers: Framing = { ...instructions, message: 2, reply: 1 }

type Row = readonly [id: string, pattern: RegExp, framing: Framing, text?: TextRule]

/** First match counts. */
const rows: readonly Row[] = [
  ['gpt-oss', /^gpt-oss/, harmony],
  [
    'qwen2.5',
    /^qwen-?2\.5/,
    {
      ...chatml,
      defaultSystem: 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.',
    },
  ],
  ['chatml', /^(?:qwen|qwq|smollm|hermes|nous-hermes|yi-)/, chatml],
  ['llama-3.1', /^(?:meta-)?llama-?3[.-][123](?:\D|$)/, llama31],
  ['llama-3', /^(?:meta-)?llama-?3/, llama3],
  ['gemini', /^gemini/, turns, geminiText],
  ['gemma', /^gemma/, turns],
  ['mistral', /^(?:mistral|mixtral|ministral|codestral|devstral|magistral)/, instructions],
  ['deepseek', /^deepseek/, markers],
]

const geminiImage: ImageRule = { kind: 'crops', exactness: 'estimate' }

/**
 * Tokens of what a chat template says about tools besides their JSON: about 130 in Qwen2.5's and
 * about 90 in Llama 3.1's, by the length of their text.
 */
const toolOverhead = 150

/** The family of a model by its lower-case name without path; undefined for unknown ones. */
export function openFamily(name: string): Family | undefined {
  const row = rows.find(([, pattern]) => pattern.test(name))
  if (row === undefined) return undefined
  const [id, , framing, text = standIn] = row
  const image = id === 'gemini' ? geminiImage : squares
  return { id, text, framing, image, tools: { kind: 'json', overhead: toolOverhead } }
}
