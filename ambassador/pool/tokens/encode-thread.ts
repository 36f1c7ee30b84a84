import { Worker } from 'node:worker_threads'
import { CallError } from '#shared/errors/call-error.ts'
import { unpackIds } from './packed-ids.ts'

/** An entry of its own: beside those of a bundle (`dist/tokens`), or as source beside this. */
const entry = new URL(
  import.meta.url.endsWith('.ts') ? './encode-worker.ts' : '../tokens/encode-worker.js',
  import.meta.url,
)

/** Of its heap alone: the vocabulary is beside it, 1 to 8 MB. */
const heapMegabytesMax = 256
/** Characters that wait for the thread: 16 MiB are two seconds of work. */
const charactersMax = 16 * 1024 * 1024
/** Threads that may fail before no other is begun. */
const failuresMax = 3

/** A text to encode. */
export interface TextAt {
  readonly text: string
  /** Whether the whole prompt begins with it. */
  readonly isStart: boolean
}

interface Job {
  readonly characters: number
  readonly resolve: (ids: readonly Uint32Array[]) => void
  readonly reject: (error: Error) => void
}

/** Encodes long texts beside the calls of the process, in one thread that is begun when first asked. */
export class EncodeThread {
  readonly #table: ArrayBuffer
  readonly #jobs: Job[] = []
  #characters = 0
  #failures = 0
  #worker: Worker | undefined
  #isClosed = false

  /** @param table bytes of a compiled tokenizer.json, which the thread has a copy of. */
  constructor(table: ArrayBuffer) {
    this.#table = table
  }

  /** Ids of each of them. Rejects with `overloaded` where too much waits, and where the thread has failed. */
  encode(texts: readonly TextAt[]): Promise<readonly Uint32Array[]> {
    const length = texts.reduce((sum, { text }) => sum + text.length, 0)
    if (this.#isClosed || this.#failures >= failuresMax) return Promise.reject(gone())
    // One alone may be as long as a body may be.
    if (this.#jobs.length > 0 && this.#characters + length > charactersMax) {
      return Promise.reject(
        new CallError('overloaded', 'Cannot encode: too much text waits', { charactersMax }),
      )
    }
    const worker = this.#begin()
    worker.ref()
    this.#characters += length
    return new Promise((resolve, reject) => {
      this.#jobs.push({ characters: length, resolve, reject })
      worker.postMessage(texts, [])
    })
  }

  /** Begins the thread, which takes 50 ms: the first long prompt need not wait for it. */
  warm(): void {
    this.#begin().unref()
  }

  close(): void {
    this.#isClosed = true
    void this.#worker?.terminate()
    this.#fail(this.#worker)
  }

  #begin(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(entry, {
      workerData: this.#table,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
    })
    worker.on('message', (answer: unknown) => {
      if (answer instanceof ArrayBuffer) this.#take(unpackIds(answer))
    })
    // Both may come, in this order.
    worker.once('error', () => this.#fail(worker))
    worker.once('exit', () => this.#fail(worker))
    this.#worker = worker
    return worker
  }

  #take(ids: readonly Uint32Array[]): void {
    const job = this.#jobs.shift()
    if (job === undefined) return
    this.#characters -= job.characters
    this.#failures = 0
    // The process may end while the thread has nothing to do.
    if (this.#jobs.length === 0) this.#worker?.unref()
    job.resolve(ids)
  }

  #fail(worker: Worker | undefined): void {
    if (worker === undefined || worker !== this.#worker) return
    this.#worker = undefined
    this.#failures++
    this.#characters = 0
    for (const job of this.#jobs.splice(0)) job.reject(gone())
  }
}

function gone(): CallError {
  return new CallError('overloaded', 'Cannot encode: the thread has ended')
}
