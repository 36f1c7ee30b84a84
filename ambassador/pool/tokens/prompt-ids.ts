/** An image, a sound or a video of a prompt. */
export interface Media {
  /** Number of the id at or in which it stands. */
  readonly at: number
  /** The same for the same address or data: 128 bits in hexadecimal digits. */
  readonly identifier: string
}

/** A prompt as numbers of which two prompts that begin alike have the same at their beginning. */
export interface PromptIds {
  /**
   * `exact`: the tokens that the replica will see. `bytes`: four bytes each of the prompt's canonical
   * form, which begin alike wherever the tokens do, mostly; about as many as there are tokens. The two
   * have nothing in common: whoever hashes them starts from the kind.
   */
  readonly kind: 'exact' | 'bytes'
  readonly ids: Uint32Array
  /** In order; empty where `exact`. */
  readonly media: readonly Media[]
  /** Bytes of the canonical form, the last of which may not fill their id; 0 where `exact`. */
  readonly bytes: number
  /** What stands between the prompt and its answer in the canonical form of the next turn. */
  readonly beforeAnswer: string
}

const noMedia: readonly Media[] = []

export function exactIds(ids: Uint32Array): PromptIds {
  return { kind: 'exact', ids, media: noMedia, bytes: 0, beforeAnswer: '' }
}

/** Of the ids those that are full, which more text behind them does not change. */
export function fullIds({ kind, ids, bytes }: PromptIds): number {
  return kind === 'exact' ? ids.length : bytes >>> 2
}
