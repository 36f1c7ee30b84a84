import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isObject, readUsage, type Usage } from '#shared/dialects/usage.ts'
import { parseEvents } from '#shared/http/sse.ts'
import { splitEvents } from '../attempt/stream-watch.ts'
import { deltaText } from './delta-text.ts'
import { joinUsage, type Part } from './join-usage.ts'

type Json = Readonly<Record<string, unknown>>

/** How the events of a stream are passed on. */
export interface Wishes {
  readonly dialect: Dialect
  /** Running token counts on each event: our wish, and taken out again, or the caller's too. */
  readonly runningUsage: 'ours' | 'callers'
  /** Whether the caller has asked for the usage at the end. */
  readonly wantsUsage: boolean
  readonly textBytesMax: number
}

const done = Buffer.from('data: [DONE]\n\n')

/**
 * What a caller has been given of one answer, over all servers that have written it, and how events
 * of a later server become those of the first: its id, no second role, its token counts. Keeps the
 * text up to a limit; an event it cannot follow ends that and passes as it came.
 */
export class AnswerSoFar {
  readonly #wishes: Wishes
  #text = ''
  #textBytes = 0
  #canGoOn = true
  #head: Json | undefined
  #hasRole = false
  #hasFinished = false
  #hasUsage = false
  #isDone = false
  /** All that earlier servers have written; undefined while the first one writes. */
  #before: Part | undefined
  /** Of the present server. */
  #events = 0
  #usage: Usage | undefined
  #pending = ''

  constructor(wishes: Wishes) {
    this.#wishes = wishes
  }

  get text(): string {
    return this.#text
  }

  /** Tokens passed on: as the server counts them, else an event is one at least. */
  get tokens(): number {
    return (this.#before?.tokens ?? 0) + Math.max(this.#events, this.#usage?.output ?? 0)
  }

  /** Whether text and tokens are all that there is to go on from. */
  get canGoOn(): boolean {
    return this.#canGoOn
  }

  /** Whether the reason of its end has been passed on. */
  get hasFinished(): boolean {
    return this.#hasFinished
  }

  /** What of `piece`, whole events, the caller is given. */
  take(piece: Buffer): Buffer {
    const events = splitEvents(piece)
    let isChanged = false
    const passed: Buffer[] = []
    for (const event of events) {
      const kept = this.#pass(event)
      if (kept !== event) isChanged = true
      if (kept !== undefined) passed.push(kept)
    }
    if (!isChanged) return piece
    return passed.length === 1 ? (passed[0] ?? piece) : Buffer.concat(passed)
  }

  /** From here on another server writes, which repeats `pending` first. */
  goOn(pending: string): void {
    this.#before = {
      promptTokens: this.#before === undefined ? this.#usage?.input : this.#before.promptTokens,
      tokens: this.tokens,
    }
    this.#events = 0
    this.#usage = undefined
    this.#pending = pending
  }

  /** The usage of the whole answer, where its last server tells of its own part. */
  joined(last: Usage): Usage {
    return this.#before === undefined ? last : joinUsage(this.#before, last)
  }

