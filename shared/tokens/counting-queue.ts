import { type Encoding, sliceBytes } from './encoding.ts'

/** Texts of one question that have to be counted. */
export interface Batch {
  readonly encoding: Encoding
  readonly texts: readonly string[]
  /** Asked before each slice: a caller that left needs no count. */
  readonly isWanted: () => boolean
}

/** Batches that wait: each holds its texts, so that they must not pile up. */
const batchesMax = 64

/**
 * Counts long texts one batch after the other, a slice at a time, so that the process goes on with
 * its calls in between: 1 to 2 ms of prose at a stretch, below 10 ms of any text.
 */
export class CountingQueue {
  readonly #pause: () => Promise<void>
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  /** `pause` lets other work run. */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause
  }

  /** Tokens of each text; undefined where the queue is full or nobody wants them any more. */
  count(batch: Batch): Promise<readonly number[] | undefined> {
    if (this.#waiting >= batchesMax) return Promise.resolve(undefined)
    this.#waiting++
    const counted = this.#last.then(() => this.#run(batch))
    const finished = () => {
      this.#waiting--
    }
    this.#last = counted.then(finished, finished)
    return counted
  }

  async #run({ encoding, texts, isWanted }: Batch): Promise<readonly number[] | undefined> {
    const counts: number[] = []
    let left = sliceBytes
    for (const text of texts) {
      const counting = encoding.counting(text)
      while (!counting.step(left)) {
        left = sliceBytes
        await this.#pause()
        if (!isWanted()) return undefined
      }
      // Short texts share a slice; a UTF-16 unit is a byte in most of them.
      left -= text.length
      if (left <= 0) {
        left = sliceBytes
        await this.#pause()
      }
      counts.push(counting.tokens)
    }
    return counts
  }
}
