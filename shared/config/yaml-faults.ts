import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml'

/** One thing that no map of keys may hold, though it is YAML. Quotes nothing of the file. */
export interface YamlFault {
  /** Of its first character in the text. */
  readonly offset: number
  readonly message: string
  /** Of the first of two equal keys. */
  readonly firstOffset?: number
}

/** The first few say where; what comes of them is noise. */
const faultsMax = 5
/** Each alias is looked up among all anchors and aliases before it. */
const namesMax = 1_000
/**
 * What aliases may add to a file, in characters: four times the largest file. A "billion laughs" file
 * adds more than there is memory.
 */
const expandedMax = 4 * 2 ** 20
/** What a value costs when it is written out or checked, besides its own characters. */
const nodeChars = 8

/**
 * Keys that stand twice in a map, keys that are no plain texts, and aliases that cannot be written
 * out: at most 5, in the order of the file. The parser's own search for equal keys compares each with
 * all before it; this one costs a constant per node, and so do all steps that follow it.
 */
export function faultsOf(document: Document): readonly YamlFault[] {
  const survey = new Survey()
  survey.visit(document.contents)
  return survey.faults
}

class Survey {
  readonly faults: YamlFault[] = []
  /** Written-out size of what each anchor names; undefined while its end has not come. */
  readonly #sizes = new Map<string, number | undefined>()
  #names = 0
  #expanded = 0

  /** Gives the size of `node` with its aliases written out, in characters. */
  visit(node: unknown): number {
    if (this.faults.length >= faultsMax) return 0
    if (isAlias(node)) return this.#alias(node.source, node.range?.[0] ?? 0)
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return nodeChars
    const { anchor, range } = node
    if (anchor !== undefined) {
      this.#sizes.set(anchor, undefined)
      this.#count(range?.[0] ?? 0)
    }
    let size = nodeChars
    if (isMap(node)) size += this.#map(node)
    else if (isSeq(node)) for (const item of node.items) size += this.visit(item)
    else size += (range?.[1] ?? 0) - (range?.[0] ?? 0)
    if (anchor !== undefined) this.#sizes.set(anchor, size)
    return size
  }

  #map(map: YAMLMap): number {
    const seen = new Map<unknown, number>()
    let size = 0
    for (const { key, value } of map.items) {
      this.#key(key, { seen, mapOffset: map.range?.[0] ?? 0 })
      size += this.visit(key) + this.visit(value)
    }
    return size
  }

  #key(key: Pair['key'], { seen, mapOffset }: { seen: Map<unknown, number>; mapOffset: number }) {
    if (!isScalar(key)) {
      this.#fault({ offset: offsetOf(key) ?? mapOffset, message: 'Map keys must be plain texts' })
      return
    }
    // `<<` is a symbol of its own each time: a map may merge several.
    if (typeof key.value === 'symbol') return
    const offset = key.range?.[0] ?? mapOffset
    const firstOffset = seen.get(key.value)
    if (firstOffset === undefined) seen.set(key.value, offset)
    else this.#fault({ offset, message: 'Map keys must be unique', firstOffset })
  }

  #alias(name: string, offset: number): number {
    this.#count(offset)
    if (!this.#sizes.has(name)) {
      this.#fault({ offset, message: 'Unresolved alias, its anchor must come before it' })
      return 0
    }
    const size = this.#sizes.get(name)
    if (size === undefined) {
      this.#fault({ offset, message: 'An alias must not stand within what it names' })
      return 0
    }
    if (this.#expanded <= expandedMax && this.#expanded + size > expandedMax) {
      this.#fault({ offset, message: 'Excessive alias count, written out the file is too large' })
    }
    this.#expanded += size
    return size
  }

  #count(offset: number): void {
    this.#names++
    if (this.#names === namesMax + 1) {
      const message = `Excessive alias count, anchors and aliases must be at most ${namesMax}`
      this.#fault({ offset, message })
    }
  }

  #fault(fault: YamlFault): void {
    if (this.faults.length < faultsMax) this.faults.push(fault)
  }
}

function offsetOf(key: unknown): number | undefined {
  return isMap(key) || isSeq(key) || isAlias(key) ? key.range?.[0] : undefined
}
