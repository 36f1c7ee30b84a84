import { isObject } from '#shared/dialects/usage.ts'
import type { Redactor } from './redactor.ts'

/** A part of a message, as the GenAI conventions write it; media are named and left out. */
export type Part =
  | { readonly type: 'text' | 'reasoning'; readonly content: string }
  | {
      readonly type: 'tool_call'
      readonly id: unknown
      readonly name: unknown
      readonly arguments: unknown
    }
  | { readonly type: 'tool_call_response'; readonly id: unknown; readonly response: unknown }
  | { readonly type: string }

/** Source: `gen_ai.input.messages` and `gen_ai.output.messages`, their JSON schemas. */
export interface Message {
  readonly role: string
  readonly parts: readonly Part[]
  readonly finish_reason?: string | undefined
}

type Json = Readonly<Record<string, unknown>>

/** What a message's `content` holds in any of the dialects. */
export function partsOf(content: unknown): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', content }]
  if (!Array.isArray(content)) return []
  const items: unknown[] = content
  return items.flatMap((item) => {
    if (typeof item === 'string') return [{ type: 'text', content: item }]
    return isObject(item) ? [partOf(item)] : []
  })
}

function partOf(item: Json): Part {
  const type = String(item['type'])
  const { text, thinking } = { text: item['text'], thinking: item['thinking'] }
  if (typeof text === 'string') return { type: 'text', content: text }
  if (typeof thinking === 'string') return { type: 'reasoning', content: thinking }
  if (type === 'tool_use') {
    return { type: 'tool_call', id: item['id'], name: item['name'], arguments: item['input'] }
  }
  if (type === 'tool_result') {
    const { tool_use_id: id, content } = item
    return { type: 'tool_call_response', id, response: resultOf(content) }
  }
  return { type: type.slice(0, 64) }
}

/** A tool's result may be text, or a list that holds texts and pictures. */
export function resultOf(content: unknown): unknown {
  return Array.isArray(content) ? partsOf(content) : content
}

/** `tool_calls` of a chat message. */
export function toolCalls(calls: unknown): Part[] {
  const items: unknown[] = Array.isArray(calls) ? calls : []
  return items.filter(isObject).map(({ id, function: called }) => {
    const { name, arguments: given } = isObject(called) ? called : {}
    return { type: 'tool_call', id, name, arguments: given }
  })
}

/** JSON of as many messages as have room, and whether some had none. */
export interface Fitted {
  readonly json: string
  readonly isCut: boolean
}

/** Room for a part's own signs in JSON, in characters. */
const frameChars = 48
/** What may be told apart across the end of what is kept: no shorter secret escapes by being cut. */
const marginChars = 4_096

/** Redacts and fits `messages` into `charsMax` characters of JSON, the last ones first. */
export class Fitting {
  readonly #redactor: Redactor
  #left: number
  #isCut = false

  constructor(redactor: Redactor, charsMax: number) {
    this.#redactor = redactor
    this.#left = charsMax
  }

  get isCut(): boolean {
    return this.#isCut
  }

  messages(messages: readonly Message[]): string {
    const kept: Message[] = []
    for (const message of messages.toReversed()) {
      if (this.#left <= frameChars) {
        this.#isCut = true
        break
      }
      this.#left -= frameChars + message.role.length
      kept.unshift({
        ...message,
        role: message.role.slice(0, 32),
        parts: this.parts(message.parts),
      })
    }
    return JSON.stringify(kept)
  }

  parts(parts: readonly Part[]): Part[] {
    return parts.flatMap((part) => {
      if (this.#left <= frameChars) {
        this.#isCut = true
        return []
      }
      this.#left -= frameChars
      return [this.#part(part)]
    })
  }

  #part(part: Part): Part {
    if ('content' in part) return { ...part, content: this.#text(part.content) }
    if ('arguments' in part) {
      const { id, name, arguments: given } = part
      return {
        type: 'tool_call',
        id: this.#value(id),
        name: this.#value(name),
        arguments: this.#value(given),
      }
    }
    if ('response' in part) {
      return {
        type: 'tool_call_response',
        id: this.#value(part.id),
        response: this.#value(part.response),
      }
    }
    return part
  }

  #text(text: string): string {
    const near = text.slice(0, this.#left + marginChars)
    return this.#fit(this.#redactor.text(near), near.length < text.length)
  }

  /** A value that has no room is left out whole: half of it would be no JSON. */
  #value(value: unknown): unknown {
    if (value === undefined) return undefined
    const clean = this.#redactor.value(value)
    const length = JSON.stringify(clean).length
    if (length > this.#left) {
      this.#isCut = true
      return '[cut]'
    }
    this.#left -= length
    return clean
  }

  #fit(text: string, wasCut: boolean): string {
    let kept = text
    let length = JSON.stringify(kept).length
    while (length > this.#left && kept !== '') {
      kept = kept.slice(0, Math.floor((kept.length * this.#left) / length) - 1).toWellFormed()
      length = JSON.stringify(kept).length
    }
    if (wasCut || kept.length < text.length) this.#isCut = true
    this.#left = Math.max(0, this.#left - length)
    return kept
  }
}
