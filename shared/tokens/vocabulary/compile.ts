import {
  allocateTable,
  hashBase,
  mixHash,
  noRank,
  rankBits,
  rankMask,
  type Table,
  tagMask,
  viewTable,
} from './table.ts'

/**
 * Compiles a vocabulary as js-tiktoken publishes it into the bytes of a {@link Table}.
 *
 * @param ranks lines of `! FIRST TOKEN TOKEN …`: tokens in base64, their ranks from FIRST upwards.
 */
export function compileTable(ranks: string): ArrayBuffer {
  const tokens = parseRanks(ranks)
  const blobBytes = tokens.reduce((sum, token) => sum + token.length, 0)
  const tokenBytesMax = tokens.reduce((most, token) => Math.max(most, token.length), 0)
  // Twice the tokens and up to the next power of two: at most half full.
  const slotCount = 2 ** Math.ceil(Math.log2(tokens.length * 2))
  const sizes = { slotCount, tokenCount: tokens.length, blobBytes, tokenBytesMax }
  const buffer = allocateTable(sizes)
  const table = viewTable(buffer)
  if (table === undefined || tokens.length >= rankMask) {
    throw new RangeError(`Cannot compile a vocabulary: ${tokens.length} tokens`)
  }
  table.pairs.fill(noRank)
  table.singles.fill(noRank)
  let at = 0
  for (const [rank, token] of tokens.entries()) {
    table.offsets[rank] = at
    table.blob.set(token, at)
    at += token.length
    enter(table, token, rank)
  }
  table.offsets[tokens.length] = at
  return buffer
}

function parseRanks(ranks: string): Buffer[] {
  const tokens: Buffer[] = []
  for (const line of ranks.split('\n')) {
    if (line === '') continue
    const [, first = '', ...encoded] = line.split(' ')
    const from = Number.parseInt(first, 10)
    for (const [index, token] of encoded.entries()) {
      tokens[from + index] = Buffer.from(token, 'base64')
    }
  }
  for (const [rank, token] of tokens.entries()) {
    // A gap would be a rank whose bytes are those of its neighbour.
    if (token === undefined || token.length === 0) {
      throw new RangeError(`Cannot compile a vocabulary: no token has rank ${rank}`)
    }
  }
  return tokens
}

function enter(table: Table, token: Uint8Array, rank: number): void {
  const [first = 0, second = 0] = token
  if (token.length === 1) table.singles[first] = rank
  if (token.length === 2) table.pairs[(first << 8) | second] = rank
  let hash = 0
  for (const byte of token) hash = (Math.imul(hash, hashBase) + byte) | 0
  const mixed = mixHash(hash, token.length)
  const last = table.slots.length - 1
  let slot = mixed >>> Math.clz32(last)
  while (table.slots[slot] !== 0) slot = (slot + 1) & last
  table.slots[slot] = ((mixed & tagMask) << rankBits) | (rank + 1)
}
