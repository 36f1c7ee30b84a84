/**
 * The full blocks of a prompt as the replicas cache them, as chained 64-bit hashes: block `i` stands
 * for everything from the start of the prompt to its own end, so equal hashes at `i` mean equal
 * prompts up to there. Adapter, salt and multimodal content are part of the first hash they touch.
 */
export interface Chain {
  /** Full blocks. */
  readonly length: number
  /** Lower and upper half of each hash; both hold at least `length` values. */
  readonly low: Uint32Array
  readonly high: Uint32Array
}
