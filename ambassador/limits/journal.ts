import { join } from 'node:path'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { type JournalFile, putAside, readJournal, type Written } from './journal-file.ts'
import { decodeJournal, encodeStates, journalHead } from './journal-lines.ts'
import type { MemoryStore } from './memory-store.ts'

export interface JournalParts {
  readonly store: MemoryStore
  readonly clock: Pick<Clock, 'after' | 'wall'>
  /** The provider's name: several ambassadors may share a directory, never a file. */
  readonly provider: string
  /** What writes to a path: the one place that waits for a disk. */
  readonly open: (path: string) => JournalWriter
  /** Told once when the journal fails, and once, with undefined, when it is written again. */
  readonly onTrouble: (problem: string | undefined) => void
}

export type JournalWriter = Pick<JournalFile, 'append' | 'close' | 'replace'>

/** Between two writes: with a write of up to half a second, a restart loses a second at most. */
const writeEveryMs = 500

/** A disk that refuses is asked again after this. */
const retryAfterMs = 5_000

/** Appended bytes after which the whole is written anew, unless twice the whole is more. */
const appendedBytesMin = 2 ** 20

/** The state of the journal, for the status page and a metric. */
export type JournalState = 'off' | 'writing' | 'failing'

/** One journal being written. */
interface Target {
  readonly file: JournalWriter
  /** Whether everything stands there, so that changes can follow. */
  isWhole: boolean
  appendedBytes: number
  appendedBytesMax: number
}

/**
 * Keeps what tenants have used across restarts: reads it back before the first call, and writes
 * what changed twice a second. Calls in flight stand in it with what they reserved. Nobody waits
 * for the disk: where it fails, counting goes on in memory. Bounds: one write is under way; the
 * file holds each counter four times, or twice and 1 MiB.
 */
export class LimitJournal {
  readonly #parts: JournalParts
  #directory: string | undefined
  #target: Target | undefined
  #undo: Undo = () => {}
  #writing: Promise<void> = Promise.resolve()
  #hasBegun = false
  #isFailing = false

  constructor(parts: JournalParts) {
    this.#parts = parts
  }

  get state(): JournalState {
    if (this.#target === undefined) return 'off'
    return this.#isFailing ? 'failing' : 'writing'
  }

  /**
   * Writes to `directory` from here on; nowhere where undefined. The first time it also takes what
   * lies there, at once, so that no call comes before; then the limiter is to be configured, which
   * forgets what belongs to limits that are gone. Later what memory holds is truer.
   */
  configure(directory: string | undefined): void {
    const isFirst = !this.#hasBegun
    this.#hasBegun = true
    if (directory === this.#directory) return
    this.#directory = directory
    this.#undo()
    const left = this.#target
    if (left !== undefined) this.#writing = this.#writing.then(() => end(left))
    this.#target = undefined
    if (directory === undefined) return
    const path = join(directory, `limits-${this.#parts.provider}.journal`)
    if (isFirst) this.#restore(path)
    const file = this.#parts.open(path)
    this.#target = { file, isWhole: false, appendedBytes: 0, appendedBytesMax: 0 }
    this.#arm(this.#target, 0)
  }

  /** Resolves when no write is under way. */
  whenIdle(): Promise<void> {
    return this.#writing
  }

  /** Writes what is still to be written, and ends. */
  async close(): Promise<void> {
    this.#undo()
    const target = this.#target
    this.#target = undefined
    this.#directory = undefined
    await this.#writing
    if (target === undefined) return
    await this.#write(target)
    await end(target)
  }

  #restore(path: string): void {
    const { clock, store } = this.#parts
    const reading = readJournal(path)
    if (reading.kind === 'absent') return
    if (reading.kind === 'failed') {
      this.#report(`cannot be read: ${reading.reason}; ${aside(path)}`)
      return
    }
    const decoded = decodeJournal(reading.bytes)
    if (decoded.kind === 'foreign') {
      this.#report(`is of another version; ${aside(path)}`)
      return
    }
    store.restore(decoded.states, clock.wall())
    if (decoded.damagedLines > 0) this.#report(`has ${decoded.damagedLines} damaged lines`)
  }

  #arm(target: Target, delayMs: number): void {
    this.#undo = this.#parts.clock.after(delayMs, () => {
      this.#writing = this.#writing.then(() => this.#turn(target))
    })
  }

  async #turn(target: Target): Promise<void> {
    const isDone = await this.#write(target)
    if (this.#target === target) this.#arm(target, isDone ? writeEveryMs : retryAfterMs)
  }

  /** False where the disk refused. */
  async #write(target: Target): Promise<boolean> {
    const { clock, store } = this.#parts
    if (!target.isWhole || target.appendedBytes > target.appendedBytesMax) {
      const text = journalHead + encodeStates(store.states(clock.wall()))
      target.isWhole = this.#took(await target.file.replace(text))
      target.appendedBytes = 0
      target.appendedBytesMax = Math.max(appendedBytesMin, 2 * text.length)
    } else {
      const text = encodeStates(store.changes(clock.wall()))
      if (text === '') return true
      // Where it failed a part may stand there, and the changes are forgotten: the whole follows.
      target.isWhole = this.#took(await target.file.append(text))
      target.appendedBytes += text.length
    }
    return target.isWhole
  }

  #took(written: Written): boolean {
    if (written.ok && this.#isFailing) {
      this.#isFailing = false
      this.#parts.onTrouble(undefined)
    }
    if (!written.ok && !this.#isFailing) this.#report(`cannot be written: ${written.reason}`)
    return written.ok
  }

  #report(problem: string): void {
    this.#isFailing = true
    this.#parts.onTrouble(problem)
  }
}

function aside(path: string): string {
  const put = putAside(path)
  return put.ok ? 'it was put aside' : `it cannot be put aside: ${put.reason}`
}

async function end({ file }: Target): Promise<void> {
  // All that was written is on the disk already: a failure to close loses nothing.
  await file.close()
}
