import { basename, dirname } from 'node:path'
import { readVersion } from './read.ts'

/** What was made of a text, or why it cannot be used: that repeats nothing of the text. */
export type Made<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string }

/**
 * Makes a value of the texts of all files, in their order. Returns `last` itself, the value in force,
 * where the texts say the same in other words.
 */
export type Make<T> = (texts: readonly string[], last: T | undefined) => Made<T>

/** A swap between two readings is over at the next. */
const readingsMax = 3

/**
 * What stands in a file, or in several of one directory that go together, read by path: kubelet swaps
 * the directory behind it, and whoever holds a file keeps an old one. What cannot be read or used
 * leaves the last good value in force. Looks only when told to: `poll` is for that.
 */
export class FollowedFile<T> {
  readonly #files: readonly string[]
  readonly #make: Make<T>
  #seen: string | undefined
  #value: T | undefined
  #trouble: string | undefined

  constructor(files: readonly string[], make: Make<T>) {
    this.#files = files
    this.#make = make
  }

  /** Undefined before the first good text. */
  get value(): T | undefined {
    return this.#value
  }

  /** Why what is there cannot be used; undefined while it can. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Reads at once. What cannot be used is told as refused once, then as the same. */
  look(): 'same' | 'taken' | 'refused' {
    const reading = readTogether(this.#files)
    const seen = reading.ok ? reading.texts.join('\0') : reading.reason
    if (seen === this.#seen) return 'same'
    this.#seen = seen
    const made = reading.ok ? this.#make(reading.texts, this.#value) : reading
    this.#trouble = made.ok ? undefined : made.reason
    if (!made.ok) return 'refused'
    if (made.value === this.#value) return 'same'
    this.#value = made.value
    return 'taken'
  }
}

type Reading =
  | { readonly ok: true; readonly texts: readonly string[] }
  | { readonly ok: false; readonly reason: string }

/** All files of one version: kubelet swaps them together. */
function readTogether(files: readonly string[]): Reading {
  for (let readings = 1; ; readings++) {
    const texts: string[] = []
    const versions = new Set<string>()
    for (const file of files) {
      const reading = readVersion(file)
      if (!reading.ok) return { ok: false, reason: `${basename(file)} ${reading.reason}` }
      texts.push(reading.text)
      versions.add(dirname(reading.from))
    }
    if (versions.size === 1 || readings === readingsMax) return { ok: true, texts }
  }
}
