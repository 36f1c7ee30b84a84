import { ClassLine, type InTurn } from './class-line.ts'

export interface TurnSettings {
  /** Classes by rank, the first goes first. A class that is not among them is as the last. */
  readonly classes: readonly string[]
  /** Of a replica's time, what each lower class gets while it waits beside higher ones: 0 to below 1. */
  readonly lowerShare: () => number
  /** Of a replica's time: how far tenants may be apart for the sake of shorter calls first. */
  readonly quantumMs: number
}

/** What a lower class may have due: ten seconds of a replica, or its calls come in a throng. */
const dueMaxMs = 10_000

/** One class: who of it waits, and what is its due. */
export class ClassTurn<Item extends InTurn> {
  readonly name: string
  /** From 0, the first. */
  readonly rank: number
  readonly line: ClassLine<Item>
  /** What higher classes have taken while it waited, as far as it is its due; below 0 it owes. */
  dueMs = 0

  constructor(name: string, rank: number, quantumMs: number) {
    this.name = name
    this.rank = rank
    this.line = new ClassLine(quantumMs)
  }

  /** Whether its calls go before those of higher classes. */
  get isDue(): boolean {
    return this.dueMs > 0 && this.line.length > 0
  }
}

/**
 * The calls that wait, class by class. Those of a lower class go when no higher one has a use for the
 * room, and get their share of the time all the same: slow, and never nothing.
 */
export class ClassTurns<Item extends InTurn> {
  readonly #share: () => number
  /** By rank; never empty. */
  readonly #turns: readonly ClassTurn<Item>[]
  readonly #first: ClassTurn<Item>

  constructor({ classes, lowerShare, quantumMs }: TurnSettings) {
    const [first = 'interactive', ...lower] = classes
    this.#share = lowerShare
    this.#first = new ClassTurn<Item>(first, 0, quantumMs)
    this.#turns = [
      this.#first,
      ...lower.map((name, at) => new ClassTurn<Item>(name, at + 1, quantumMs)),
    ]
  }

  get length(): number {
    let length = 0
    for (const { line } of this.#turns) length += line.length
    return length
  }

  /** By rank. */
  get all(): readonly ClassTurn<Item>[] {
    return this.#turns
  }

  of(name: string): ClassTurn<Item> {
    return this.#turns.find((turn) => turn.name === name) ?? this.#turns.at(-1) ?? this.#first
  }

  /** A call of `turn` is sent that takes so much of a replica's time. */
  spend(turn: ClassTurn<Item>, ms: number): void {
    if (turn.rank > 0) turn.dueMs = Math.max(-dueMaxMs, turn.dueMs - ms)
    for (const lower of this.#turns) {
      if (lower.rank <= turn.rank) continue
      if (lower.line.length === 0) lower.dueMs = Math.min(0, lower.dueMs)
      else {
        const share = this.#share()
        const dueMs = (ms * share) / (1 - share)
        lower.dueMs = Math.min(dueMaxMs, lower.dueMs + dueMs)
      }
    }
  }

  /**
   * Those that go before `comer` of `turn`, if nobody else comes, each with how many it stands for (a
   * part of one, where its class has a part of the turns until then). Of higher classes all go before,
   * unless its own has its due sooner; of lower ones what is their due by then.
   */
  *before(turn: ClassTurn<Item>, comer: InTurn): Iterable<readonly [item: Item, count: number]> {
    let ownMs = 0
    for (const [item, count] of turn.line.before(comer)) {
      ownMs += item.costMs * count
      yield [item, count]
    }
    const share = this.#share()
    const higher = this.#turns.slice(0, turn.rank)
    // A lower class has share / (1 - share) of what those above it spend.
    const untilDueMs =
      share === 0 ? Infinity : (Math.max(0, ownMs - turn.dueMs) * (1 - share)) / share
    const higherMs = sum(higher.map(({ line }) => costOf(line)))
    const part = higherMs === 0 ? 1 : Math.min(1, untilDueMs / higherMs)
    for (const { line } of higher) yield* parts(line, part)
    const spentMs = ownMs + higherMs * part
    for (const { line, dueMs } of this.#turns.slice(turn.rank + 1)) {
      const goesMs = Math.max(0, dueMs + (spentMs * share) / (1 - share))
      if (goesMs > 0 && line.length > 0) yield* parts(line, Math.min(1, goesMs / costOf(line)))
    }
  }

  /**
   * Calls that a replica may be kept for: of the highest class that waits, and of those with a due. A
   * tenant's large prompts would be overtaken by its own small ones too: the others come second.
   */
  *keepable(which: 'in turn' | 'others'): Iterable<Item> {
    let isHighest = true
    for (const { line, isDue } of this.#turns) {
      if (line.length === 0) continue
      if (isHighest || isDue) yield* line.calls(which)
      isHighest = false
    }
  }
}

function costOf<Item extends InTurn>(line: ClassLine<Item>): number {
  return sum(Array.from(line.sampled(), ([{ costMs }, count]) => costMs * count))
}

/** So much of each of them, 0 to 1. */
function* parts<Item extends InTurn>(
  line: ClassLine<Item>,
  part: number,
): Iterable<readonly [Item, number]> {
  if (part === 0) return
  for (const [item, count] of line.sampled()) yield [item, count * part]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
