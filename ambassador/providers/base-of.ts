/** A base URL, taken apart. */
export interface Base {
  readonly origin: string
  /** Without a slash at its end. */
  readonly path: string
}

/** Taken apart once for each that has been called; few, since they stand in the configuration. */
const bases = new Map<string, Base>()
const basesMax = 1_024

export function baseOf(url: string): Base {
  let base = bases.get(url)
  if (base === undefined) {
    const { host, pathname, protocol } = new URL(url)
    base = { origin: `${protocol}//${host}`, path: pathname === '/' ? '' : pathname }
    if (bases.size >= basesMax) bases.clear()
    bases.set(url, base)
  }
  return base
}
