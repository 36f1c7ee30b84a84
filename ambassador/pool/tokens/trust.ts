/** A wrong count weighs as much as so many right ones. */
const wrongWeight = 4
/** Eight wrong ones in a row are enough, or a fifth of all for long. */
const weightMax = 32

/** Whether tokens told here are as many as the replicas count. */
export class Trust {
  #identity = ''
  #weight = 0
  #isLost = false

  /** Whether what it knows is of this server. */
  isOf(identity: string): boolean {
    return identity === this.#identity
  }

  /** Begins anew: another server may count as we do. */
  begin(identity: string): void {
    this.#identity = identity
    this.#weight = 0
    this.#isLost = false
  }

  /** Once lost it stays so for this server. */
  get isLost(): boolean {
    return this.#isLost
  }

  record(isRight: boolean): void {
    this.#weight = Math.max(0, this.#weight + (isRight ? -1 : wrongWeight))
    if (this.#weight >= weightMax) this.#isLost = true
  }
}
