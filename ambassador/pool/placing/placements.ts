import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { Decisions } from '../decisions/decisions.ts'
import type { Binding } from '../dispatch/router.ts'
import type { HashSeed } from '../prefix/hash.ts'
import type { Feedback } from '../signals/feedback.ts'
import type { Desk } from './desk.ts'
import { foundBlocks } from './found-blocks.ts'
import type { HitTrust } from './hit-trust.ts'
import type { KnownReplicas } from './known-replicas.ts'
import { mayGoOn } from './may-go-on.ts'
import { PlacedCall } from './placed-call.ts'
import type { Placement, PlacementTier } from './placement.ts'
import type { PlacingMeter } from './placing-settings.ts'
import { priorityMember } from './priority-member.ts'
import { chainOf, type GrowingChain, type Prompt } from './prompt-of.ts'
import type { Tightened } from './tightened.ts'
import { UnseenProgress } from './unseen-progress.ts'

/** A call that asks for a replica. */
export interface Asked {
  readonly prompt: Prompt
  readonly context: AmbassadorCall
  readonly arrivedMs: number
}

/** A call that has got one. */
interface Sent {
  readonly asked: Asked
  /** Where it is counted, to its end. */
  readonly desk: Desk
  readonly chain: GrowingChain
  readonly binding: Binding
  readonly cancellation: Cancellation
}

interface PlacementParts {
  readonly clock: Clock
  readonly meter: PlacingMeter
  readonly seed: HashSeed
  readonly known: KnownReplicas
  readonly trust: HitTrust
  readonly tightened: Tightened
  readonly decisions: Decisions
  /** Whether somebody takes calls who is at none of these addresses. */
  readonly hasOther: (tried: readonly string[]) => boolean
  /** Whether replicas are told an order for their own queues. */
  readonly isPrioritized: () => boolean
  /** Something has ended or begun at a replica. */
  readonly changed: () => void
}

/** Makes the place of each call that is sent, and learns from what its answer says. */
export class Placements {
  readonly #parts: PlacementParts

  constructor(parts: PlacementParts) {
    this.#parts = parts
  }

  of(sent: Sent): Placement {
    const { clock, known, tightened, decisions, hasOther, changed } = this.#parts
    const { asked, desk, binding, cancellation } = sent
    const { member } = binding
    const { context } = asked
    const place = { heldMs: clock.now() - asked.arrivedMs, tier: this.#tierOf(sent) }
    binding.entry.mayGoOn = mayGoOn(context, hasOther)
    decisions.placed(binding, { context, blockTokens: desk.blockTokens, ...place })
    return new PlacedCall({
      binding,
      cancellation,
      ledger: desk.ledger,
      ...place,
      members: this.#membersOf(sent),
      onLoad: (report) => known.loaded(member.origin, report),
      onModelLacking: () => known.lacks(member.origin, context),
      onPriorityRefused: () => known.refusedPriority(member.origin),
      unseen: this.#unseen(sent),
      onFull: () => tightened.mark(member, clock.now()),
      onChange: changed,
      onAnswer: known.tellsAnswers(asked.prompt.ids)
        ? (text) => this.#answered(text, sent)
        : undefined,
      onReport: (feedback, placed) => this.#heard(placed, feedback, sent),
      onEnd: (isComputed) => this.#ended(sent, isComputed),
    })
  }

  #ended(sent: Sent, isComputed: boolean): void {
    const { asked, desk, binding } = sent
    if (isComputed) this.#takeLate(sent)
    // Of a call that was left, some may have been: what replicas say of the next one corrects that.
    else if (asked.context.cancellation.reason === undefined) {
      desk.index.takeBack(binding.entry.hold)
    }
    this.#chargeUnseen(sent)
    binding.charge?.settle(this.#parts.clock.now())
    desk.ledger.end(binding.entry)
    this.#parts.changed()
  }

  /**
   * Who leaves a stream before anything of it was seen pays for what the replica has generated since its
   * first token, at its pace: nobody counts what is held back. Before the first token there is nothing,
   * and what a replica fails at nobody pays for. How long the answer would have been is not learnt.
   */
  #chargeUnseen({ asked, desk, binding }: Sent): void {
    const { clock, known } = this.#parts
    const { entry, member } = binding
    const isLeft = asked.context.isStream && asked.context.cancellation.reason !== undefined
    if (!isLeft || entry.state !== 'decode' || entry.generated > 0) return
    const nowMs = clock.now()
    const sinceMs = nowMs - (entry.firstTokenMs ?? nowMs)
    const tokens = 1 + Math.floor(sinceMs / known.tokenMs(member.origin))
    desk.ledger.counted(entry, Math.min(tokens, entry.call.outputMax))
    binding.charge?.settle(nowMs)
    desk.ledger.counted(entry, 0)
  }

