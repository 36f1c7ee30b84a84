import type { PageDocument, PageNode } from './dom.ts'

// Runs in browsers, as ../script.ts says: nothing of Node, no constant outside of a function.
declare const document: PageDocument

/** One item on the page. */
export interface Row<Item> {
  readonly node: PageNode
  fill(item: Item): void
}

/** How items become rows. */
export interface RowParts<Item> {
  readonly keyOf: (item: Item) => string
  readonly makeRow: (item: Item) => Row<Item>
}

/** A new element. */
export function make(tag: string, className = '', text = ''): PageNode {
  const node = document.createElement(tag)
  if (className !== '') node.className = className
  if (text !== '') node.textContent = text
  return node
}

/** The element of the page with this id. @throws Error where the page has none. */
export function find(id: string): PageNode {
  const node = document.getElementById(id)
  if (node === null) throw new Error(`Cannot find '${id}' on the page`)
  return node
}

/** Leaves alone what says it already: a selection stays, and a screen reader is not told again. */
export function say(node: PageNode, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

export function wear(node: PageNode, className: string): void {
  if (node.className !== className) node.className = className
}

/** Keeps the children of `parent` those of the items, in their order; who stays is not made anew. */
export function rowsIn<Item>(
  parent: PageNode,
  { keyOf, makeRow }: RowParts<Item>,
): (items: readonly Item[]) => void {
  const rows = new Map<string, Row<Item>>()
  const rowOf = (item: Item) => {
    const key = keyOf(item)
    const row = rows.get(key) ?? makeRow(item)
    rows.set(key, row)
    return row
  }
  return (items) => {
    const wanted = new Set(items.map(keyOf))
    for (const [key, row] of rows) {
      if (wanted.has(key)) continue
      row.node.remove()
      rows.delete(key)
    }
    items.forEach((item, at) => {
      const row = rowOf(item)
      row.fill(item)
      const there = parent.children[at]
      if (there !== row.node) parent.insertBefore(row.node, there ?? null)
    })
  }
}

/** A number in a cell with a bar under it: the bar is for eyes only, the number says it all. */
export function barIn(cell: PageNode): (text: string, share: number, tone: string) => void {
  const figure = make('span', 'figure')
  const track = make('span', 'track')
  const fill = make('span', 'fill')
  track.setAttribute('aria-hidden', 'true')
  track.append(fill)
  cell.append(figure, track)
  return (text, share, tone) => {
    say(figure, text)
    wear(fill, `fill ${tone}`)
    const percent = 100 * Math.min(1, Math.max(0, share))
    fill.style.setProperty('inline-size', `${percent.toFixed(1)}%`)
  }
}
