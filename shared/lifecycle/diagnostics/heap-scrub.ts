/**
 * Takes the texts out of a heap snapshot while it streams. Of its strings only those stay that name
 * something (a class, a function, a property): what variables hold is replaced, and so is every name
 * that is a secret, part of one or longer than a name would be.
 *
 * Source: V8's format, `HeapSnapshotJSONSerializer`: an object whose `snapshot.meta` tells the columns of
 * the numbers in `nodes` and `edges`, with `strings` behind both.
 */
export class HeapScrub {
  readonly #secrets: readonly string[]
  readonly #named = new Set<number>()
  #columns: Columns | undefined
  #part: 'head' | 'nodes' | 'between' | 'edges' | 'middle' | 'strings' | 'tail' = 'head'
  /** Text that may hold the beginning of the next part, or of a string. */
  #held = ''
  #number = 0
  #column = 0
  #type = 0
  #index = 0

  /** `secrets` are known values, of at least six characters. */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.filter((secret) => secret.length >= secretCharsMin)
  }

  /** What may be written of the next piece; the texts of V8 are ASCII. Throws on another format. */
  push(text: string): string {
    this.#held += text
    let out = ''
    for (;;) {
      const before = this.#part
      out += this.#step()
      if (this.#part === before) return out
    }
  }

  /** The rest. Throws where it ended too early, since then nothing is known to be taken out. */
  end(): string {
    if (this.#part !== 'tail') throw new Error('Cannot scrub the snapshot: it ends too early')
    const rest = this.#held
    this.#held = ''
    return rest
  }

  #step(): string {
    if (this.#part === 'head') return this.#until('"nodes":[', 'nodes')
    if (this.#part === 'nodes') return this.#numbers('between')
    if (this.#part === 'between') return this.#until('"edges":[', 'edges')
    if (this.#part === 'edges') return this.#numbers('middle')
    if (this.#part === 'middle') return this.#until('"strings":[', 'strings')
    if (this.#part === 'strings') return this.#strings()
    return this.end()
  }

  /** Everything up to `mark` and with it; nothing until it has come whole. */
  #until(mark: string, next: 'nodes' | 'edges' | 'strings'): string {
    const at = this.#held.indexOf(mark)
    if (at < 0) return ''
    const text = this.#held.slice(0, at + mark.length)
    if (next === 'nodes')
      this.#columns = columnsOf(`${text.slice(0, at).trimEnd().replace(/,$/, '')}}`)
    this.#held = this.#held.slice(text.length)
    this.#part = next
    this.#column = 0
    return text
  }

  #numbers(next: 'between' | 'middle'): string {
    const text = this.#held
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code >= 48 && code <= 57) this.#number = this.#number * 10 + code - 48
      else if (code === 44) this.#take()
      else if (code === 93) {
        this.#take()
        this.#held = text.slice(at)
        this.#part = next
        return text.slice(0, at)
      }
    }
    this.#held = ''
    return text
  }

  #take(): void {
    const columns = this.#part === 'nodes' ? this.#columns?.nodes : this.#columns?.edges
    if (columns === undefined) return
    if (this.#column === columns.type) this.#type = this.#number
    if (this.#column === columns.name && columns.naming.has(this.#type)) {
      this.#named.add(this.#number)
    }
    this.#column = (this.#column + 1) % columns.count
    this.#number = 0
  }

  #strings(): string {
    const text = this.#held
    let out = ''
    let at = 0
    for (;;) {
      const start = text.indexOf('"', at)
      const close = text.indexOf(']', at)
      if (close >= 0 && (start < 0 || close < start)) {
        this.#part = 'tail'
        this.#held = text.slice(close)
        return out + text.slice(at, close)
      }
      const end = start < 0 ? -1 : endOf(text, start)
      if (end < 0) break
      out += text.slice(at, start) + this.#scrubbed(text.slice(start, end))
      at = end
      this.#index++
    }
    this.#held = text.slice(at)
    return out
  }

  #scrubbed(quoted: string): string {
    if (!this.#named.has(this.#index) || !nameShape.test(quoted)) return '"[text]"'
    const name = quoted.slice(1, -1)
    const isSecret = this.#secrets.some(
      (secret) => name.includes(secret) || (name.length >= secretCharsMin && secret.includes(name)),
    )
    return isSecret ? '"[text]"' : quoted
  }
}

const secretCharsMin = 6

/** As classes, functions, properties and files of source are called, in quotes. */
const nameShape = /^"[\w$ .:/()<>@#,[\]*+=|?!&~'^{};-]{0,128}"$/

interface Row {
  readonly count: number
  readonly type: number
  readonly name: number
  /** Types whose name is the text of a name. */
  readonly naming: ReadonlySet<number>
}

interface Columns {
  readonly nodes: Row
  readonly edges: Row
}

/** Nodes that are texts, or parts of them, and those that are called by what they hold. */
const texts = new Set([
  'string',
  'concatenated string',
  'sliced string',
  'number',
  'bigint',
  'regexp',
])
/** Edges whose name is a number. */
const numbered = new Set(['element', 'hidden'])

function columnsOf(head: string): Columns {
  const { meta } = partsOf(partsOf(JSON.parse(head))['snapshot'])
  const all = partsOf(meta)
  return {
    nodes: rowOf({
      fields: all['node_fields'],
      types: all['node_types'],
      name: 'name',
      unnamed: texts,
    }),
    edges: rowOf({
      fields: all['edge_fields'],
      types: all['edge_types'],
      name: 'name_or_index',
      unnamed: numbered,
    }),
  }
}

interface Described {
  readonly fields: unknown
  readonly types: unknown
  readonly name: string
  readonly unnamed: ReadonlySet<unknown>
}

function rowOf({ fields, types, name, unnamed }: Described): Row {
  const columns: unknown[] = Array.isArray(fields) ? fields : []
  const kinds: unknown = Array.isArray(types) ? types[0] : undefined
  const all: unknown[] = Array.isArray(kinds) ? kinds : []
  const row = {
    count: columns.length,
    type: columns.indexOf('type'),
    name: columns.indexOf(name),
    naming: new Set(all.flatMap((kind, index) => (unnamed.has(kind) ? [] : [index]))),
  }
  if (row.type < 0 || row.name < row.type || all.length === 0) {
    throw new Error('Cannot scrub the snapshot: its columns are not known')
  }
  return row
}

function partsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** Behind the closing quote of the string that begins at `start`; -1 where it has not come. */
function endOf(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 92) at++
    else if (code === 34) return at + 1
  }
  return -1
}
