import type { Clock, Undo } from '#shared/call/clock.ts'
import { readVersion } from '#shared/config/read.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { lifeOf, type TokenLife } from './token-life.ts'

interface TokenParts {
  readonly path: string
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
}

/** kubelet writes another at 80 to 86 % of a token's life, so no reading comes too late. */
const pollMs = 10_000
/** Between readings because of a refusal: calls that are all refused must not become readings each. */
const againMs = 1_000
/** While something is wrong it is said again this often. */
const repeatMs = 60_000
/**
 * Share of a token's life that has to be left. kubelet renews with 20 % left, and has been seen to
 * with 14 % of a short one: what is below half of that was not renewed.
 */
const leftMin = 0.1
/** Ambassadors take no longer ones. */
const tokenCharsMax = 8 * 1024

/**
 * The token of a file, read by path every 10 s: kubelet swaps the directory behind the path, and
 * whoever holds the file keeps an old token. What cannot be read leaves the last one.
 */
export class TokenFile {
  readonly #parts: TokenParts
  #value: string | undefined
  #life: TokenLife | undefined
  #readMs = -Infinity
  #trouble: string | undefined
  #toldMs = 0
  #undo: Undo = () => {}

  constructor(parts: TokenParts) {
    this.#parts = parts
    this.#read()
    this.#later()
  }

  /** Undefined until the file has been read for the first time. */
  get value(): string | undefined {
    return this.#value
  }

  /** Seconds until it expires, from 0; undefined where none is there, or it does not say. */
  get leftSeconds(): number | undefined {
    if (this.#life === undefined) return undefined
    return Math.max(0, this.#life.untilSeconds - this.#parts.clock.wall() / 1_000)
  }

  /** Another token than `refused`, if there is one: the file is read at once, at most every second. */
  otherThan(refused: string | undefined): string | undefined {
    if (this.#value === refused && this.#parts.clock.now() - this.#readMs >= againMs) this.#read()
    return this.#value === refused ? undefined : this.#value
  }

  close(): void {
    this.#undo()
  }

  #later(): void {
    this.#undo = this.#parts.clock.after(pollMs, () => {
      this.#later()
      this.#read()
    })
  }

  #read(): void {
    const { path, clock } = this.#parts
    this.#readMs = clock.now()
    const reading = readVersion(path)
    const text = reading.ok ? reading.text.trim() : ''
    const isToken = /^[\x21-\x7e]+$/.test(text) && text.length <= tokenCharsMax
    if (isToken && text !== this.#value) {
      this.#value = text
      this.#life = lifeOf(text)
    }
    const unreadable = isToken ? undefined : 'it holds no token'
    this.#tell((reading.ok ? unreadable : `it ${reading.reason}`) ?? this.#age())
  }

  /** What is wrong with the token's age. */
  #age(): string | undefined {
    const life = this.#life
    const leftSeconds = this.leftSeconds
    if (life === undefined || leftSeconds === undefined) return undefined
    if (leftSeconds === 0) return 'its token has expired'
    const isLate = leftSeconds < leftMin * (life.untilSeconds - life.fromSeconds)
    return isLate ? 'its token expires soon and was not renewed' : undefined
  }

  /** Once, then once a minute for as long as it lasts, then that it is over. */
  #tell(trouble: string | undefined): void {
    const { path, clock, log } = this.#parts
    const isSame = trouble === this.#trouble
    if (isSame && (trouble === undefined || clock.now() - this.#toldMs < repeatMs)) return
    this.#trouble = trouble
    this.#toldMs = clock.now()
    if (trouble === undefined) {
      log.info({ file: path }, 'the token is good again')
      return
    }
    const expiresSeconds = Math.round(this.leftSeconds ?? 0)
    log.error(
      { file: path, reason: trouble, expiresSeconds },
      'Cannot rely on the token of the pod',
    )
  }
}
