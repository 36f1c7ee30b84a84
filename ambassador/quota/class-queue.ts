import { FairQueue } from './fair-queue.ts'

/** Who waits of one class in one lane, and what is the class's due. */
export class ClassQueue extends FairQueue {
  readonly name: string
  /** Tokens that higher classes took while it waited, as far as they are its due. */
  due = 0

  constructor(name: string) {
    super()
    this.name = name
  }
}
