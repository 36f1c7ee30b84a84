import { parseEvents } from '#shared/http/sse.ts'

type Json = Readonly<Record<string, unknown>>

const lastTypes = new Set(['response.completed', 'response.incomplete', 'response.failed', 'error'])

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')
}

/** Follows one stream of Responses and notes what no client would expect. */
class Reading {
  readonly faults: string[] = []
  #last: string | undefined
  #sequence = -1
  readonly #items = new Map<string, { readonly id: string | undefined; isOpen: boolean }>()
  readonly #parts = new Map<string, 'open' | 'closed'>()
  readonly #texts = new Map<string, string>()

  take(name: string | undefined, event: Json): void {
    const type = shown(event['type'])
    if (this.#last !== undefined) this.#note(`${type} comes behind ${this.#last}`)
    if (name !== type) this.#note(`${type} is named ${name ?? 'nothing'}`)
    if (this.#sequence < 0) this.#begin(type, event)
    this.#number(type, event['sequence_number'])
    if (lastTypes.has(type)) this.#finish(type)
    else this.#follow(type, event)
  }

  end(): void {
    if (this.#last === undefined) this.#note('there is no last event')
  }

  #note(fault: string): void {
    this.faults.push(fault)
  }

  #begin(type: string, { response }: Json): void {
    const isQueued = isObject(response) && response['background'] === true
    if (type === 'response.queued' && isQueued) return
    if (type !== 'response.created') this.#note(`${type} comes first`)
  }

  #number(type: string, number: unknown): void {
    if (typeof number !== 'number' || !(number > this.#sequence)) {
      this.#note(`${type} has number ${shown(number)} behind ${this.#sequence}`)
    } else this.#sequence = number
  }

  #finish(type: string): void {
    this.#last = type
    // One that breaks off leaves open what was open.
    if (type === 'error' || type === 'response.failed') return
    for (const { id, isOpen } of this.#items.values())
      if (isOpen) this.#note(`${shown(id)} is left open`)
    for (const [place, state] of this.#parts) if (state === 'open') this.#note(`${place} is open`)
  }

  #follow(type: string, event: Json): void {
    if (type.startsWith('response.output_item.')) this.#item(type, event)
    else if (type.startsWith('response.content_part.')) this.#part(type, event)
    else if (event['output_index'] !== undefined) this.#within(type, event)
  }

  #item(type: string, { item, output_index: given }: Json): void {
    const index = shown(given)
    const id = isObject(item) ? shown(item['id']) : undefined
    const known = this.#items.get(index)
    if (type.endsWith('.added')) {
      if (known !== undefined) this.#note(`item ${index} is opened twice`)
      if (given !== this.#items.size) this.#note(`item ${index} comes out of turn`)
      this.#items.set(index, { id, isOpen: true })
    } else if (known?.isOpen !== true || known.id !== id) {
      this.#note(`item ${index} is closed and was not open`)
    } else known.isOpen = false
  }

  #part(type: string, event: Json): void {
    const place = `${shown(event['output_index'])}/${shown(event['content_index'])}`
    this.#isOpen(type, event)
    const state = this.#parts.get(place)
    if (type.endsWith('.added')) {
      if (state !== undefined) this.#note(`part ${place} is opened twice`)
      this.#parts.set(place, 'open')
    } else if (state !== 'open') this.#note(`part ${place} is closed and was not open`)
    else this.#parts.set(place, 'closed')
  }

  /** Deltas are inside of what is open, and together what their end repeats. */
  #within(type: string, event: Json): void {
    this.#isOpen(type, event)
    const { content_index: index, delta, text } = event
    const part = `${shown(event['output_index'])}/${shown(index)}`
    if (index !== undefined && this.#parts.get(part) !== 'open') {
      this.#note(`${type} is in part ${part}, which is not open`)
    }
    const place = `${type.slice(0, type.lastIndexOf('.'))} ${part}`
    const said = this.#texts.get(place) ?? ''
    if (type.endsWith('.delta')) this.#texts.set(place, said + shown(delta))
    const whole = text ?? event['arguments'] ?? event['refusal']
    if (type.endsWith('.done') && typeof whole === 'string' && whole !== said) {
      this.#note(`${type} is not what its deltas were`)
    }
  }

  #isOpen(type: string, { output_index: given, item_id: id }: Json): void {
    const index = shown(given)
    const known = this.#items.get(index)
    if (known?.isOpen !== true || known.id !== shown(id)) {
      this.#note(`${type} is of item ${index}, which is not open`)
    }
  }
}

/** What is wrong with a stream of Responses, in words; empty where it is as documented. */
export function faultsOf(stream: string): readonly string[] {
  const reading = new Reading()
  for (const { event, data } of parseEvents(Buffer.from(stream))) {
    const value: unknown = data === undefined ? undefined : JSON.parse(data)
    if (isObject(value)) reading.take(event, value)
    else reading.faults.push('an event holds no object')
  }
  reading.end()
  return reading.faults
}

/** The JSON of each event of a stream. */
export function eventsOf(stream: string): readonly Json[] {
  return parseEvents(Buffer.from(stream))
    .map(({ data }): unknown => (data === undefined ? undefined : JSON.parse(data)))
    .filter(isObject)
}