  #membersOf({ asked: { prompt }, binding }: Sent): Placement['members'] {
    const isSalted = prompt.isTenantSalt ?? false
    const salt = isSalted ? { cache_salt: JSON.stringify(prompt.salt) } : {}
    return { ...salt, ...this.#orderOf(binding) }
  }

  /** The order of its queue, where the replica is to be told. */
  #orderOf({ member, priority }: Binding): Placement['members'] {
    const { isPrioritized, known } = this.#parts
    if (priority === undefined || !isPrioritized()) return {}
    return known.takesPriority(member.origin) ? { priority: priorityMember(priority) } : {}
  }

  #tierOf({ asked, binding }: Sent): PlacementTier {
    const { trust, known } = this.#parts
    if (trust.isLost) return 'hash'
    if (!known.isOpen(binding.member.origin)) return 'blind'
    return asked.prompt.ids?.kind === 'exact' ? 'full' : 'bytes'
  }

  /** Undefined where the answer is seen as it comes, or is none of tokens. */
  #unseen({ asked, desk, binding }: Sent): UnseenProgress | undefined {
    const { isStream, surface } = asked.context
    if (isStream || surface?.dialect === 'embeddings') return undefined
    const { clock, known, changed } = this.#parts
    return new UnseenProgress({
      clock,
      ledger: desk.ledger,
      entry: binding.entry,
      tokenMs: () => known.tokenMs(binding.member.origin),
      onFirstToken: changed,
      // Who leaves before the end pays for what was generated till then.
      onUnknown: () => binding.charge?.settle(clock.now()),
    })
  }

  /** What the replica has generated it has cached as well: the next turn finds it there. */
  #answered(text: string, { asked, desk, chain, binding }: Sent): void {
    const { ids } = asked.prompt
    const added = ids === undefined ? undefined : this.#parts.known.answerIds(ids, text)
    if (added !== undefined) desk.index.extend(binding.entry.hold, chain.grownBy(added))
  }

  /**
   * Its tokens came when it was placed by its bytes already: the next turn, which asks by tokens, finds
   * them where this one was computed.
   */
  #takeLate({ asked, desk, binding }: Sent): void {
    const { prompt } = asked
    const ids = prompt.late?.ids
    const { entry, member } = binding
    const isThere = desk.member(member.origin) === member
    if (ids === undefined || entry.state !== 'decode' || !isThere) return
    const chain = chainOf({ ...prompt, ids }, desk.blockTokens, this.#parts.seed)
    desk.index.release(desk.index.hold(chain, member.slot))
  }

  #heard(placed: PlacedCall, feedback: Feedback, { asked, desk }: Sent): void {
    const { known, decisions, meter, trust } = this.#parts
    const { origin, predictedTokens, binding } = placed
    const { prompt } = asked
    known.heard(origin, feedback, prompt.ids)
    decisions.heard(binding.entry.call, feedback)
    const { cachedTokens, promptTokens } = feedback
    if (cachedTokens === undefined || promptTokens === undefined) return
    binding.charge?.found(cachedTokens, promptTokens)
    const { hold } = binding.entry
    const blocks = foundBlocks({ prompt, cachedTokens, promptTokens }, desk.blockTokens)
    const isShort = blocks < hold.found && !placed.wasUnderWay(blocks)
    if (isShort) desk.index.audit(hold, blocks)
    const predicted = inTokens(predictedTokens, prompt, promptTokens)
    meter.cached(predicted, cachedTokens)
    const found = isShort ? cachedTokens : predicted
    trust.record(asked.context.tenant, { predicted, found })
    decisions.found(origin, predicted, found)
  }
}

/** `counted` of a prompt's ids, which may be words of bytes, in tokens as its replica counts them. */
function inTokens(counted: number, { ids, tokens }: Prompt, promptTokens: number): number {
  return ids?.kind === 'exact' ? counted : Math.round((counted * promptTokens) / tokens)
}
