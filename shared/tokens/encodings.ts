import { type Encoding, loadEncoding } from './encoding.ts'
import { TokenizerFiles } from './hugging-face/tokenizer-files.ts'
import { encodingOf } from './models.ts'
import type { EncodingName } from './vocabulary/table.ts'

/** The tokenizers of one process: each is loaded when its model is first asked for. */
export class Encodings {
  readonly #onMissing: (name: string, error: unknown) => void
  readonly #encodings = new Map<EncodingName, Encoding | 'missing' | Promise<unknown>>()
  readonly #files: TokenizerFiles

  /**
   * `onMissing` is told once of an encoding or a file that cannot be loaded: its models are
   * estimated. Paths of files are relative to `directory`.
   */
  constructor(onMissing: (name: string, error: unknown) => void, directory = '.') {
    this.#onMissing = onMissing
    this.#files = new TokenizerFiles(onMissing, directory)
  }

  /**
   * The tokenizer of `model`; undefined where none is at hand; a promise while it is loaded for the
   * first time. A file goes before the name of the model, also one that cannot be loaded.
   *
   * @param file one that {@link Encodings.retain} was told of last; any other is as none.
   */
  find(model: string, file?: string): Encoding | undefined | Promise<unknown> {
    if (file !== undefined && this.#files.has(file)) return this.#files.find(file)
    const name = encodingOf(model)
    if (name === undefined) return undefined
    const encoding = this.#encodings.get(name) ?? this.#load(name)
    return encoding === 'missing' ? undefined : encoding
  }

  /**
   * Takes over the files that a configuration names: begins to load what is new, what has changed
   * and what failed, and drops what is no longer named. Resolves, and never rejects, when all are
   * loaded or have failed.
   */
  retain(files: readonly string[]): Promise<void> {
    return this.#files.retain(files)
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
