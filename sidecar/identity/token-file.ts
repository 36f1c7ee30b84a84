import type { Clock, Undo } from '#shared/call/clock.ts'
import { FollowedFile, type Made } from '#shared/config/followed-file.ts'
import { poll } from '#shared/config/poll.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { lifeOf, type TokenLife } from './token-life.ts'

interface TokenParts {
  readonly path: string
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
}

interface Token {
  readonly text: string
  /** Undefined where it does not say. */
  readonly life: TokenLife | undefined
}

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
 * The token of a file, looked for every 10 s: kubelet writes another at 80 to 86 % of a token's life,
 * so no look comes too late. What cannot be read leaves the last one.
 */
export class TokenFile {
  readonly #parts: TokenParts
  readonly #file: FollowedFile<Token>
  readonly #undo: Undo
  #readMs = -Infinity
  #trouble: string | undefined
  #toldMs = 0

  constructor(parts: TokenParts) {
    this.#parts = parts
    this.#file = new FollowedFile([parts.path], tokenOf)
    this.#read()
    this.#undo = poll(parts.clock, () => this.#read())
  }

  /** Undefined until the file has been read for the first time. */
  get value(): string | undefined {
    return this.#file.value?.text
  }

  /** Seconds until it expires, from 0; undefined where none is there, or it does not say. */
  get leftSeconds(): number | undefined {
    const life = this.#file.value?.life
    if (life === undefined) return undefined
    return Math.max(0, life.untilSeconds - this.#parts.clock.wall() / 1_000)
  }

  /** Another token than `refused`, if there is one: the file is read at once, at most every second. */
  otherThan(refused: string | undefined): string | undefined {
    if (this.value === refused && this.#parts.clock.now() - this.#readMs >= againMs) this.#read()
    return this.value === refused ? undefined : this.value
  }

  close(): void {
    this.#undo()
  }

  #read(): void {
    this.#readMs = this.#parts.clock.now()
    this.#file.look()
    this.#tell(this.#file.trouble ?? this.#age())
  }

  /** What is wrong with the token's age. */
  #age(): string | undefined {
    const life = this.#file.value?.life
    const { leftSeconds } = this
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

function tokenOf([text = '']: readonly string[]): Made<Token> {
  const token = text.trim()
  const isToken = /^[\x21-\x7e]+$/.test(token) && token.length <= tokenCharsMax
  if (!isToken) return { ok: false, reason: 'it holds no token' }
  return { ok: true, value: { text: token, life: lifeOf(token) } }
}
