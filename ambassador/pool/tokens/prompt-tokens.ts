import type { Clock } from '#shared/call/clock.ts'
import { byteIds } from './canonical.ts'
import type { LocalTokens } from './local-tokens.ts'
import type { ChatFacts, PromptFacts, TextFacts } from './prompt-facts.ts'
import { groupsOf, type PromptGroup } from './prompt-group.ts'
import { exactIds, type PromptIds } from './prompt-ids.ts'
import type { RemoteTokens } from './remote-tokens.ts'
import type { Trust } from './trust.ts'
import type { Verification } from './verification.ts'

/** Where the tokens of a prompt come from. */
export type Tier = 'local' | 'remote' | 'bytes'

/**
 * What a configuration asks for. `auto`: the best that a replica has confirmed. `local`: the model's files
 * alone, also before a replica was compared with them. `remote`: the replicas alone. `bytes`: no tokens.
 */
export type TierChoice = 'auto' | Tier

interface PromptTokensParts {
  readonly clock: Clock
  readonly choice: TierChoice
  /** Undefined where no file is configured. */
  readonly local: LocalTokens | undefined
  readonly remote: RemoteTokens | undefined
  readonly verification: Verification
  readonly trust: Trust
  /** The longest that a call waits for its tokens. */
  readonly limitMs: number
}

/** For statusz: what is used, and why nothing better. */
export interface TokensView {
  readonly chat: Tier
  /** Of conversations with tools. */
  readonly tools: Tier
  readonly text: Tier
  readonly reasons: readonly string[]
}

/** Answers in a row that came too late, after which no call waits until one is in time. */
const lateMax = 3

type Found = Uint32Array | undefined

/**
 * The tokens of prompts as the replicas will see them, for the hashes of their blocks. Each prompt takes
 * the best way that is open: the model's own files where a replica has confirmed them, a replica's
 * tokenizer, the bytes of the prompt. Nothing here fails a call, or holds it beyond the limit.
 */
export class PromptTokens {
  readonly #parts: PromptTokensParts
  #lateInRow = 0

  constructor(parts: PromptTokensParts) {
    this.#parts = parts
  }

  /**
   * At once where nothing has to be asked for or encoded at length; else a promise that keeps to the
   * limit. Never throws or rejects.
   *
   * @param onLate told of the exact ids that came when the call had gone on without them.
   */
  idsOf(facts: PromptFacts, onLate?: (ids: PromptIds) => void): PromptIds | Promise<PromptIds> {
    if (facts.kind === 'ids') return exactIds(facts.ids)
    const found = facts.kind === 'opaque' ? undefined : this.#find(facts)
    if (found instanceof Uint32Array) return exactIds(found)
    if (found === undefined) return byteIds(facts)
    return this.#within(found, { facts, onLate })
  }

  /** Whether the ids of answers are told: no replica is asked for them. */
  get tellsAnswers(): boolean {
    return this.#tierOf(['chat']) === 'local' || this.#tierOf(['text']) === 'local'
  }

  /**
   * The ids of an answer behind its prompt, as the replica has generated them, mostly. Undefined where they
   * cannot be had at once.
   */
  answerIds(text: string): Uint32Array | undefined {
    const { local } = this.#parts
    return this.tellsAnswers && local !== undefined ? local.textIds(text) : undefined
  }

  /**
   * Compares how many tokens a prompt had with how many the replica counted (`prompt_tokens` of its
   * usage): ids that are often wrong are used no more until another version serves.
   */
  confirm(ids: PromptIds, promptTokens: number): void {
    if (ids.kind === 'exact') this.#parts.trust.record(ids.ids.length === promptTokens)
  }

  /** To be told whenever a replica was asked for its version: cheap where it is the known one. */
  async seen(origin: string, identity: string): Promise<void> {
    if (this.#parts.choice === 'bytes') return
    if (!this.#parts.trust.isOf(identity)) this.#parts.trust.begin(identity)
    await this.#parts.verification.of(origin, identity)
  }

  get view(): TokensView {
    const { verification, trust } = this.#parts
    const reasons = [...(verification.verdict?.differences ?? [])]
    if (verification.trouble !== undefined) reasons.push(verification.trouble)
    if (trust.isLost) reasons.push('replicas counted other numbers of tokens than were told here')
    return {
      chat: this.#tierOf(['chat']),
      tools: this.#tierOf(['chat', 'tools']),
      text: this.#tierOf(['text']),
      reasons,
    }
  }

  close(): void {
    this.#parts.verification.close()
  }

  #tierOf(groups: readonly PromptGroup[]): Tier {
    const { choice, local, remote, verification, trust } = this.#parts
    if (choice === 'bytes' || trust.isLost) return 'bytes'
    const confirmed = verification.verdict?.confirmed
    const isConfirmed = groups.every((group) => confirmed?.has(group) ?? choice === 'local')
    const can = local?.can(groups.includes('text') ? 'text' : 'chat') === true
    if (choice !== 'remote' && can && isConfirmed) return 'local'
    return choice !== 'local' && remote !== undefined ? 'remote' : 'bytes'
  }

  #find(facts: ChatFacts | TextFacts): Found | Promise<Found> {
    const { local, remote, verification, choice } = this.#parts
    const tier = this.#tierOf(groupsOf(facts))
    try {
      if (tier === 'local' && local?.covers(facts) === true) {
        return local.idsOf(facts, verification.manner)
      }
      return tier === 'bytes' || choice === 'local' ? undefined : remote?.idsOf(facts)
    } catch {
      // A template that throws: the replica refuses the prompt, or it is not worth more than its bytes.
      return undefined
    }
  }

  #within(
    finding: Promise<Found>,
    {
      facts,
      onLate,
    }: { readonly facts: PromptFacts; readonly onLate?: ((ids: PromptIds) => void) | undefined },
  ): PromptIds | Promise<PromptIds> {
    const { clock, limitMs } = this.#parts
    const untilMs = clock.now() + limitMs
    const found = finding.then(
      (ids) => this.#timed(ids, untilMs),
      // Whoever was asked is gone, or too busy: it is left alone by itself.
      () => undefined,
    )
    if (this.#lateInRow >= lateMax) {
      void tellLater(found, onLate)
      return byteIds(facts)
    }
    return new Promise((resolve) => {
      const state = { isOver: false }
      const undo = clock.after(limitMs, () => {
        state.isOver = true
        resolve(byteIds(facts))
      })
      void found.then((ids) => {
        undo()
        if (!state.isOver) resolve(ids === undefined ? byteIds(facts) : exactIds(ids))
        else if (ids !== undefined) onLate?.(exactIds(ids))
        return undefined
      })
    })
  }

  #timed(ids: Found, untilMs: number): Found {
    if (ids !== undefined)
      this.#lateInRow = this.#parts.clock.now() > untilMs ? this.#lateInRow + 1 : 0
    return ids
  }
}

/** @param found never rejects. */
async function tellLater(
  found: Promise<Found>,
  onLate: ((ids: PromptIds) => void) | undefined,
): Promise<void> {
  const ids = await found
  if (ids !== undefined) onLate?.(exactIds(ids))
}
