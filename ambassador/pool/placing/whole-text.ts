import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isObject } from '#shared/dialects/usage.ts'

type Json = Readonly<Record<string, unknown>>

/** Of a body: what is longer is not gathered. Parsing so much takes less than 1 ms. */
const bytesMax = 256 * 1024

/** Gathers an answer that is not streamed, for its text. */
export class WholeText {
  readonly #dialect: Dialect
  #pieces: Buffer[] = []
  #bytes = 0

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  take(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > bytesMax) this.#pieces = []
    else this.#pieces.push(chunk)
  }

  /** What it says before anything else that the model may generate; empty where there is none. */
  get text(): string {
    if (this.#bytes > bytesMax) return ''
    const answer = parsed(Buffer.concat(this.#pieces))
    if (answer === undefined) return ''
    if (this.#dialect === 'responses') return itemsText(answer)
    return this.#dialect === 'messages' ? blocksText(answer) : choiceText(answer)
  }
}

function parsed(body: Buffer): Json | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    // Whoever reads the body says so.
    return undefined
  }
}

/** Of several choices none is the next turn’s for sure. */
function choiceText({ choices }: Json): string {
  const [choice, ...more] = Array.isArray(choices) ? choices.filter(isObject) : []
  if (choice === undefined || more.length > 0) return ''
  const { text, message } = choice
  if (!isObject(message)) return typeof text === 'string' ? text : ''
  const { content, reasoning, reasoning_content: former } = message
  return typeof content === 'string' && !isFilled(reasoning) && !isFilled(former) ? content : ''
}

function isFilled(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** A message of one part, as vLLM makes them; what thoughts come before it is not in the next turn. */
function itemsText({ output }: Json): string {
  const [first] = Array.isArray(output) ? output.filter(isObject) : []
  const parts = first?.['type'] === 'message' ? first['content'] : undefined
  const [part, ...more] = Array.isArray(parts) ? parts.filter(isObject) : []
  if (part?.['type'] !== 'output_text' || more.length > 0) return ''
  return typeof part['text'] === 'string' ? part['text'] : ''
}

function blocksText({ content }: Json): string {
  const [first] = Array.isArray(content) ? content.filter(isObject) : []
  return first?.['type'] === 'text' && typeof first['text'] === 'string' ? first['text'] : ''
}
