/** Blocks that calls which wait for a replica will take there, by its slot. */
export class BlocksAhead {
  readonly #blocks = new Map<number, number>()

  of(slot: number): number {
    return this.#blocks.get(slot) ?? 0
  }

  add(slot: number, blocks: number): void {
    this.#blocks.set(slot, this.of(slot) + blocks)
  }

  clear(): void {
    this.#blocks.clear()
  }
}
