import type { Member } from '../dispatch/member.ts'

/** Members in groups: of equals those of an earlier group are preferred. */
export type Groups = readonly (readonly Member[])[]

/** Those of them that are seen to answer. */
export type Able = (members: readonly Member[]) => readonly Member[]

/** Who takes calls at present. */
export class Takers {
  readonly #able: Able
  #groups: Groups = []
  #all: readonly Member[] = []

  constructor(able: Able) {
    this.#able = able
  }

  get all(): readonly Member[] {
    return this.#all
  }

  /** Whether somebody who took calls before takes none any more. */
  take(asked: Groups): boolean {
    const before = this.#all
    const able = new Set(this.#able(asked.flat()))
    const groups = asked.map((group) => group.filter((member) => able.has(member)))
    const all = groups.flat()
    this.#groups = groups
    this.#all = all
    if (all.length === before.length && all.every((member, at) => member === before[at])) {
      return false
    }
    const now = new Set(all)
    return before.some((member) => !now.has(member))
  }

  /**
   * All of them, each group from another one on: the first of equals takes a call, and who is first is
   * chance. `random` is uniform in [0, 1).
   */
  turned(random: () => number): readonly Member[] {
    if (this.#all.length < 2) return this.#all
    return this.#groups.flatMap((group) => {
      const from = Math.floor(random() * group.length)
      return [...group.slice(from), ...group.slice(0, from)]
    })
  }

  /** Whether one is at none of these addresses. */
  hasOther(origins: readonly string[]): boolean {
    return this.#all.some(({ origin }) => !origins.includes(origin))
  }

  /** Those that are at none of these addresses; all where there are no others. */
  except(origins: readonly string[]): readonly Member[] {
    const others = this.#all.filter(({ origin }) => !origins.includes(origin))
    return others.length > 0 ? others : this.#all
  }
}
