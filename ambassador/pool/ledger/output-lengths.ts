/** Each class of lengths is a fifth longer than the one before: 64 of them reach past 100,000 tokens. */
const growth = 1.2
const classes = 64
/** The length that stands for each class. */
const lengths = Float64Array.from({ length: classes }, (_, at) => growth ** at)
/** Lengths after which what was seen before counts half: some minutes of one tenant's traffic. */
const memory = 500
/** Lengths the assumption weighs as much as, until real ones outweigh it. */
const priorWeight = 4
const priorTokens = 300

/** How long the answers of one kind of call are. */
class Lengths {
  /** Decaying counts by class of length. */
  readonly #counts = new Float64Array(classes)
  #total = 0
  /** Of an answer that has nothing yet, as every call that waits is weighed; undefined since the last length. */
  #fresh: number | undefined

  add(tokens: number): void {
    this.#fresh = undefined
    const decay = 1 - 1 / memory
    if (this.#total >= memory) {
      for (let at = 0; at < classes; at++) this.#counts[at] = (this.#counts[at] ?? 0) * decay
      this.#total *= decay
    }
    const at = classOf(tokens)
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#total++
  }

  /** Tokens still to come of an answer that has `generated` of them: the mean over the longer ones. */
  remaining(generated: number): number {
    if (generated > 0) return this.#remaining(generated)
    this.#fresh ??= this.#remaining(0)
    return this.#fresh
  }

  #remaining(generated: number): number {
    let weight = priorWeight
    let tokens = priorWeight * Math.max(priorTokens, generated * 1.5)
    for (let at = classOf(generated) + 1; at < classes; at++) {
      const count = this.#counts[at] ?? 0
      weight += count
      tokens += count * (lengths[at] ?? 0)
    }
    return Math.max(1, tokens / weight - generated)
  }
}

function classOf(tokens: number): number {
  return Math.min(
    classes - 1,
    Math.max(0, Math.round(Math.log(Math.max(1, tokens)) / Math.log(growth))),
  )
}

/** Kinds of calls whose lengths are kept; the least recently seen is forgotten. */
const kindsMax = 256

/** What answers have been long, by kind of call: a tenant's at a model. */
export class OutputLengths {
  readonly #kinds = new Map<string, Lengths>()

  add(kind: string, tokens: number): void {
    const known = this.#kinds.get(kind) ?? new Lengths()
    this.#kinds.delete(kind)
    this.#kinds.set(kind, known)
    known.add(tokens)
    for (const oldest of this.#kinds.keys()) {
      if (this.#kinds.size <= kindsMax) return
      this.#kinds.delete(oldest)
    }
  }

  /** Tokens still to come, expected; never above what the call allows. */
  remaining(kind: string, generated: number, outputMax: number): number {
    const expected =
      this.#kinds.get(kind)?.remaining(generated) ??
      Math.max(priorTokens, generated) - generated + 1
    return Math.max(1, Math.min(expected, outputMax - generated))
  }
}
