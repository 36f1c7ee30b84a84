/** Tables of their own by the upper bits of the hash: each grows alone, in well under a millisecond. */
const tableBits = 10

/** What the table asks of a node. */
export interface Keys {
  /** Lower half of the first hash of the run. */
  lowOf(node: number): number
  /** Upper half of it. */
  highOf(node: number): number
}

/**
 * Finds the run that starts with a hash. A chained hash stands for the whole prompt before it, so
 * one table serves the children of all nodes. Open addressing with linear probing; no tombstones.
 */
export class RunTable {
  readonly #tables: (Table | undefined)[] = Array.from({ length: 1 << tableBits })
  readonly #keys: Keys

  constructor(keys: Keys) {
    this.#keys = keys
  }

  /** Bytes that the tables take. */
  get bytes(): number {
    return this.#tables.reduce((sum, table) => sum + (table?.nodes.length ?? 0) * 4, 0)
  }

  /** The node whose run starts with this hash; 0 where there is none. Halves as signed integers. */
  find(low: number, high: number): number {
    const table = this.#tables[high >>> (32 - tableBits)]
    if (table === undefined) return 0
    const mask = table.nodes.length - 1
    for (let index = low & mask; ; index = (index + 1) & mask) {
      const node = table.nodes[index] ?? 0
      if (node === 0) return 0
      if (this.#keys.lowOf(node) === low && this.#keys.highOf(node) === high) return node
    }
  }

  /** The first hash of `node` must not be in the table. */
  add(node: number): void {
    const which = this.#keys.highOf(node) >>> (32 - tableBits)
    let table = this.#tables[which]
    if (table === undefined) {
      table = { nodes: new Int32Array(8), size: 0 }
      this.#tables[which] = table
    }
    if (table.size * 4 >= table.nodes.length * 3) this.#grow(table)
    table.size += 1
    this.#put(table.nodes, node)
  }

  /** Takes `node` out, whose first hash is still what it was when it was added. */
  remove(node: number): void {
    const table = this.#tables[this.#keys.highOf(node) >>> (32 - tableBits)]
    if (table === undefined) return
    const { nodes } = table
    const mask = nodes.length - 1
    let hole = this.#keys.lowOf(node) & mask
    while (nodes[hole] !== node) hole = (hole + 1) & mask
    // What stands behind the hole moves up unless that would put it before its own place.
    for (let index = (hole + 1) & mask; nodes[index] !== 0; index = (index + 1) & mask) {
      const other = nodes[index] ?? 0
      const fromHome = (index - this.#keys.lowOf(other)) & mask
      if (fromHome < ((index - hole) & mask)) continue
      nodes[hole] = other
      hole = index
    }
    nodes[hole] = 0
    table.size -= 1
  }

  #put(nodes: Int32Array, node: number): void {
    const mask = nodes.length - 1
    let index = this.#keys.lowOf(node) & mask
    while (nodes[index] !== 0) index = (index + 1) & mask
    nodes[index] = node
  }

  #grow(table: Table): void {
    const before = table.nodes
    table.nodes = new Int32Array(before.length * 2)
    for (const node of before) {
      if (node !== 0) this.#put(table.nodes, node)
    }
  }
}

interface Table {
  nodes: Int32Array
  size: number
}
