import { type Encoding, loadEncoding } from './encoding.ts'
import { encodingOf } from './models.ts'
import type { EncodingName } from './vocabulary/table.ts'

/** The tokenizers of one process: each is loaded when its model is first asked for. */
export class Encodings {
  readonly #onMissing: (name: EncodingName, error: unknown) => void
  readonly #encodings = new Map<EncodingName, Encoding | 'missing' | Promise<unknown>>()

  /** `onMissing` is told once of an encoding that cannot be loaded: its models are estimated. */
  constructor(onMissing: (name: EncodingName, error: unknown) => void) {
    this.#onMissing = onMissing
  }

  /** The tokenizer of `model`; undefined where none is at hand; a promise while it is loaded. */
  find(model: string): Encoding | undefined | Promise<unknown> {
    const name = encodingOf(model)
    if (name === undefined) return undefined
    const encoding = this.#encodings.get(name) ?? this.#load(name)
    return encoding === 'missing' ? undefined : encoding
  }

  #load(name: EncodingName): Promise<unknown> {
    const loading = loadEncoding(name).then(
      (encoding) => this.#encodings.set(name, encoding),
      (error: unknown) => {
        this.#encodings.set(name, 'missing')
        this.#onMissing(name, error)
      },
    )
    this.#encodings.set(name, loading)
    return loading
  }
}