  /**
   * The events that end an answer of which no token is missing; undefined where the caller would be
   * told numbers that nobody knows. Empty where they have been passed on.
   */
  ending(): Buffer | undefined {
    if (this.#isDone) return Buffer.alloc(0)
    const { dialect, wantsUsage } = this.#wishes
    const head = this.#head
    if (head === undefined) return undefined
    const events: Buffer[] = []
    if (!this.#hasFinished) {
      const rest = dialect === 'completions' ? { text: '' } : { delta: {} }
      const choice = { index: 0, ...rest, logprobs: null, finish_reason: 'length' }
      events.push(dataEvent({ ...head, choices: [choice] }))
    }
    if (wantsUsage && !this.#hasUsage) {
      const input = this.#before === undefined ? this.#usage?.input : this.#before.promptTokens
      if (input === undefined) return undefined
      const output = this.tokens
      const usage = {
        prompt_tokens: input,
        total_tokens: input + output,
        completion_tokens: output,
      }
      events.push(dataEvent({ ...head, choices: [], usage }))
    }
    events.push(done)
    return Buffer.concat(events)
  }

  #pass(event: Buffer): Buffer | undefined {
    const data = parseEvents(event)[0]?.data
    if (data === '[DONE]') this.#isDone = true
    if (data === undefined || data === '[DONE]') return event
    const value = parsed(data)
    if (value === undefined) {
      this.#forget()
      return event
    }
    this.#head ??= headOf(value)
    const usage = readUsage(value['usage'])
    if (usage !== undefined) this.#usage = usage
    const choices: unknown = value['choices']
    if (Array.isArray(choices) && choices.length === 0) return this.#passUsage(value, event)
    const choice = Array.isArray(choices) && choices.length === 1 ? choices[0] : undefined
    const delta = deltaText(this.#wishes.dialect, choice)
    if (delta === undefined || !isObject(choice)) {
      this.#forget()
      return this.#before === undefined
        ? this.#withoutRunning(value, event)
        : this.#asOfFirst(value, choices)
    }
    if (delta.text !== '') this.#events++
    const text = this.#unrepeated(delta.text)
    this.#keep(text)
    if (delta.isLast) this.#hasFinished = true
    const isSecondRole = delta.hasRole && this.#hasRole
    if (delta.hasRole) this.#hasRole = true
    if (this.#before === undefined) return this.#withoutRunning(value, event)
    if (text === '' && !delta.isLast && (isSecondRole || delta.text !== '')) return undefined
    return this.#asOfFirst(value, [rewritten(choice, { text, isSecondRole })])
  }

  #passUsage(value: Json, event: Buffer): Buffer {
    this.#hasUsage = true
    return this.#before === undefined ? event : this.#asOfFirst(value, [])
  }

  #withoutRunning(value: Json, event: Buffer): Buffer {
    if (this.#wishes.runningUsage === 'callers' || !('usage' in value)) return event
    const { usage: _taken, ...rest } = value
    return dataEvent(rest)
  }

  #asOfFirst(value: Json, choices: unknown): Buffer {
    const { usage, ...rest } = value
    const own = { ...rest, ...this.#head, choices }
    // The event of the usage alone has no choice, and is only there where the caller has asked.
    const isLast = Array.isArray(choices) && choices.length === 0
    const isTold = isLast || this.#wishes.runningUsage === 'callers'
    if (!isTold || !isObject(usage) || this.#usage === undefined) return dataEvent(own)
    const { input, output } = this.joined(this.#usage)
    const sums = {
      prompt_tokens: input,
      total_tokens: input + output,
      completion_tokens: output,
    }
    // How much of the prompt the first server had cached is lost with its end.
    const details = 'prompt_tokens_details' in usage ? { prompt_tokens_details: null } : {}
    return dataEvent({ ...own, usage: { ...usage, ...sums, ...details } })
  }

  #unrepeated(text: string): string {
    if (this.#pending === '' || text === '') return text
    let same = 0
    while (same < text.length && same < this.#pending.length && text[same] === this.#pending[same])
      same++
    this.#pending = same === text.length ? this.#pending.slice(same) : ''
    return text.slice(same)
  }

  #keep(text: string): void {
    if (!this.#canGoOn || text === '') return
    this.#text += text
    this.#textBytes += Buffer.byteLength(text)
    // A model that thinks aloud: templates cut that out of a turn.
    const isThinking = text.includes('think>') && /<\/?think>/.test(this.#text)
    if (isThinking || this.#textBytes > this.#wishes.textBytesMax) this.#forget()
  }

  #forget(): void {
    this.#canGoOn = false
    this.#text = ''
  }
}

function rewritten(choice: Json, { text, isSecondRole }: { text: string; isSecondRole: boolean }) {
  const { delta } = choice
  if (!isObject(delta)) return { ...choice, text }
  const { role, content: _old, ...rest } = delta
  const own = isSecondRole || role === undefined ? {} : { role }
  const content = _old === undefined ? {} : { content: text }
  return { ...choice, delta: { ...own, ...rest, ...content } }
}

function headOf({ id, object, created, model }: Json): Json {
  return { id, object, created, model }
}

function dataEvent(value: Json): Buffer {
  return Buffer.from(`data: ${JSON.stringify(value)}\n\n`)
}

function parsed(data: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return isObject(value) ? value : undefined
  } catch {
    // Part of an event over the limit, or of a kind of its own.
    return undefined
  }
}
