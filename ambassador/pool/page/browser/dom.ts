/**
 * As much of a browser as the page uses. Nothing here takes markup: names of tenants and models come
 * from callers, and can only become text.
 */

/** An element, or a text. */
export interface PageNode {
  textContent: string | null
  className: string
  title: string
  hidden: boolean
  open?: boolean
  readonly style: { setProperty(name: string, value: string): void }
  readonly children: { readonly length: number; readonly [index: number]: PageNode }
  append(...nodes: PageNode[]): void
  insertBefore(node: PageNode, before: PageNode | null): void
  replaceChildren(...nodes: PageNode[]): void
  remove(): void
  setAttribute(name: string, value: string): void
  addEventListener(type: string, listener: () => void): void
}

export interface PageDocument {
  title: string
  readonly hidden: boolean
  readonly documentElement: PageNode
  createElement(tag: string): PageNode
  createElementNS(space: string, tag: string): PageNode
  getElementById(id: string): PageNode | null
  addEventListener(type: string, listener: () => void): void
}
