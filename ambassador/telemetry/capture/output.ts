import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isObject } from '#shared/dialects/usage.ts'
import { itemsOf } from './input.ts'
import { type Message, type Part, partsOf } from './message.ts'

type Json = Readonly<Record<string, unknown>>

interface Growing {
  text: string
  reasoning: string
  finishReason: string | undefined
  readonly tools: Map<number, { id: unknown; name: unknown; given: string }>
}

/** Puts an answer together from its events, or reads a whole one. Grows to `charsMax` characters. */
export class AnswerText {
  readonly #dialect: Dialect
  readonly #charsMax: number
  #chars = 0
  #items: readonly Message[] = []
  readonly #choices = new Map<number, Growing>()

  constructor(dialect: Dialect, charsMax: number) {
    this.#dialect = dialect
    this.#charsMax = charsMax
  }

  /** Nothing that is added from here on is kept. */
  get isFull(): boolean {
    return this.#chars >= this.#charsMax
  }

  /** The JSON value of an event, or of a whole answer. */
  add(value: unknown): void {
    if (!isObject(value)) return
    if (this.#dialect === 'responses') this.#addResponses(value)
    else if (this.#dialect === 'messages') this.#addMessages(value)
    else this.#addChoices(value)
  }

  messages(): Message[] {
    if (this.#items.length > 0) return [...this.#items]
    return Array.from(this.#choices.values(), ({ text, reasoning, tools, finishReason }) => {
      const parts: Part[] = []
      if (reasoning !== '') parts.push({ type: 'reasoning', content: reasoning })
      if (text !== '') parts.push({ type: 'text', content: text })
      for (const { id, name, given } of tools.values()) {
        parts.push({ type: 'tool_call', id, name, arguments: given })
      }
      return { role: 'assistant', parts, finish_reason: finishReason }
    })
  }

  #addChoices(value: Json): void {
    const choices: unknown[] = Array.isArray(value['choices']) ? value['choices'] : []
    for (const choice of choices.filter(isObject)) {
      const growing = this.#choice(choice['index'])
      const delta = choice['delta'] ?? choice['message'] ?? { content: choice['text'] }
      if (!isObject(delta)) continue
      growing.text += this.#taken(delta['content'])
      growing.reasoning += this.#taken(delta['reasoning_content'] ?? delta['reasoning'])
      const calls: unknown[] = Array.isArray(delta['tool_calls']) ? delta['tool_calls'] : []
      for (const [at, call] of calls.filter(isObject).entries()) this.#addTool(growing, call, at)
      growing.finishReason ??= stringIn(choice, 'finish_reason')
    }
  }

  #addTool(growing: Growing, call: Json, at: number): void {
    const called = isObject(call['function']) ? call['function'] : {}
    const tool = toolAt(growing, call['index'] ?? at)
    tool.id ??= call['id']
    tool.name ??= called['name']
    tool.given += this.#taken(called['arguments'])
  }

  #addMessages(value: Json): void {
    const growing = this.#choice(0)
    if (Array.isArray(value['content'])) {
      this.#items = [
        {
          role: 'assistant',
          parts: partsOf(value['content']),
          finish_reason: stringIn(value, 'stop_reason'),
        },
      ]
      return
    }
    const { index, content_block: block, delta } = value
    if (isObject(block) && block['type'] === 'tool_use') {
      const tool = toolAt(growing, index)
      tool.id = block['id']
      tool.name = block['name']
    }
    if (!isObject(delta)) return
    growing.text += this.#taken(delta['text'])
    growing.reasoning += this.#taken(delta['thinking'])
    const partial = this.#taken(delta['partial_json'])
    if (partial !== '') toolAt(growing, index).given += partial
    growing.finishReason ??= stringIn(delta, 'stop_reason')
  }

  #addResponses(value: Json): void {
    const whole = isObject(value['response']) ? value['response'] : value
    const output: unknown = whole['output']
    if (Array.isArray(output) && output.length > 0) this.#items = itemsOf(output)
    else if (value['type'] === 'response.output_text.delta') {
      this.#choice(0).text += this.#taken(value['delta'])
    }
  }

  #choice(index: unknown): Growing {
    const key = numberOf(index)
    const known = this.#choices.get(key)
    if (known !== undefined) return known
    const growing = { text: '', reasoning: '', finishReason: undefined, tools: new Map() }
    this.#choices.set(key, growing)
    return growing
  }

  #taken(text: unknown): string {
    if (typeof text !== 'string' || this.isFull) return ''
    const taken = text.slice(0, this.#charsMax - this.#chars)
    this.#chars += taken.length
    return taken
  }
}

function toolAt(growing: Growing, index: unknown) {
  const key = numberOf(index)
  const known = growing.tools.get(key)
  if (known !== undefined) return known
  const tool: { id: unknown; name: unknown; given: string } = {
    id: undefined,
    name: undefined,
    given: '',
  }
  growing.tools.set(key, tool)
  return tool
}

function stringIn(value: Json, key: string): string | undefined {
  const found = value[key]
  return typeof found === 'string' ? found : undefined
}

/** A choice without a number is the first: `n` is 1 then. */
function numberOf(index: unknown): number {
  return typeof index === 'number' ? index : 0
}
