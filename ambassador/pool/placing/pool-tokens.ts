import type { Clock } from '#shared/call/clock.ts'
import type { Origins } from '#shared/http/client.ts'
import { answerWords, byteIds } from '../tokens/canonical.ts'
import { type ModelFiles, readModelFiles } from '../tokens/model-files.ts'
import type { PromptFacts } from '../tokens/prompt-facts.ts'
import type { PromptIds } from '../tokens/prompt-ids.ts'
import type { PromptTokens, TierChoice, TokensView } from '../tokens/prompt-tokens.ts'
import { startTokens } from '../tokens/start-tokens.ts'
import { tokenizeOver } from '../tokens/tokenize.ts'

/** Where the tokens of a pool’s prompts come from, as configured. */
export interface TokensSettings {
  readonly source: TierChoice
  readonly tokenizer?: string | undefined
  readonly chatTemplate?: string | undefined
}

interface PoolTokensParts {
  readonly clock: Clock
  readonly origins: Origins
  /** Addresses of those that take calls. */
  readonly replicas: () => readonly string[]
}

/** For statusz. */
export interface PoolTokensView extends Partial<TokensView> {
  /** Why the model’s own files are not used; undefined where they are, or none are named. */
  readonly problem: string | undefined
}

/**
 * The tokens of one pool’s prompts, while somebody asks for them and it is known which model is
 * served; until then, and whenever something is amiss, their bytes.
 */
export class PoolTokens {
  readonly #parts: PoolTokensParts
  #settings: TokensSettings | undefined
  #wanted = ''
  #running: { readonly tokens: PromptTokens; close(): void } | undefined
  #problem: string | undefined

  constructor(parts: PoolTokensParts) {
    this.#parts = parts
  }

  configure(settings: TokensSettings | undefined): void {
    this.#settings = settings
    if (settings === undefined || settings.source === 'bytes') this.close()
  }

  get isWanted(): boolean {
    return this.#settings !== undefined && this.#settings.source !== 'bytes'
  }

  /** A replica serves this model: files are read and threads begun for the first, and for another one. */
  serves(model: string): void {
    const settings = this.#settings
    if (settings === undefined || !this.isWanted) return
    const wanted = JSON.stringify([model, settings])
    if (wanted === this.#wanted) return
    this.close()
    this.#wanted = wanted
    void this.#start(wanted, model, settings)
  }

  /** At once, or within 50 ms. Never throws or rejects. */
  idsOf(facts: PromptFacts, onLate: (ids: PromptIds) => void): PromptIds | Promise<PromptIds> {
    return this.#running?.tokens.idsOf(facts, onLate) ?? byteIds(facts)
  }

  /** Whether the ids of an answer behind such a prompt may be had. */
  tellsAnswers({ kind }: PromptIds): boolean {
    return kind === 'bytes' || this.#running?.tokens.tellsAnswers === true
  }

  /** The ids of an answer behind a prompt of such ids; undefined where they cannot be had at once. */
  answerIds(ids: PromptIds, text: string): Uint32Array | undefined {
    return ids.kind === 'bytes' ? answerWords(ids, text) : this.#running?.tokens.answerIds(text)
  }

  /** A replica counted so many tokens in a prompt. */
  confirm(ids: PromptIds, promptTokens: number): void {
    this.#running?.tokens.confirm(ids, promptTokens)
  }

  /** A replica said its version: what was compared with another is compared anew. */
  seen(origin: string, version: string): void {
    void this.#running?.tokens.seen(origin, `${version} ${this.#wanted}`)
  }

  get view(): PoolTokensView {
    return { ...this.#running?.tokens.view, problem: this.#problem }
  }

  close(): void {
    this.#wanted = ''
    this.#problem = undefined
    this.#running?.close()
    this.#running = undefined
  }

  async #start(wanted: string, model: string, settings: TokensSettings): Promise<void> {
    const { clock, origins, replicas } = this.#parts
    const files = await this.#filesOf(settings)
    // Another configuration, or none, since.
    if (wanted !== this.#wanted) return
    this.#problem = files.problem
    this.#running = startTokens({
      clock,
      choice: settings.source,
      model,
      files: files.found,
      tokenize: tokenizeOver({ origins, clock }),
      replicas,
      onChange() {},
    })
  }

  /** Never rejects: a file that cannot be used is told of on statusz, and the replicas are asked. */
  async #filesOf({ tokenizer, chatTemplate }: TokensSettings): Promise<Files> {
    if (tokenizer === undefined) return { found: undefined, problem: undefined }
    try {
      const { compileTemplate } = await import('../tokens/jinja.ts')
      const found = await readModelFiles({ tokenizer, chatTemplate }, compileTemplate)
      return { found, problem: undefined }
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'Cannot read the files of the model'
      return { found: undefined, problem }
    }
  }
}

interface Files {
  readonly found: ModelFiles | undefined
  readonly problem: string | undefined
}
