import { isScalar, isSeq, isMap as isYamlMap, type Pair } from 'yaml'
import type { KeyPath } from './problems.ts'
import type { YamlRead } from './read-yaml.ts'

/** Finds lines of a file by the paths of what it says. Each map is searched once, however many ask. */
export class LineFinder {
  readonly #read: Pick<YamlRead, 'document' | 'lines'>
  readonly #pairs = new WeakMap<object, ReadonlyMap<string, Pair>>()

  constructor(read: Pick<YamlRead, 'document' | 'lines'>) {
    this.#read = read
  }

  /**
   * The line of the deepest part of `path` that the file has, from 1; a missing key's is its parent's.
   * Undefined where it has none of it.
   */
  lineOf(path: KeyPath): number | undefined {
    let node: unknown = this.#read.document.contents
    let offset: number | undefined
    for (const key of path) {
      if (isYamlMap(node)) {
        const pair = this.#pairsOf(node).get(String(key))
        if (pair === undefined) break
        offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset
        node = pair.value
      } else if (isSeq(node) && typeof key === 'number') {
        const item: unknown = node.items[key]
        offset = (isYamlMap(item) || isScalar(item) ? item.range?.[0] : undefined) ?? offset
        node = item
      }
    }
    return offset === undefined ? undefined : this.#read.lines.linePos(offset).line
  }

  #pairsOf(map: { readonly items: readonly Pair[] }): ReadonlyMap<string, Pair> {
    const known = this.#pairs.get(map)
    if (known !== undefined) return known
    const pairs = new Map<string, Pair>()
    for (const pair of map.items) {
      if (isScalar(pair.key)) pairs.set(String(pair.key.value), pair)
    }
    this.#pairs.set(map, pairs)
    return pairs
  }
}
