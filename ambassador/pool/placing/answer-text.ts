import type { Dialect } from '#shared/dialects/surfaces.ts'

/**
 * What has to be looked at in the events of a dialect: a text (the first group), thoughts (the
 * second), and whatever else a model may generate. Inside of JSON strings quotes are escaped, so that
 * these are keys.
 */
const openai =
  /"(?:(content|text)": ?"|(reasoning|reasoning_content)": ?"(?!")|tool_calls": ?\[\{|index": ?[1-9])/g
const anthropic = /"(?:(text)": ?"|(thinking_delta)"|input_json_delta")/g
/** Its events have names of their own, and tell the text again when it is whole. */
const responses =
  /^event: ?response\.(?:(output_text\.delta)\r?\ndata: ?[^\n]*?"delta": ?"|(reasoning)|output_text\.done|(?:function_call|mcp|custom_tool|code_interpreter|web_search|refusal|completed|incomplete|failed))/gm

const looksOf: Readonly<Record<Dialect, RegExp | undefined>> = {
  chat: openai,
  completions: openai,
  messages: anthropic,
  responses,
  embeddings: undefined,
}

/** Of a text; a longer one is not gathered. */
const textBytesMax = 256 * 1024
/** Of an event that has not come whole; vLLM’s have some 200 bytes. */
const lineBytesMax = 64 * 1024

const lineFeed = '\n'
/** Between two events: name and data of one stand on lines of their own. */
const eventEnd = '\n\n'
const empty = Buffer.alloc(0)

/** Gathers the text of a streamed answer without parsing its events: about 0.5 µs each. */
export class AnswerText {
  readonly #looks: RegExp | undefined
  readonly #separator: string
  #rest: Buffer = empty
  /** As JSON strings have them, a byte a character. */
  #pieces: string[] = []
  #bytes = 0
  #isOver: boolean

  constructor(dialect: Dialect) {
    this.#looks = looksOf[dialect]
    this.#separator = dialect === 'responses' ? eventEnd : lineFeed
    this.#isOver = this.#looks === undefined
  }

  /** What came before anything else; empty where there was none, or more than is gathered. */
  get text(): string {
    try {
      const json = Buffer.from(`"${this.#pieces.join('')}"`, 'latin1').toString('utf8')
      return String(JSON.parse(json))
    } catch {
      // Cut or written in a way that no JSON is: it is as good as none.
      return ''
    }
  }

  take(chunk: Buffer): void {
    if (this.#isOver || this.#looks === undefined) return
    const joined = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const last = joined.lastIndexOf(this.#separator)
    const end = last < 0 ? 0 : last + this.#separator.length
    // Copied: a slice would keep the whole piece alive.
    this.#rest = end === joined.length ? empty : Buffer.from(joined.subarray(end))
    if (this.#rest.length > lineBytesMax) this.#give()
    else if (end > 0) this.#look(joined.toString('latin1', 0, end), this.#looks)
  }

  #look(lines: string, looks: RegExp): void {
    looks.lastIndex = 0
    for (let found = looks.exec(lines); found !== null; found = looks.exec(lines)) {
      const [, text, thought] = found
      // The next turn has no thoughts: what follows them is not found again either.
      if (thought !== undefined) return this.#give()
      this.#isOver = text === undefined
      if (this.#isOver) return
      const end = this.#keep(lines, looks.lastIndex)
      if (end < 0) return
      looks.lastIndex = end
    }
  }

  /** Gives where the string ends; below 0 where it does not, or there is too much of them. */
  #keep(lines: string, start: number): number {
    const end = stringEnd(lines, start)
    this.#bytes += Math.max(0, end - start)
    if (this.#bytes > textBytesMax) {
      this.#give()
      return -1
    }
    if (end > start) this.#pieces.push(lines.slice(start, end))
    return end
  }

  /** What is not known whole is not known at all. */
  #give(): void {
    this.#isOver = true
    this.#pieces = []
    this.#rest = empty
  }
}

/** Place of the quote that ends a JSON string; below 0 where none does. */
function stringEnd(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at >= 0) {
    let slashes = 0
    while (text[at - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return at
    at = text.indexOf('"', at + 1)
  }
  return -1
}
