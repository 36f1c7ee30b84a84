/**
 * FNV-1a of the UTF-16 units of `text`: a whole number below 2^32
 * (http://www.isthe.com/chongo/tech/comp/fnv/).
 */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return hash >>> 0
}

/** Repeatable numbers in [0, 1) (mulberry32): not for secrets. */
export function pseudoRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Ids of 16 hexadecimal digits as vLLM makes them, repeatable from `seed`. */
export function hexIds(seed: number): () => string {
  const random = pseudoRandom(seed)
  const half = () =>
    Math.floor(random() * 4_294_967_296)
      .toString(16)
      .padStart(8, '0')
  return () => half() + half()
}
