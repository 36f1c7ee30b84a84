/** Several lists of ids in one buffer, to be given to another thread: their number, lengths, and ids. */
export function packIds(lists: readonly Uint32Array[]): ArrayBuffer {
  const length = lists.reduce((sum, ids) => sum + ids.length, 1 + lists.length)
  const buffer = new ArrayBuffer(length * 4)
  const packed = new Uint32Array(buffer)
  packed[0] = lists.length
  let at = 1 + lists.length
  for (const [number, ids] of lists.entries()) {
    packed[1 + number] = ids.length
    packed.set(ids, at)
    at += ids.length
  }
  return buffer
}

/** The lists of {@link packIds}, each with a buffer of its own. */
export function unpackIds(buffer: ArrayBuffer): readonly Uint32Array[] {
  const packed = new Uint32Array(buffer)
  const count = packed[0] ?? 0
  let at = 1 + count
  return Array.from(packed.subarray(1, at), (length) => {
    at += length
    return packed.slice(at - length, at)
  })
}
