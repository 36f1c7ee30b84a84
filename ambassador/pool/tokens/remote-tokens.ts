import type { AskTurns } from './ask-turns.ts'
import { beginsWith, GrownConversation, withoutEnd } from './grown-conversation.ts'
import { digestOf, IdCache } from './id-cache.ts'
import type { ChatFacts, TextFacts } from './prompt-facts.ts'
import { questionOf } from './question.ts'
import type { Tokenize } from './tokenize.ts'

interface RemoteParts {
  readonly tokenize: Tokenize
  readonly turns: AskTurns
  /** In the replicas' words. */
  readonly model: string
  /** Of the memory of ids: those of 100,000 tokens take 400 KB. */
  readonly cacheBytesMax: number
}

/** Conversations whose new messages alone are asked for. */
interface Growth {
  readonly isWithTools: boolean
  /** What asks the model for its answer, behind the last message. */
  readonly end: Uint32Array
}

/** One in so many conversations that were asked for in part is asked for whole as well. */
const auditEvery = 32

/**
 * The tokens of prompts from a replica's `/tokenize`. What was answered is kept: the same prompt is not
 * asked again, and of a conversation that grows only the new messages are, where the template shows
 * that it writes them whatever was said before.
 */
export class RemoteTokens {
  readonly #parts: RemoteParts
  readonly #cache: IdCache
  readonly #grown: GrownConversation
  readonly #pending = new Map<string, Promise<Uint32Array | undefined>>()
  #growths: readonly Growth[] = []
  #sinceAudit = 0

  constructor(parts: RemoteParts) {
    this.#parts = parts
    this.#cache = new IdCache(parts.cacheBytesMax)
    this.#grown = new GrownConversation((facts) => this.#ask(facts))
  }

  /** Whether the tokens of an earlier turn are used, with tools and without. */
  get growths(): readonly { readonly isWithTools: boolean }[] {
    return this.#growths
  }

  /**
   * At once where it was asked before. Undefined where nobody may be asked, or the prompt is refused;
   * rejects where nobody answers.
   */
  idsOf(facts: ChatFacts | TextFacts): Uint32Array | Promise<Uint32Array | undefined> | undefined {
    const keys = keysOf(facts)
    const whole = `${keys.at(-1)}${endOf(facts)}`
    const known = this.#cache.find(whole)
    if (known !== undefined) return known
    const pending = this.#pending.get(whole)
    if (pending !== undefined) return pending
    if (this.#parts.turns.isResting) return undefined
    const asking = this.#find(facts, keys)
      .then((ids) => {
        if (ids !== undefined) this.#keep(facts, { whole, last: keys.at(-1) ?? '', ids })
        return ids
      })
      .finally(() => this.#pending.delete(whole))
    this.#pending.set(whole, asking)
    return asking
  }

  /**
   * Finds out whether conversations like `facts` may be asked for in part: each from its turn `seen`
   * on. To be asked again of a server that has changed. Rejects where nobody answers.
   */
  async learn(facts: ChatFacts, seen: number): Promise<void> {
    const isWithTools = facts.tools !== undefined
    this.#forget(isWithTools)
    const first = { ...facts, messages: facts.messages.slice(0, seen) }
    const before = await this.#ask({ ...first, addsGenerationPrompt: false })
    const asked = await this.#ask(first)
    const whole = await this.#ask(facts)
    if (before === undefined || asked === undefined || whole === undefined) return
    const added = await this.#grown.added(facts, seen)
    if (added === undefined || !beginsWith(asked, before)) return
    if (!equal(joined(before, added), whole)) return
    const end = asked.slice(before.length)
    this.#growths = [...this.#growths, { isWithTools, end }]
  }

  /** Forgets all that was answered: another model may answer. */
  clear(): void {
    this.#cache.clear()
    this.#growths = []
  }

  async #find(
    facts: ChatFacts | TextFacts,
    keys: readonly string[],
  ): Promise<Uint32Array | undefined> {
    const grown = facts.kind === 'chat' ? await this.#findGrown(facts, keys) : undefined
    return grown ?? this.#ask(facts)
  }

  async #findGrown(facts: ChatFacts, keys: readonly string[]): Promise<Uint32Array | undefined> {
    if (this.#growthOf(facts) === undefined) return undefined
    for (let seen = keys.length - 2; seen > 0; seen--) {
      const known = this.#cache.find(`${keys[seen]}=`)
      if (known === undefined) continue
      const added = await this.#grown.added(facts, seen)
      if (added === undefined) return undefined
      const ids = joined(known, added)
      return ++this.#sinceAudit % auditEvery === 0 ? this.#audit(facts, ids) : ids
    }
    return undefined
  }

  /** Gives what the replica says of the whole, and asks for no more parts where that is different. */
  async #audit(facts: ChatFacts, ids: Uint32Array): Promise<Uint32Array | undefined> {
    const whole = await this.#ask(facts)
    if (whole !== undefined && !equal(whole, ids)) this.#forget(facts.tools !== undefined)
    return whole
  }

  #keep(
    facts: ChatFacts | TextFacts,
    {
      whole,
      last,
      ids,
    }: { readonly whole: string; readonly last: string; readonly ids: Uint32Array },
  ): void {
    this.#cache.add(whole, ids)
    const growth = facts.kind === 'chat' ? this.#growthOf(facts) : undefined
    const before = growth === undefined ? undefined : withoutEnd(ids, growth.end)
    if (before !== undefined) this.#cache.add(`${last}=`, before)
  }

  #growthOf(facts: ChatFacts): Growth | undefined {
    const isUsual = facts.addsGenerationPrompt && !facts.continuesLast && !facts.addsSpecialTokens
    if (!isUsual || Object.keys(facts.templateOptions).length > 0) return undefined
    return this.#growths.find(({ isWithTools }) => isWithTools === (facts.tools !== undefined))
  }

  #forget(isWithTools: boolean): void {
    this.#growths = this.#growths.filter((growth) => growth.isWithTools !== isWithTools)
  }

  #ask(facts: ChatFacts | TextFacts): Promise<Uint32Array | undefined> {
    const { turns, tokenize, model } = this.#parts
    const asking = turns.ask((origin) => tokenize(origin, questionOf(facts, model)))
    return asking ?? Promise.resolve(undefined)
  }
}

/** Digests of what the prompt has up to each of its parts, one chained to the next: as they were sent. */
function keysOf(facts: ChatFacts | TextFacts): readonly string[] {
  if (facts.kind === 'text') return [digestOf(facts.text)]
  const keys = [digestOf(JSON.stringify([facts.tools, facts.templateOptions]))]
  for (const message of facts.messages) {
    keys.push(digestOf(`${keys.at(-1)}${JSON.stringify(message)}`))
  }
  return keys
}

/** Which of the prompts with the same parts it is. */
function endOf(facts: ChatFacts | TextFacts): string {
  const special = facts.addsSpecialTokens ? 's' : ''
  if (facts.kind === 'text') return `t${special}`
  return `${facts.addsGenerationPrompt ? 'g' : ''}${facts.continuesLast ? 'c' : ''}${special}+`
}

function joined(one: Uint32Array, other: Uint32Array): Uint32Array {
  const all = new Uint32Array(one.length + other.length)
  all.set(one)
  all.set(other, one.length)
  return all
}

export function equal(one: Uint32Array, other: Uint32Array): boolean {
  return one.length === other.length && beginsWith(one, other)
}
