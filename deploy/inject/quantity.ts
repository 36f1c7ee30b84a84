const factors: ReadonlyMap<string, number> = new Map([
  ['n', 1e-9],
  ['u', 1e-6],
  ['m', 1e-3],
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['P', 1e15],
  ['E', 1e18],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
  ['Ti', 2 ** 40],
  ['Pi', 2 ** 50],
  ['Ei', 2 ** 60],
])

/**
 * Cores or bytes of a Kubernetes quantity: `50m`, `0.5`, `96Mi`, `1e3`, or a bare number.
 * Undefined for what is none, negative ones included.
 */
export function parseQuantity(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 ? value : undefined
  if (typeof value !== 'string') return undefined
  const match =
    /^\+?(\d{1,18}(?:\.\d{0,9})?|\.\d{1,9})(?:([eE][+-]?\d{1,2})|([A-Za-z]{0,2}))$/.exec(value)
  if (match === null) return undefined
  const [, digits = '', exponent, suffix = ''] = match
  if (exponent !== undefined) return Number(`${digits}${exponent}`)
  const factor = factors.get(suffix)
  return factor === undefined ? undefined : Number(digits) * factor
}

/** How Kubernetes would spell a size that people write as `128MB`, `128mb` or `128MiB`. */
export function respell(text: string): string | undefined {
  const [, digits, unit = ''] = /^\s*(\d{1,9})\s*([A-Za-z]{1,3})\s*$/.exec(text) ?? []
  const letter = unit.charAt(0).toUpperCase()
  if (digits === undefined || !['K', 'M', 'G'].includes(letter)) return undefined
  return /^.(?:i|ib)?b?$/i.test(unit) ? `${digits}${letter}i` : undefined
}
