import type { Question } from './question.ts'
import { piecesOf, type Said, tokens } from './scenario.ts'

const id = 'chatcmpl-1'
const usage = {
  prompt_tokens: tokens.input,
  completion_tokens: tokens.output,
  total_tokens: tokens.input + tokens.output,
  prompt_tokens_details: { cached_tokens: tokens.cached, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
}

function finishOf({ calls }: Said): string {
  return calls.length > 0 ? 'tool_calls' : 'stop'
}

export function chatAnswer({ model }: Question, said: Said): object {
  const calls = said.calls.map(({ id: call, name, input }) => ({
    id: call,
    type: 'function',
    function: { name, arguments: input },
  }))
  const message = {
    role: 'assistant',
    content: said.calls.length > 0 ? null : said.text,
    refusal: null,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  }
  const choice = { index: 0, message, finish_reason: finishOf(said), logprobs: null }
  return { id, object: 'chat.completion', created: 1, model, choices: [choice], usage }
}

/** Its events, as they are written. */
export function chatEvents(question: Question, said: Said): string[] {
  const head = { id, object: 'chat.completion.chunk', created: 1, model: question.model }
  const event = (more: object) => `data: ${JSON.stringify({ ...head, ...more })}\n\n`
  const delta = (part: object, finish: string | null = null) =>
    event({ choices: [{ index: 0, delta: part, finish_reason: finish, logprobs: null }] })
  return [
    delta({ role: 'assistant', content: said.calls.length > 0 ? null : '' }),
    ...piecesOf(said.text).map((content) => delta({ content })),
    ...said.calls.flatMap(({ id: call, name, input }, index) => {
      const begun = { index, id: call, type: 'function', function: { name, arguments: '' } }
      const parts = [input.slice(0, 3), input.slice(3)].map((text) => ({
        index,
        function: { arguments: text },
      }))
      return [begun, ...parts].map((part) => delta({ tool_calls: [part] }))
    }),
    delta({}, finishOf(said)),
    ...(question.includesUsage ? [event({ choices: [], usage })] : []),
    'data: [DONE]\n\n',
  ]
}
