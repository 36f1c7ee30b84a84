import type { Encoder } from '../encoder.ts'
import { elements, type Fields, isFields, parseJson, textOr } from '../narrow.ts'
import type { Failure } from './failure.ts'
import { eventData } from './wire.ts'

/** What is asked of a stored response: the end of its path. */
export type StoredSuffix = '' | '/cancel' | '/input_items'

interface Stored {
  response: Fields
  readonly items: readonly Fields[]
  /** How often it was retrieved. */
  reads: number
}

/** A question with what it refers to put in. */
export interface Resolved {
  readonly body: Fields
  /** Of its own input, each with an id. */
  readonly items: readonly Fields[]
}

export type Asked =
  | { readonly body: Fields; readonly events?: readonly string[] }
  | { readonly failure: Failure }

/** Responses kept for each account; the oldest goes. */
const storedMax = 1_000

/**
 * Stored responses of a provider, each of one account. One in the background runs until it has been
 * retrieved twice, or is cancelled.
 */
export class ResponseStore {
  readonly #accounts = new Map<string, Map<string, Stored>>()
  readonly #newId: () => string

  constructor(newId: () => string) {
    this.#newId = newId
  }

  /** `body` as the model sees it: the stored conversation first, references followed. */
  resolve(account: string, body: Fields): Resolved | { readonly failure: Failure } {
    const previous = body['previous_response_id']
    const before = typeof previous === 'string' ? this.#find(account, previous) : undefined
    if (typeof previous === 'string' && before === undefined) {
      return { failure: { ...missing('Previous response', previous), ...previousFailure } }
    }
    const items: Fields[] = []
    for (const item of itemsOf(body['input'])) {
      const id = textOr(item['id'], '')
      const isReference = item['type'] === 'item_reference' || isBare(item)
      const known = isReference ? this.#item(account, id) : item
      if (known === undefined) return { failure: missing('Item', id) }
      items.push(id === '' ? { type: 'message', id: `msg_${this.#newId()}`, ...known } : known)
    }
    const history = before === undefined ? [] : [...before.items, ...outputOf(before.response)]
    return { body: { ...body, input: [...history, ...items] }, items: [...history, ...items] }
  }

  /** The same encoder; what it ends with is kept, and the answer says so. */
  storing(account: string, asked: Resolved, inner: Encoder): Encoder {
    const { body, items } = asked
    const isStored = body['store'] !== false
    const own = { store: isStored, previous_response_id: body['previous_response_id'] ?? null }
    const finished = (response: Fields): Fields => {
      const whole: Fields = { ...response, ...own, ...backgroundOf(body) }
      if (isStored) this.#keep(account, whole, items)
      return whole
    }
    const event = (text: string): string => {
      const data = eventData(text)
      if (!isFields(data) || !isFields(data['response'])) return text
      const type = textOr(data['type'], '')
      const isLast = type === 'response.completed' || type === 'response.incomplete'
      const response = isLast ? finished(data['response']) : { ...data['response'], ...own }
      return `event: ${type}\ndata: ${JSON.stringify({ ...data, response })}\n\n`
    }
    return {
      opening: () => inner.opening().map(event),
      piece: (piece) => inner.piece(piece).map(event),
      whole(answer) {
        const response = parseJson(inner.whole(answer))
        if (!isFields(response)) return '{}'
        const whole = finished(response)
        if (body['background'] !== true) return JSON.stringify(whole)
        const running = { ...whole, status: 'queued', output: [], usage: null }
        return JSON.stringify(running)
      },
      refusal: (why) => inner.refusal(why),
    }
  }

  /** Answers what is asked of a stored response. */
  ask(account: string, asked: StoredAsked): Asked {
    const { id, suffix, method, query } = asked
    const stored = this.#find(account, id)
    if (stored === undefined) return { failure: missing('Response', id) }
    if (suffix === '/input_items') return this.#list(stored, query)
    if (method === 'DELETE') {
      this.#accounts.get(account)?.delete(id)
      return { body: { id, object: 'response', deleted: true } }
    }
    if (suffix === '/cancel') return cancelled(stored)
    stored.reads += 1
    const body = shown(stored)
    if (query.get('stream') !== 'true') return { body }
    const event = (type: string, sequence: number) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence, response: body })}\n\n`
    return { body, events: [event('response.created', 0), event('response.completed', 1)] }
  }

  #list({ items }: Stored, query: URLSearchParams): Asked {
    const ordered = query.get('order') === 'asc' ? items : items.toReversed()
    const after = query.get('after')
    const start = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1
    if (after !== null && start === 0) return { failure: missing('Item', after) }
    const limit = Number(query.get('limit') ?? 20)
    const data = ordered.slice(start, start + limit)
    const ids = { first_id: data[0]?.['id'] ?? null, last_id: data.at(-1)?.['id'] ?? null }
    return { body: { object: 'list', data, ...ids, has_more: start + limit < ordered.length } }
  }

  #find(account: string, id: string): Stored | undefined {
    return this.#accounts.get(account)?.get(id)
  }

  #item(account: string, id: string): Fields | undefined {
    for (const { response, items } of this.#accounts.get(account)?.values() ?? []) {
      const found = [...items, ...outputOf(response)].find((item) => item['id'] === id)
      if (found !== undefined) return found
    }
    return undefined
  }

  #keep(account: string, response: Fields, items: readonly Fields[]): void {
    const own = this.#accounts.get(account) ?? new Map<string, Stored>()
    this.#accounts.set(account, own)
    const id = textOr(response['id'], '')
    own.set(id, { response, items, reads: 0 })
    const [oldest = id] = own.keys()
    if (own.size > storedMax) own.delete(oldest)
  }
}

function backgroundOf(body: Fields): Fields {
  return body['background'] === true && body['stream'] !== true ? { background: true } : {}
}

export interface StoredAsked {
  readonly id: string
  readonly suffix: StoredSuffix
  readonly method: string
  readonly query: URLSearchParams
}

function shown({ response, reads }: Stored): Fields {
  const runs = response['background'] === true && response['status'] !== 'cancelled' && reads < 2
  return runs ? { ...response, status: 'in_progress', output: [], usage: null } : response
}

function cancelled(stored: Stored): Asked {
  if (stored.response['background'] !== true) {
    const message = 'Cannot cancel a synchronous response.'
    return { failure: { status: 400, type: 'invalid_request_error', message } }
  }
  stored.response = { ...stored.response, status: 'cancelled', output: [], usage: null }
  return { body: stored.response }
}

function itemsOf(input: unknown): readonly Fields[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  return elements(input).filter(isFields)
}

function isBare(item: Fields): boolean {
  return item['id'] !== undefined && (item['type'] ?? null) === null && item['role'] === undefined
}

function outputOf(response: Fields): readonly Fields[] {
  return elements(response['output']).filter(isFields)
}

const previousFailure = { param: 'previous_response_id', code: 'previous_response_not_found' }

function missing(what: string, id: string): Failure {
  const status = what === 'Previous response' ? 400 : 404
  const message = `${what} with id '${id}' not found.`
  return { status, type: 'invalid_request_error', message }
}
