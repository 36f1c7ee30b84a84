import { type CostTerms, costOf } from '../cost/cost.ts'
import { type CandidateView, type Obstacle, obstacles } from './decision-view.ts'
import { termNames, termsOf, writeTerms } from './term-words.ts'

/** Numbers of one candidate beside its terms. */
const facts = [
  'isCosted',
  'obstacle',
  'cachedTokens',
  'heldBlocks',
  'neededBlocks',
  'capacityBlocks',
  'queuedTokens',
  'inFlight',
  'callsMax',
] as const
const width = facts.length + termNames.length

/** What is written of one candidate. */
export interface SheetRow {
  /** Undefined where no cost decided. */
  readonly terms: CostTerms | undefined
  readonly obstacle: Obstacle
  readonly cachedTokens: number
  readonly heldBlocks: number
  readonly neededBlocks: number
  readonly capacityBlocks: number
  readonly queuedTokens: number
  readonly inFlight: number
  readonly callsMax: number
}

/**
 * The candidates of one decision as plain numbers: 4 bytes each, 60 a candidate. Costs are exact to
 * seven digits. Memory of a sheet that is given up is used again.
 */
export class Sheet {
  readonly #origins: string[] = []
  #mostCached = 0
  #numbers: Float32Array

  /** `before`: one that nobody reads any more; it is empty afterwards. */
  constructor(candidates: number, before: Sheet | undefined) {
    const given = before === undefined ? undefined : before.#giveUp()
    const wanted = candidates * width
    this.#numbers = given?.length === wanted ? given : new Float32Array(wanted)
  }

  get length(): number {
    return this.#origins.length
  }

  /** Tokens at the candidate that was thought to have most of the prompt. */
  get mostCached(): number {
    return this.#mostCached
  }

  /** At most as many as were announced. */
  add(origin: string, row: SheetRow): void {
    const { terms } = row
    let at = this.#origins.length * width
    this.#origins.push(origin)
    this.#mostCached = Math.max(this.#mostCached, row.cachedTokens)
    const numbers = this.#numbers
    numbers[at++] = terms === undefined ? 0 : 1
    numbers[at++] = obstacles.indexOf(row.obstacle)
    numbers[at++] = row.cachedTokens
    numbers[at++] = row.heldBlocks
    numbers[at++] = row.neededBlocks
    numbers[at++] = row.capacityBlocks
    numbers[at++] = row.queuedTokens
    numbers[at++] = row.inFlight
    numbers[at++] = row.callsMax
    if (terms !== undefined) writeTerms(terms, numbers, at)
  }

  /** As they were added; empty where the sheet was given up. */
  views(): CandidateView[] {
    return this.#origins.map((replica, at) => this.#view(replica, at * width))
  }

  #view(replica: string, from: number): CandidateView {
    const fact = (name: (typeof facts)[number]) => this.#numbers[from + facts.indexOf(name)] ?? 0
    const term = (name: keyof CostTerms) =>
      this.#numbers[from + facts.length + termNames.indexOf(name)] ?? 0
    const terms = fact('isCosted') === 1 ? termsOf(term) : undefined
    const why = obstacles[fact('obstacle')] ?? 'none'
    return {
      replica,
      total: terms === undefined ? undefined : costOf(terms),
      terms,
      cachedTokens: fact('cachedTokens'),
      canTake: why === 'none',
      why,
      heldBlocks: fact('heldBlocks'),
      neededBlocks: fact('neededBlocks'),
      capacityBlocks: bounded(fact('capacityBlocks')),
      queuedTokens: fact('queuedTokens'),
      inFlight: fact('inFlight'),
      callsMax: bounded(fact('callsMax')),
    }
  }

  #giveUp(): Float32Array {
    const numbers = this.#numbers
    this.#numbers = new Float32Array(0)
    this.#origins.length = 0
    return numbers
  }
}

function bounded(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined
}
