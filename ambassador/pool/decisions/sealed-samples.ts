import { createCipheriv, randomFillSync } from '#shared/builtins.ts'
import type { PrefixSamples } from './prefix-samples.ts'

const blockBytes = 16
const hashBytes = 6

/**
 * Puts other numbers for the hashes of prompts, so that whoever reads a log cannot try guesses of what was
 * asked: the first 48 bits of AES-128 of each, under a random key that is never written anywhere. The
 * numbers of one seal still tell which prompts begin alike and up to where, which replays need; who can
 * send prompts through the same process and read its lines can compare. Those of two seals tell nothing of
 * each other. About 10 µs for 130 hashes.
 */
export class SampleSeal {
  readonly #key = randomFillSync(Buffer.alloc(16))

  of({ step, hashes, marks }: PrefixSamples): PrefixSamples {
    const sealed = this.#sealed([...hashes, ...marks.map(([, hash]) => hash)])
    const at = (place: number) => sealed[place] ?? 0
    return {
      step,
      hashes: hashes.map((_, place) => at(place)),
      marks: marks.map(([blocks], place) => [blocks, at(hashes.length + place)]),
    }
  }

  #sealed(hashes: readonly number[]): readonly number[] {
    const plain = Buffer.alloc(hashes.length * blockBytes)
    hashes.forEach((hash, place) => plain.writeUIntBE(hash, place * blockBytes, hashBytes))
    // Each block by itself: equal hashes have to stay equal.
    const cipher = createCipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
    return hashes.map((_, place) => sealed.readUIntBE(place * blockBytes, hashBytes))
  }
}
